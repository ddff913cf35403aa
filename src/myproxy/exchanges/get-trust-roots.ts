/** GET_TRUSTROOTS: the server's CA files. */

import type { Credential } from '../../proxy/credential.js'
import type { Certificate } from '../../x509/certificate.js'
import type { MyProxyContext } from '../context.js'
import { readOk, sendRequest } from '../conversation.js'
import type { TrustRootFile } from '../trust-roots.js'
import type { Answered, MyProxyCall } from './call.js'
import { askForTrustRoots, converse, plainRequest } from './converse.js'

/** Whose CA files are asked for, and how far the server is trusted meanwhile. */
export interface GetTrustRootsCall extends Omit<MyProxyCall, 'username'> {
  /** Presented in TLS; absent: anonymous. */
  credential?: Credential | undefined
  /**
   * Let a server through whose CA is not known here, and judge its name alone: for a host without CA
   * files; default false. No other exchange has this: it would give a pass phrase to whoever answers.
   */
  bootstrap?: boolean | undefined
}

/** The CA files, and whether anything proves whose they are. */
export interface GetTrustRootsResult extends Answered {
  /** None where the server gives none. */
  files: readonly TrustRootFile[]
  /** False, with `bootstrap`, where its CA is not known: nothing proves who sent them. */
  serverTrusted: boolean
  /** What the server presented, leaf first: with `bootstrap` somebody must look at it. */
  serverChain: readonly Certificate[]
}

/** @throws `MYPROXY_REFUSED`, `PROTOCOL_VIOLATION` for a file name that no CA directory has. */
export function requestTrustRoots(
  context: MyProxyContext,
  call: GetTrustRootsCall,
): Promise<GetTrustRootsResult> {
  const does = call.bootstrap === true ? 'bootstraps' : 'reads'
  return converse(context, call, does, async (channel, server) => {
    await sendRequest(channel, {
      ...plainRequest({ ...call, username: '' }),
      ...askForTrustRoots(true),
      command: 'get-trust-roots',
    })
    const { trustRoots } = await readOk(channel, { trustRoots: true })
    const { trusted: serverTrusted, chain: serverChain } = channel.peer
    return { server, files: trustRoots, serverTrusted, serverChain }
  })
}
