/**
 * A glance at a proxy file: whose it is and when it ends, without touching its key or verifying a
 * signature.
 *
 * `query` and its kin only report, and are called in loops; what they glance at was validated when
 * it was written. Whatever is not in plain order is refused here, and the caller reads it properly.
 */
import { VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { describeChain } from '../proxy/chain-facts.js'
import { type Certificate, parseCertificate } from '../x509/certificate.js'
import { sameName } from '../x509/name.js'
import { parsePem } from '../x509/pem.js'

export interface ProxyGlance {
  /** Identity DN in one-line form, and as DER in base64. */
  identity: string
  identityDer: string
  /** Start of validity of the leaf. */
  notBefore: UnixSeconds
  /** Earliest end in the chain. */
  effectiveEnd: UnixSeconds
}

/**
 * Reads a file that holds a leaf, then its chain in order, then possibly its root.
 *
 * @throws VoboxError `PROXY_FILE_MALFORMED` for any other order, or what the parsers say.
 */
export function glanceAtProxy(bytes: Uint8Array): ProxyGlance {
  const certificates = parsePem(bytes)
    .filter((block) => block.label === 'CERTIFICATE')
    .map((block) => parseCertificate(block.bytes))
  const facts = describeChain(plainChain(certificates))
  return {
    identity: facts.identity.oneLine,
    identityDer: Buffer.from(facts.identity.der).toString('base64'),
    notBefore: facts.notBefore,
    effectiveEnd: facts.effectiveEnd,
  }
}

function plainChain(certificates: readonly Certificate[]): Certificate[] {
  const chain = certificates.filter(
    (certificate, index) => index === 0 || !sameName(certificate.subject, certificate.issuer),
  )
  const inOrder = chain.every((certificate, index) => {
    const below = chain[index - 1]
    return below === undefined || sameName(below.issuer, certificate.subject)
  })
  if (inOrder) return chain
  throw new VoboxError('PROXY_FILE_MALFORMED', 'The certificates are not in the order of a chain')
}
