/**
 * The CAs of the server's own certificate, up to the root, which TLS need not send and the C server
 * does: a client that trusts a server for the first time (`myproxy-logon -b`) learns its CA from there.
 */
import { type Certificate, isSignedBy } from '../../x509/certificate.js'
import { sameName } from '../../x509/name.js'
import type { TrustAnchors } from '../../x509/trust-anchors.js'

/** No grid has more above a host certificate. */
const MAX_AUTHORITIES = 8

/** What continues `chain`; less, or nothing, where the trust directory has no issuer. */
export function authoritiesAbove(
  chain: readonly Certificate[],
  anchors: TrustAnchors,
): Certificate[] {
  const above: Certificate[] = []
  let last = chain.at(-1)
  while (last !== undefined && !sameName(last.issuer, last.subject)) {
    const child: Certificate = last
    last = anchors
      .anchorsNamed(child.issuer)
      .map(({ certificate }) => certificate)
      .find(({ publicKey }) => isSignedBy(child, publicKey))
    if (last === undefined || above.length === MAX_AUTHORITIES) break
    above.push(last)
  }
  return above
}
