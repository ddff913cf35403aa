/**
 * Certification path building and validation (RFC 5280 §6): from an end-entity certificate to a root
 * of the trust directory.
 *
 * Candidates for an issuer are the certificates with exactly the issuer's name, from the directory
 * first and then from what the peer sent; the signature decides between them. Every path found that
 * way is held against the rules until one passes, so that a CA that renewed its certificate or is
 * certified twice does no harm.
 */
import { VoboxError } from '../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import { type Certificate, isSignedBy } from './certificate.js'
import { type Name, sameName } from './name.js'
import { checkPathRules, type PathOptions } from './path-rules.js'
import { isBrokenAlgorithm } from './signature-algorithms.js'
import type { TrustAnchors } from './trust-anchors.js'

export type { PathOptions } from './path-rules.js'
export { CLOCK_SKEW_SECONDS } from './revocation.js'

export interface ValidatedPath {
  /** End entity first, then its CAs, the root last. */
  readonly certificates: readonly Certificate[]
  /** The root. */
  readonly anchor: Certificate
  /** Earliest end of validity of all of them. */
  readonly effectiveEnd: UnixSeconds
}

/** More CAs than anybody has; bounds the search. */
const MAX_PATH_CERTIFICATES = 10
const MAX_INTERMEDIATES = 20

/** A hostile set of intermediates could make the search exponential; nobody honest needs 100. */
const MAX_SIGNATURE_CHECKS = 100

/**
 * Finds a valid path and returns it.
 *
 * @param intermediates what the peer sent besides; order does not matter, nothing in it is trusted.
 * @throws `CHAIN_UNTRUSTED`, `CHAIN_EXPIRED`, `CHAIN_NOT_YET_VALID`, `CHAIN_BROKEN`,
 *   `CHAIN_TOO_LONG`, `SIGNATURE_INVALID`, `CERTIFICATE_REVOKED`, `CRL_EXPIRED`, `CRL_UNREADABLE`,
 *   `SIGNING_POLICY_*`, `KEY_USAGE_FORBIDS`, `KEY_TOO_WEAK`, `NAME_CONSTRAINTS_FORBID`,
 *   `EXTENSION_UNKNOWN_CRITICAL`; `data.subject` is the certificate that is at fault.
 */
export function validatePath(
  endEntity: Certificate,
  intermediates: readonly Certificate[],
  anchors: TrustAnchors,
  options: PathOptions,
): ValidatedPath {
  if (intermediates.length > MAX_INTERMEDIATES) {
    throw tooLong(endEntity, { intermediates: intermediates.length })
  }
  const search = new PathSearch(intermediates, anchors, options.now)
  let failure: unknown
  for (const path of search.pathsFrom([endEntity])) {
    try {
      checkPathRules(path, anchors, options)
      return validated(path)
    } catch (error) {
      failure ??= error
    }
  }
  throw failure ?? search.failure(endEntity)
}

function validated(path: readonly Certificate[]): ValidatedPath {
  const effectiveEnd = asUnixSeconds(Math.min(...path.map(({ notAfter }) => notAfter)))
  return { certificates: path, anchor: path[path.length - 1] as Certificate, effectiveEnd }
}

class PathSearch {
  readonly #intermediates: readonly Certificate[]
  readonly #anchors: TrustAnchors
  readonly #now: UnixSeconds
  #checks = 0
  /** The furthest certificate whose issuer was not found, and why. */
  #stop: { certificate: Certificate; reason: 'no-issuer' | 'bad-signature' } | undefined
  #stopDepth = 0

  constructor(intermediates: readonly Certificate[], anchors: TrustAnchors, now: UnixSeconds) {
    this.#intermediates = intermediates
    this.#anchors = anchors
    this.#now = now
  }

  /** All ways from the last certificate of `path` to a root, depth first. */
  *pathsFrom(path: readonly Certificate[]): Generator<readonly Certificate[]> {
    const last = path[path.length - 1] as Certificate
    if (this.#isRoot(last)) {
      yield path
      return
    }
    if (path.length >= MAX_PATH_CERTIFICATES)
      throw tooLong(last, { maximum: MAX_PATH_CERTIFICATES })
    const candidates = this.#candidates(last.issuer).filter((one) => !includes(path, one))
    const issuers = candidates.filter((candidate) => this.#signed(last, candidate))
    if (issuers.length === 0) this.#noteStop(last, path.length, candidates.length > 0)
    for (const issuer of issuers) yield* this.pathsFrom([...path, issuer])
  }

  #isRoot(certificate: Certificate): boolean {
    return this.#anchors
      .anchorsNamed(certificate.subject)
      .some((anchor) => anchor.root && sameDer(anchor.certificate, certificate))
  }

  /** Certificates with that subject, each once; those valid now first, so that errors make sense. */
  #candidates(subject: Name): Certificate[] {
    const found = this.#anchors.anchorsNamed(subject).map(({ certificate }) => certificate)
    for (const certificate of this.#intermediates) {
      const fits = sameName(certificate.subject, subject) && !includes(found, certificate)
      if (fits) found.push(certificate)
    }
    const isCurrent = ({ notBefore, notAfter }: Certificate) =>
      notBefore <= this.#now && this.#now <= notAfter
    return [...found.filter(isCurrent), ...found.filter((one) => !isCurrent(one))]
  }

  #signed(certificate: Certificate, issuer: Certificate): boolean {
    this.#checks++
    if (this.#checks > MAX_SIGNATURE_CHECKS) {
      throw tooLong(certificate, { signatureChecks: MAX_SIGNATURE_CHECKS })
    }
    return isSignedBy(certificate, issuer.publicKey)
  }

  #noteStop(certificate: Certificate, depth: number, hadCandidates: boolean): void {
    if (depth <= this.#stopDepth) return
    this.#stopDepth = depth
    this.#stop = { certificate, reason: hadCandidates ? 'bad-signature' : 'no-issuer' }
  }

  /** Why there is no path at all. */
  failure(endEntity: Certificate): VoboxError {
    const { certificate, reason } = this.#stop ?? { certificate: endEntity, reason: 'no-issuer' }
    return reason === 'no-issuer' ? untrusted(certificate) : wrongSignature(certificate)
  }
}

function includes(certificates: readonly Certificate[], one: Certificate): boolean {
  return certificates.some((certificate) => sameDer(certificate, one))
}

function sameDer(a: Certificate, b: Certificate): boolean {
  return a === b || Buffer.compare(a.der, b.der) === 0
}

function untrusted(certificate: Certificate): VoboxError {
  const [subject, issuer] = [certificate.subject.oneLine, certificate.issuer.oneLine]
  const selfSigned = sameName(certificate.subject, certificate.issuer)
  const message = selfSigned
    ? `the CA ${subject} is not trusted here`
    : `the CA ${issuer}, which signed ${subject}, is not known here`
  return new VoboxError('CHAIN_UNTRUSTED', message, {
    hint: 'install that CA in the directory of trust anchors, or set X509_CERT_DIR to one that has it',
    data: { subject, issuer },
  })
}

function wrongSignature(certificate: Certificate): VoboxError {
  const [subject, issuer] = [certificate.subject.oneLine, certificate.issuer.oneLine]
  const algorithm = certificate.signatureAlgorithm
  const data = { subject, issuer, algorithm: algorithm.name }
  if (isBrokenAlgorithm(algorithm)) {
    const message = `${subject} is signed with ${algorithm.name}, which proves nothing any more`
    return new VoboxError('SIGNATURE_INVALID', message, {
      data: { ...data, reason: 'broken-algorithm' },
    })
  }
  return new VoboxError('SIGNATURE_INVALID', `${subject} is not signed by the key of ${issuer}`, {
    data: { ...data, reason: 'bad-signature' },
  })
}

function tooLong(certificate: Certificate, data: Record<string, unknown>): VoboxError {
  const subject = certificate.subject.oneLine
  return new VoboxError('CHAIN_TOO_LONG', `no path from ${subject} within the limits`, {
    data: { subject, ...data },
  })
}
