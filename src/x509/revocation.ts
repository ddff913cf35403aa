/** Whether an issuer has taken a certificate back. No list: accepted; a list we cannot use: refused. */
import { printable, VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { Certificate } from './certificate.js'
import type { Crl, CrlScope } from './crl.js'
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
  for (const { crl, file } of revocation.crls) {
    if (speaksOf(crl.scope, certificate)) checkAgainst(certificate, issuer, crl, file, now)
  }
}

function speaksOf(scope: CrlScope, { basicConstraints }: Certificate): boolean {
  if (scope === 'all') return true
  return (basicConstraints?.ca === true) === (scope === 'authorities')
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
