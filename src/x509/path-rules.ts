/**
 * The rules of RFC 5280 §6.1 for a path whose names and signatures already fit together, and those
 * of the grid on top: a revocation list and a signing policy for every CA, no weak key.
 */
import { OID } from '../asn1/oids.js'
import { VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { Certificate } from './certificate.js'
import { malformedAs } from './malformed-as.js'
import { sameName } from './name.js'
import { satisfiesNameConstraints } from './name-constraints.js'
import { allowsPurpose, PURPOSE_OID, type TlsPurpose } from './purposes.js'
import { CLOCK_SKEW_SECONDS, checkRevocation } from './revocation.js'
import { allowsSubject } from './signing-policy.js'
import type { TrustAnchors } from './trust-anchors.js'

export interface PathOptions {
  /** The instant at which the path must be valid. */
  now: UnixSeconds
  /** Overrides what the trust anchors were configured with. */
  allowMissingSigningPolicy?: boolean
  /** What the end entity will be: every extended key usage of the path must allow it. Default: any. */
  purpose?: TlsPurpose
}

/** Shorter RSA keys have been factored. */
const MIN_RSA_BITS = 1024

/**
 * Extensions that may be critical because we act on them, or because what they say cannot change the
 * answer: certificate policies matter only where a path requires one explicitly, and
 * `policyConstraints`, which would, is not in here.
 */
const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set([
  OID.subjectKeyIdentifier,
  OID.authorityKeyIdentifier,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.basicConstraints,
  OID.subjectAltName,
  OID.nameConstraints,
  OID.certificatePolicies,
  OID.policyMappings,
  OID.inhibitAnyPolicy,
])

/** Throws for the first rule that is broken, looking from the root down. `path` is root last. */
export function checkPathRules(
  path: readonly Certificate[],
  anchors: TrustAnchors,
  options: PathOptions,
): void {
  for (let at = path.length - 1; at >= 0; at--) {
    const certificate = path[at] as Certificate
    const issuer = path[at + 1]
    checkValidity(certificate, options.now)
    checkKeyStrength(certificate)
    checkCriticalExtensions(certificate)
    checkPurpose(certificate, options.purpose)
    if (at > 0) checkAuthority(certificate, path.slice(1, at), issuer === undefined)
    if (issuer === undefined) continue
    checkNameConstraints(certificate, path.slice(at + 1), at === 0)
    checkSigningPolicy(certificate, issuer, anchors, options)
    checkRevocation(certificate, issuer, anchors, options.now)
  }
}

/** Five minutes of skew for the start alone; the end is the end (RFC 5280 §6.1.3 (a)(2)). */
export function checkValidity(certificate: Certificate, now: UnixSeconds): void {
  const { notBefore, notAfter } = certificate
  const subject = certificate.subject.oneLine
  if (now > notAfter) {
    throw new VoboxError('CHAIN_EXPIRED', `the certificate ${subject} has expired`, {
      data: { subject, notAfter },
    })
  }
  if (now < notBefore - CLOCK_SKEW_SECONDS) {
    throw new VoboxError('CHAIN_NOT_YET_VALID', `the certificate ${subject} is not valid yet`, {
      hint: 'if it is a new one, check that the clock of this machine is right',
      data: { subject, notBefore },
      persistence: 'transient',
    })
  }
}

export function checkKeyStrength(certificate: Certificate): void {
  const { keyType, keyBits } = certificate
  if (keyType !== 'rsa' || keyBits >= MIN_RSA_BITS) return
  const subject = certificate.subject.oneLine
  throw new VoboxError('KEY_TOO_WEAK', `the key of ${subject} has only ${keyBits} bits`, {
    data: { subject, keyBits, minimumBits: MIN_RSA_BITS },
  })
}

function checkCriticalExtensions(certificate: Certificate): void {
  const unknown = certificate.extensions.find(
    ({ oid, critical }) => critical && !KNOWN_EXTENSIONS.has(oid),
  )
  if (unknown === undefined) return
  const subject = certificate.subject.oneLine
  const message = `the certificate ${subject} has the critical extension ${unknown.oid}, which is not supported`
  throw new VoboxError('EXTENSION_UNKNOWN_CRITICAL', message, {
    data: { subject, oid: unknown.oid },
  })
}

function checkPurpose(certificate: Certificate, purpose: PathOptions['purpose']): void {
  if (purpose === undefined || allowsPurpose(certificate, purpose)) return
  const { extendedKeyUsage } = certificate
  const subject = certificate.subject.oneLine
  throw new VoboxError(
    'KEY_USAGE_FORBIDS',
    `the certificate ${subject} is not for a TLS ${purpose}`,
    {
      data: { subject, extendedKeyUsage, needed: PURPOSE_OID[purpose] },
    },
  )
}

/**
 * RFC 5280 §6.1.4 (k) to (n). A root of version 1, from before there were extensions, is a CA because
 * the site says so by trusting it.
 */
function checkAuthority(
  certificate: Certificate,
  below: readonly Certificate[],
  root: boolean,
): void {
  const subject = certificate.subject.oneLine
  const { basicConstraints, keyUsage } = certificate
  const oldRoot = root && certificate.version === 1
  if (basicConstraints?.ca !== true && !oldRoot) {
    throw new VoboxError('CHAIN_BROKEN', `${subject} is not a CA and signed a certificate`, {
      data: { subject, reason: 'not-an-authority' },
    })
  }
  if (keyUsage?.has('keyCertSign') === false) {
    throw new VoboxError('KEY_USAGE_FORBIDS', `the key of ${subject} may not sign certificates`, {
      data: { subject, needed: 'keyCertSign' },
    })
  }
  const pathLength = basicConstraints?.pathLength
  const length = below.filter((one) => !sameName(one.subject, one.issuer)).length
  if (pathLength !== undefined && length > pathLength) {
    throw new VoboxError(
      'CHAIN_TOO_LONG',
      `${subject} allows ${pathLength} CAs below it, not ${length}`,
      {
        data: { subject, pathLength, length },
      },
    )
  }
}

/** Self-issued CA certificates are exempt, so that a CA can change its key (RFC 5280 §6.1.3 (b)). */
function checkNameConstraints(
  certificate: Certificate,
  above: readonly Certificate[],
  isEndEntity: boolean,
): void {
  if (!isEndEntity && sameName(certificate.subject, certificate.issuer)) return
  for (const authority of above) {
    const allowed = malformedAs('CERTIFICATE_MALFORMED', 'name constraint of a CA', () =>
      satisfiesNameConstraints(certificate, authority),
    )
    if (allowed) continue
    const [subject, ca] = [certificate.subject.oneLine, authority.subject.oneLine]
    throw new VoboxError('NAME_CONSTRAINTS_FORBID', `${ca} may not certify ${subject}`, {
      data: { subject, authority: ca },
    })
  }
}

function checkSigningPolicy(
  certificate: Certificate,
  issuer: Certificate,
  anchors: TrustAnchors,
  options: PathOptions,
): void {
  const [subject, authority] = [certificate.subject.oneLine, issuer.subject.oneLine]
  const found = anchors.signingPolicyOf(issuer.subject)
  if (found.kind === 'unreadable') {
    throw new VoboxError(
      'SIGNING_POLICY_MALFORMED',
      `the signing policy of ${authority} cannot be read`,
      {
        data: { authority },
      },
    )
  }
  if (found.kind === 'none') {
    if (options.allowMissingSigningPolicy ?? anchors.allowMissingSigningPolicy) return
    throw new VoboxError('SIGNING_POLICY_MISSING', `there is no signing policy for ${authority}`, {
      hint: 'install the CA with its signing policy, or allow missing ones in the configuration',
      data: { authority, subject },
    })
  }
  if (allowsSubject(found.policy, issuer.subject, certificate.subject)) return
  const message = `the signing policy of ${authority} does not let it sign ${subject}`
  throw new VoboxError('SIGNING_POLICY_FORBIDS', message, { data: { authority, subject } })
}
