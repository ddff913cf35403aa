/**
 * A glance at a proxy file: whose it is and when it ends.
 *
 * `query` and its kin only report, and are called in loops. What they look at was validated when it
 * was written, so a file in plain order is read without its key and without verifying a signature.
 */
import type { UnixSeconds } from '../../ports/clock.js'
import { type ChainFacts, describeChain } from '../../proxy/chain-facts.js'
import { parseCertificateChain, parseCredential } from '../../proxy/credential.js'
import type { Certificate } from '../../x509/certificate.js'
import { CertificateCache } from '../../x509/certificate-cache.js'
import { sameName } from '../../x509/name.js'
import { effectiveEndOf } from '../effective-end.js'

/** From so many files on the same users and CAs come often enough. */
const MANY_FILES = 100

/**
 * How the certificates of so many files are read: each by itself, or known from the file before. For
 * a few, loading the digest alone would cost more.
 */
export function readingOf(files: number): ((der: Uint8Array) => Certificate) | undefined {
  return files < MANY_FILES ? undefined : new CertificateCache(MANY_FILES).parse
}

export interface ProxyGlance {
  /** DER of the identity DN in base64. */
  identityDer: string
  /** Start of validity of the leaf. */
  notBefore: UnixSeconds
  /** Earliest end in the chain and its attribute certificates. */
  effectiveEnd: UnixSeconds
}

/** @throws VoboxError as `parseCredential` and `describeChain` do. */
export function glanceAtProxy(bytes: Uint8Array): ProxyGlance {
  const facts = glanceAtFacts(bytes)
  return {
    identityDer: Buffer.from(facts.identity.der).toString('base64'),
    notBefore: facts.notBefore,
    effectiveEnd: effectiveEndOf(facts),
  }
}

/** What its chain says of itself; the rest as {@link glanceAtChain}. */
export function glanceAtFacts(
  bytes: Uint8Array,
  parse?: (der: Uint8Array) => Certificate,
): ChainFacts {
  return describeChain(glanceAtChain(bytes, parse))
}

/**
 * The chain of a proxy file, leaf first. Where the file is in the order that we write, its key is not
 * touched: that is most of the cost of reading one.
 *
 * @param parse of certificates; default `parseCertificate`.
 * @throws VoboxError as `parseCredential` does.
 */
export function glanceAtChain(
  bytes: Uint8Array,
  parse?: (der: Uint8Array) => Certificate,
): readonly Certificate[] {
  const certificates = parseCertificateChain(bytes, parse)
  return isChain(certificates) ? certificates : parseCredential(bytes).chain
}

/** Leaf first, each named as the issuer of the one before, and no root. */
function isChain(certificates: readonly Certificate[]): boolean {
  return certificates.every((certificate, index) => {
    if (sameName(certificate.subject, certificate.issuer)) return false
    const below = certificates[index - 1]
    return below === undefined || sameName(below.issuer, certificate.subject)
  })
}
