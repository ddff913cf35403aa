/**
 * Whether an issuer has taken a certificate back. No list at all: accepted; a list that we cannot
 * use, or lists of which none speaks about the certificate: refused.
 */
import { printable, VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { Certificate } from './certificate.js'
import type { Crl } from './crl.js'
import { ALL_REASONS, reasonsCovered } from './crl-scope.js'
import type { TrustAnchors } from './trust-anchors.js'

/** Tolerated difference between our clock and the CA's, for the start of validity only, in seconds. */
export const CLOCK_SKEW_SECONDS = 300

/**
 * Throws `CERTIFICATE_REVOKED`, `CRL_EXPIRED` or `CRL_UNREADABLE`; the latter two name the file,
 * because it is the site that cures them.
 */
export function checkRevocation(
  certificate: Certificate,
  issuer: Certificate,
  anchors: TrustAnchors,
  now: UnixSeconds,
): void {
  const revocation = anchors.revocationBy(issuer)
  if (revocation.kind === 'none') return
  if (revocation.kind === 'unreadable') {
    throw crlError('CRL_UNREADABLE', 'cannot be used', issuer, revocation.file, {
      reason: revocation.reason,
    })
  }
  if (issuer.keyUsage?.has('cRLSign') === false) {
    const file = revocation.crls[0]?.file ?? ''
    throw crlError('CRL_UNREADABLE', 'comes from a CA that may not sign any', issuer, file, {
      reason: 'key-usage',
    })
  }
  let covered = 0
  for (const { crl, file } of revocation.crls) {
    const reasons = reasonsCovered(crl.scope, certificate)
    if (reasons === 0) continue
    checkAgainst(certificate, issuer, crl, file, now)
    covered |= reasons
  }
  if (covered !== ALL_REASONS) throw notCovered(certificate, issuer, revocation.crls)
}

/** A CA that splits its list, and the part that the certificate would be on is not here. */
function notCovered(
  certificate: Certificate,
  issuer: Certificate,
  crls: readonly { file: string }[],
): VoboxError {
  const subject = certificate.subject.oneLine
  const file = crls.map((one) => one.file).join(', ')
  return crlError('CRL_UNREADABLE', `says nothing about ${subject}`, issuer, file, {
    reason: 'not-covered',
    subject,
  })
}

function checkAgainst(
  certificate: Certificate,
  issuer: Certificate,
  crl: Crl,
  file: string,
  now: UnixSeconds,
): void {
  if (now < crl.thisUpdate - CLOCK_SKEW_SECONDS) {
    throw crlError('CRL_UNREADABLE', 'is not valid yet', issuer, file, { from: crl.thisUpdate })
  }
  if (crl.nextUpdate !== undefined && now > crl.nextUpdate) {
    throw crlError('CRL_EXPIRED', 'has expired', issuer, file, { at: crl.nextUpdate })
  }
  if (isListed(crl, certificate, issuer, file)) {
    const subject = certificate.subject.oneLine
    throw new VoboxError('CERTIFICATE_REVOKED', `the certificate ${subject} was revoked`, {
      hint: 'ask its CA why, and for a new certificate',
      data: { subject, serial: certificate.serialHex, issuer: issuer.subject.oneLine, file },
    })
  }
}

function isListed(crl: Crl, certificate: Certificate, issuer: Certificate, file: string): boolean {
  try {
    return crl.revokes(certificate.serialHex)
  } catch (cause) {
    throw crlError('CRL_UNREADABLE', 'cannot be read', issuer, file, { reason: 'malformed' }, cause)
  }
}

function crlError(
  code: 'CRL_EXPIRED' | 'CRL_UNREADABLE',
  what: string,
  issuer: Certificate,
  file: string,
  data: Record<string, unknown>,
  cause?: unknown,
): VoboxError {
  const authority = issuer.subject.oneLine
  return new VoboxError(code, `the CRL of ${authority} ${what}`, {
    hint: `look at ${printable(file)}, and run fetch-crl`,
    data: { authority, file, ...data },
    cause,
  })
}
