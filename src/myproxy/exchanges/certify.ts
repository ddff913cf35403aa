/** GET with somebody else's certification request (`logon -Q`): no key is made, and none is seen. */
import { VoboxError } from '../../errors.js'
import { orderChain } from '../../proxy/order-chain.js'
import { type Certificate, parseCertificate } from '../../x509/certificate.js'
import { parseRequest } from '../../x509/request.js'
import type { MyProxyContext } from '../context.js'
import { readCertificateList, readOk } from '../conversation.js'
import { askForDelegation, type DelegationCall } from './ask-for-delegation.js'
import type { Answered, WithTrustRoots } from './call.js'
import { converse } from './converse.js'

/** Whose key is to be certified. */
export interface CertifyCall extends DelegationCall {
  /** PKCS#10, in DER, signed with the key it is for. */
  request: Uint8Array
}

/** What came back for it. */
export interface CertifyResult extends Answered, WithTrustRoots {
  /** Leaf first, no root. Its structure was checked; whether it is trusted is the caller's to judge. */
  chain: readonly Certificate[]
}

/**
 * Has the key of a request certified.
 *
 * @throws `REQUEST_MALFORMED` or `SIGNATURE_INVALID` for the request, before anybody is asked; what
 *   {@link askForDelegation} does; `PROXY_KEY_MISMATCH` when another key was certified;
 *   `CHAIN_BROKEN`, `CERTIFICATE_MALFORMED`, `ALL_SERVERS_FAILED`.
 */
export async function requestCertificate(
  context: MyProxyContext,
  call: CertifyCall,
): Promise<CertifyResult> {
  const { publicKey } = parseRequest(call.request)
  return converse(context, call, 'reads', async (channel, server) => {
    const { trustRoots } = await askForDelegation(context, channel, call)
    await channel.write(call.request)
    const [leaf, ...others] = (await readCertificateList(channel)).map(parseCertificate)
    await readOk(channel)
    if (leaf === undefined || !leaf.publicKey.equals(publicKey)) {
      throw new VoboxError('PROXY_KEY_MISMATCH', 'what came back is not for the key of the request')
    }
    return { server, chain: orderChain(leaf, others), trustRoots }
  })
}
