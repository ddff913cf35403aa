/** The chain that the other side of a TLS socket presented. */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { VoboxError } from '../errors.js'
import { type Certificate, parseCertificate } from '../x509/certificate.js'

/** Most certificates looked at; a peer that sends more is up to no good. */
const MAX_PEER_CERTIFICATES = 32

/**
 * Reads the chain, leaf first, as it was sent; empty when none was.
 *
 * Call it once a socket: on a client, Node takes the leaf out of OpenSSL's own list with every call.
 * `getPeerCertificate(true)` is no way: it guesses issuers by name and cuts proxies off.
 *
 * @param parse default `parseCertificate`.
 * @throws `CERTIFICATE_MALFORMED`, `CHAIN_TOO_LONG`.
 */
export function readPeerChain(
  socket: TLSSocket,
  parse: (der: Uint8Array) => Certificate = parseCertificate,
): Certificate[] {
  const chain: Certificate[] = []
  const seen = new Set<string>()
  let next: X509Certificate | undefined = socket.getPeerX509Certificate()
  while (next !== undefined && !seen.has(next.fingerprint256)) {
    if (chain.length === MAX_PEER_CERTIFICATES) {
      throw new VoboxError('CHAIN_TOO_LONG', 'a peer sent too many certificates', {
        data: { maxCertificates: MAX_PEER_CERTIFICATES },
      })
    }
    seen.add(next.fingerprint256)
    chain.push(parse(next.raw))
    next = next.issuerCertificate
  }
  return chain
}
