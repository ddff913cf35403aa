/**
 * The chain that the other side of a TLS socket presented.
 *
 * Node has two ways to it, and neither is whole. `getPeerX509Certificate` has every certificate that
 * was sent, but loses the memory of all above the leaf, some 6 kB each, with every call (Node 20: what
 * it takes out of OpenSSL's list it copies, and never frees); a service that runs for months cannot
 * afford that. `getPeerCertificate` loses nothing, but leaves out what OpenSSL does not take for the
 * issuer, and all above it: whatever signed a proxy without the extension of RFC 3820; and a sub-CA
 * that was issued again, where what it signed names the number of its old certificate. So the first is
 * asked only where the second breaks off at a proxy or where a sub-CA's certificate is named, and only
 * so often.
 */
import type { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { encodeDer } from '../asn1/der.js'
import { OID } from '../asn1/oids.js'
import { constructedContextTag } from '../asn1/tags.js'
import { isVoboxError, VoboxError } from '../errors.js'
import { proxyStepOf } from '../proxy/proxy-step.js'
import { type Certificate, parseCertificate } from '../x509/certificate.js'
import { decodeAuthorityKeyIdentifier } from '../x509/extensions.js'
import { sameName } from '../x509/name.js'

/** Most certificates looked at; a peer that sends more is up to no good. */
const MAX_PEER_CERTIFICATES = 32

/** In GeneralNames (RFC 5280 §4.2.1.6). */
const DIRECTORY_NAME = constructedContextTag(4)

/** Certificates that a process may yet lose the memory of; at first about 130 MB. */
export interface LossBudget {
  certificates: number
}

const OF_THIS_PROCESS: LossBudget = { certificates: 20_000 }

type Parse = (der: Uint8Array) => Certificate

/** One of a chain, by either way. */
interface Link {
  raw: Uint8Array
  fingerprint256: string
  issuerCertificate?: Link | undefined
}

/**
 * Reads the chain, leaf first; empty when none was sent.
 *
 * Call it once a socket: on a client, Node may take the leaf out of OpenSSL's own list with a call.
 *
 * @param parse default `parseCertificate`.
 * @param budget default one for the process; once it is spent, what signed a legacy or draft proxy is
 *   missing, or a sub-CA that was issued again, and nobody trusts such a chain.
 * @throws `CERTIFICATE_MALFORMED`, `CHAIN_TOO_LONG`.
 */
export function readPeerChain(
  socket: Pick<TLSSocket, 'getPeerCertificate' | 'getPeerX509Certificate'>,
  parse: Parse = parseCertificate,
  budget: LossBudget = OF_THIS_PROCESS,
): Certificate[] {
  const chain = walk(socket.getPeerCertificate(true), parse)
  if (!isCutOff(chain) || budget.certificates <= 0) return chain
  // One that is refused for its length has cost as much.
  budget.certificates -= MAX_PEER_CERTIFICATES
  const whole = walk(socket.getPeerX509Certificate(), parse)
  // The memory of the leaf is not lost.
  budget.certificates += MAX_PEER_CERTIFICATES - (whole.length - 1)
  return whole
}

function walk(
  leaf: DetailedPeerCertificate | X509Certificate | undefined,
  parse: Parse,
): Certificate[] {
  const chain: Certificate[] = []
  const seen = new Set<string>()
  let next = leaf as Link | undefined
  // Without a certificate there is an object without anything in it.
  while (next?.raw !== undefined && !seen.has(next.fingerprint256)) {
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

/**
 * A chain does not end in a proxy: somebody signed it, who must be there. It may end below a sub-CA,
 * which may have been left out, or not been sent.
 */
function isCutOff(chain: readonly Certificate[]): boolean {
  const last = chain.at(-1)
  try {
    if (last === undefined) return false
    return proxyStepOf(last, undefined) !== undefined || namesCertificateOfSubCa(last)
  } catch (error) {
    // Whoever judges the chain says what is wrong with it.
    if (isVoboxError(error)) return false
    throw error
  }
}

/**
 * Whether OpenSSL takes only one certificate of a sub-CA for the issuer, by its issuer and number (RFC
 * 5280 §4.2.1.1). Where these are a root's, as in what many a CA without sub-CAs issues, nothing above
 * need be sent.
 */
function namesCertificateOfSubCa(certificate: Certificate): boolean {
  const extension = certificate.extension(OID.authorityKeyIdentifier)
  if (extension === undefined || sameName(certificate.subject, certificate.issuer)) return false
  const named = decodeAuthorityKeyIdentifier(extension.value)
  if (named.issuer === undefined) return named.serial !== undefined
  const ofRoot = encodeDer(DIRECTORY_NAME, certificate.issuer.der)
  return Buffer.compare(named.issuer, ofRoot) !== 0
}
