/**
 * Whether the attributes in an attribute certificate may be believed (RFC 5755 §5, and the rules of
 * VOMS on top).
 *
 * A {@link VerifiedAttributes} is made here and nowhere else, so that code which acts on attributes
 * can demand ones that were verified.
 */
import { VoboxError } from '../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import type { ChainFacts } from '../proxy/chain-facts.js'
import type { Certificate } from '../x509/certificate.js'
import type { TrustAnchors } from '../x509/trust-anchors.js'
import { checkStatement } from './ac-rules.js'
import { splitAcSequence } from './ac-sequence.js'
import { type AttributeCertificate, parseAttributeCertificate } from './attribute-certificate.js'
import { findTrustedIssuer } from './trusted-issuer.js'
import type { VomsTrust } from './voms-trust.js'

export interface AttributeRules {
  /** Which servers speak for which VO. */
  trust: VomsTrust
  /** Which CAs the servers' certificates may come from. */
  anchors: TrustAnchors
  now: UnixSeconds
  /** Who we are, for attributes that are meant for certain hosts; absent: those are refused. */
  host?: string
}

declare const verified: unique symbol

/** Attributes that a server granted which may speak for its VO, to the holder of the chain. */
export interface VerifiedAttributes {
  readonly [verified]: true
  readonly ac: AttributeCertificate
  /** What said that the server may speak for the VO. */
  readonly by: 'lsc' | 'certificate'
  /** The server's certificate first, the root last. */
  readonly issuerChain: readonly Certificate[]
  /** When they stop counting: the end of the attribute certificate or of its issuer's chain. */
  readonly effectiveEnd: UnixSeconds
}

/**
 * Verifies one attribute certificate.
 *
 * @param rules.endEntity the end-entity certificate of the chain that carries it; validated by the
 *   caller.
 * @throws VoboxError `VOMS_AC_EXPIRED`, `VOMS_AC_NOT_YET_VALID` (transient),
 *   `VOMS_AC_HOLDER_DIFFERS`, `VOMS_AC_UNTRUSTED` (`data.reason`), `VOMS_TRUST_MISSING`,
 *   `EXTENSION_UNKNOWN_CRITICAL`, `SIGNATURE_INVALID`, and whatever `validatePath` throws for the
 *   server's certificate.
 */
export function verifyAttributes(
  ac: AttributeCertificate,
  rules: AttributeRules & { endEntity: Certificate },
): VerifiedAttributes {
  checkStatement(ac, rules)
  const { by, path } = findTrustedIssuer(ac, rules)
  const effectiveEnd = asUnixSeconds(Math.min(ac.notAfter, path.effectiveEnd))
  const attributes = { ac, by, issuerChain: path.certificates, effectiveEnd }
  return attributes as unknown as VerifiedAttributes
}

/** One attribute certificate of a chain, believed or not; `ac` is undefined where it cannot be read. */
export type JudgedAttributes =
  | { readonly ac: AttributeCertificate; readonly verified: VerifiedAttributes }
  | { readonly ac: AttributeCertificate | undefined; readonly problem: VoboxError }

/**
 * Judges the attribute certificates that count, those of the outermost proxy that carries any, for
 * people who look. Never throws for what is in them. The chain itself is validated by the caller.
 */
export function judgeAttributes(facts: ChainFacts, rules: AttributeRules): JudgedAttributes[] {
  if (facts.acBytes === undefined) return []
  const { acBytes, endEntity } = facts
  const ders = attempt(() => splitAcSequence(acBytes))
  if (ders instanceof VoboxError) return [{ ac: undefined, problem: ders }]
  return ders.map((der): JudgedAttributes => {
    const ac = attempt(() => parseAttributeCertificate(der))
    if (ac instanceof VoboxError) return { ac: undefined, problem: ac }
    const outcome = attempt(() => verifyAttributes(ac, { ...rules, endEntity }))
    return outcome instanceof VoboxError ? { ac, problem: outcome } : { ac, verified: outcome }
  })
}

function attempt<T>(work: () => T): T | VoboxError {
  try {
    return work()
  } catch (error) {
    if (error instanceof VoboxError) return error
    throw error
  }
}
