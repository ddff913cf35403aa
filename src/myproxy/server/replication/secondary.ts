/** A secondary as the primary speaks to it: with STORE and DESTROY, as its only depositor. */
import { isVoboxError } from '../../../errors.js'
import type { Credential } from '../../../proxy/credential.js'
import type { MyProxyContext } from '../../context.js'
import { requestDestroy } from '../../exchanges/destroy.js'
import { requestStore } from '../../exchanges/store.js'
import type { MyProxyServer } from '../../server-list.js'
import type { StoredEntry } from '../store/credential-repository.js'
import type { ReplicaName } from './replicated.js'

/** Each call is one conversation; it fails as the exchanges of our client do. */
export interface Secondary {
  readonly server: MyProxyServer
  store(entry: StoredEntry, signal: AbortSignal): Promise<void>
  /** Also where there is none. */
  destroy(credential: ReplicaName, signal: AbortSignal): Promise<void>
}

/** @param credential of the primary: the secondary accepts it and nobody else's. */
export function remoteSecondary(
  context: MyProxyContext,
  server: MyProxyServer,
  credential: Credential,
): Secondary {
  const callFor = ({ username, name }: ReplicaName, signal: AbortSignal) => ({
    servers: [server],
    username,
    credentialName: name,
    credential,
    signal,
  })
  return {
    server,
    async store({ data, creds }, signal) {
      await requestStore(context, {
        ...callFor(data, signal),
        lifetimeSeconds: data.lifetimeSeconds,
        policies: {
          retriever: data.retriever,
          renewer: data.renewer,
          trustedRetriever: data.trustedRetriever,
          keyRetriever: data.keyRetriever,
        },
        description: data.description,
        stored: { certificatesPem: creds, keyPem: creds },
      })
    },
    async destroy(name, signal) {
      try {
        await requestDestroy(context, callFor(name, signal))
      } catch (error) {
        if (!isVoboxError(error, 'MYPROXY_NO_CREDENTIAL')) throw error
      }
    },
  }
}
