/** GET: a fresh proxy of a stored credential, or a short-lived certificate of a server that is a CA. */
import { credentialFromDelegation } from '../../gsi/delegation.js'
import type { Credential } from '../../proxy/credential.js'
import { createRequest } from '../../x509/request.js'
import type { MyProxyContext } from '../context.js'
import { readCertificateList, readOk } from '../conversation.js'
import { askForDelegation, type DelegationCall } from './ask-for-delegation.js'
import type { Answered, WithTrustRoots } from './call.js'
import { converse } from './converse.js'

/** Which proxy is asked for, and what proves that the caller may have it. */
export type GetCall = DelegationCall

/** What a GET brings. */
export interface GetResult extends Answered, WithTrustRoots {
  /**
   * A key of ours that nobody else has seen, and the chain that came back. Its structure was checked;
   * whether it is trusted, and is what was promised, is for the caller to judge.
   */
  credential: Credential
}

/**
 * Fetches a fresh proxy. Its key is made only when the server has said yes: a refused request must
 * not cost one.
 *
 * @throws what {@link askForDelegation} does, `PROXY_KEY_MISMATCH`, `CHAIN_BROKEN`,
 *   `CERTIFICATE_MALFORMED`, `ALL_SERVERS_FAILED`.
 */
export function requestGet(context: MyProxyContext, call: GetCall): Promise<GetResult> {
  return converse(context, call, 'reads', async (channel, server) => {
    const { trustRoots } = await askForDelegation(context, channel, call)
    const privateKey = await context.keys.generate(context.keyKind, call.signal)
    await channel.write(createRequest(privateKey))
    const certificates = await readCertificateList(channel)
    await readOk(channel)
    const credential = credentialFromDelegation(
      privateKey,
      certificates,
      context.certificates?.parse,
    )
    return { server, credential, trustRoots }
  })
}
