/** What a person should hear about the revocation lists of a CA, a day before it hurts. */
import type { UnixSeconds } from '../ports/clock.js'
import type { Certificate } from './certificate.js'
import type { Revocation, TrustProblem } from './trust-anchors.js'

/** How long before the end of a list it becomes a problem, in seconds. */
const EXPIRING_SECONDS = 86_400

export function crlProblems(
  { subject }: Certificate,
  revocation: Revocation,
  now: UnixSeconds,
): TrustProblem[] {
  const authority = subject.oneLine
  switch (revocation.kind) {
    case 'none':
      return []
    case 'unreadable':
      return [unreadableCrl(revocation.file, authority, revocation.reason)]
    case 'present':
      return revocation.crls.flatMap(({ crl, file }) =>
        crl.nextUpdate === undefined ? [] : expiryProblem(authority, file, crl.nextUpdate, now),
      )
  }
}

function unreadableCrl(file: string, authority: string, reason: string): TrustProblem {
  const why = reason === 'bad-signature' ? 'is not signed by that CA' : 'cannot be read'
  const message = `the CRL of ${authority} ${why}; nothing signed by that CA is accepted`
  return { kind: 'crl-unreadable', file, authority, message }
}

function expiryProblem(
  authority: string,
  file: string,
  at: UnixSeconds,
  now: UnixSeconds,
): TrustProblem[] {
  if (now > at) {
    const message = `the CRL of ${authority} has expired; nothing signed by that CA is accepted`
    return [{ kind: 'crl-expired', file, authority, at, message }]
  }
  if (at - now > EXPIRING_SECONDS) return []
  const message = `the CRL of ${authority} expires within a day; then nothing signed by that CA is accepted`
  return [{ kind: 'crl-expiring', file, authority, at, message }]
}
