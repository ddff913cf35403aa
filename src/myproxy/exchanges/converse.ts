/** Finds the server to have an exchange with, and what all requests have in common. */
import { type Reach, withFirstReachable } from '../../gsi/reach.js'
import type { SecureChannel } from '../../gsi/secure-channel.js'
import type { Credential } from '../../proxy/credential.js'
import type { Asker } from '../classify-refusal.js'
import type { MyProxyContext } from '../context.js'
import type { OutgoingRequest } from '../request.js'
import type { MyProxyServer } from '../server-list.js'
import type { AnonymousCall, CredentialCall, MyProxyCall, StoredTerms } from './call.js'

/** What a call says about the way to its server. */
interface Way extends Pick<MyProxyCall, 'servers' | 'onAttempt' | 'signal'> {
  credential?: Credential | undefined
}

/**
 * Has an exchange with the first server that answers.
 *
 * @param does `writes` changes something, so that it goes to the first server of the list alone and is
 *   never sent twice; `bootstraps` reads also from a server whose CA is not known.
 */
export function converse<T>(
  context: MyProxyContext,
  { servers, credential, onAttempt, signal }: Way,
  does: 'reads' | 'writes' | 'bootstraps',
  exchange: (channel: SecureChannel, server: MyProxyServer) => Promise<T>,
): Promise<T> {
  const reach: Reach<MyProxyServer> = {
    servers,
    credential,
    moves: does === 'writes' ? 'writes' : 'reads',
    trust: does === 'bootstraps' ? 'bootstrap' : 'anchors',
    onAttempt,
    signal,
    serverDn: context.serverDn ?? undefined,
    dnSetting: 'MYPROXY_SERVER_DN (server_dn in the configuration)',
    services: ['host', 'myproxy'],
  }
  return withFirstReachable(context, reach, exchange)
}

/** The lines that every request about a stored credential has; a command adds its own. */
export function plainRequest({
  username,
  credentialName,
}: CredentialCall): Omit<OutgoingRequest, 'command'> {
  return {
    username,
    passPhrase: '',
    lifetimeSeconds: 0,
    ...(credentialName === undefined ? {} : { credentialName }),
  }
}

/** The lines that say what may be done with what is stored. */
export function termsOf({
  lifetimeSeconds,
  policies,
  description,
}: StoredTerms): Partial<OutgoingRequest> {
  const { retriever, renewer, trustedRetriever, keyRetriever } = policies ?? {}
  return {
    lifetimeSeconds,
    ...(description === undefined ? {} : { credentialDescription: description }),
    ...(retriever === undefined ? {} : { retriever }),
    ...(renewer === undefined ? {} : { renewer }),
    ...(trustedRetriever === undefined ? {} : { trustedRetriever }),
    ...(keyRetriever === undefined ? {} : { keyRetriever }),
  }
}

/** In what role a credential is asked for. */
export function askerOf({
  authorization,
  passPhrase = '',
}: Pick<AnonymousCall, 'passPhrase'> & { authorization?: Credential | undefined }): Asker {
  if (authorization !== undefined) return 'renewer'
  return passPhrase.length > 0 ? 'pass-phrase' : 'trusted'
}

/** The line that asks for the server's CA files. */
export function askForTrustRoots(
  wanted: boolean | undefined,
): Pick<OutgoingRequest, 'trustedCertificates'> {
  return wanted === true ? { trustedCertificates: '1' } : {}
}
