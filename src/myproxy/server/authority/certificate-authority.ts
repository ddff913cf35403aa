/**
 * A certificate authority beside the repository: who is admitted to a name under which nothing is
 * stored is given a new end-entity certificate instead of a proxy of an old one.
 *
 * An admission is what it is for stored credentials (`trusted_retrievers`, or `authorized_renewers`
 * and a challenge), with the subject that the name maps to in the place of the stored owner.
 */
import { isVoboxError, toVoboxError, VoboxError } from '../../../errors.js'
import type { Certificate } from '../../../x509/certificate.js'
import type { Name } from '../../../x509/name.js'

export interface IssueRequest {
  /** For whom, as the client wrote it; the name was checked, and the client is admitted to it. */
  username: string
  /** What {@link CertificateAuthority.subjectOf} said when the client was admitted. */
  subject: Name
  /** PKCS#10 in DER, as it arrived. */
  certificationRequest: Uint8Array
  /** Asked for, in seconds; 0: as much as there is. */
  lifetimeSeconds: number
  /** Name of the credential that was asked for, if one was. */
  credentialName?: string | undefined
  /** What came as a pass phrase, which nobody has checked; for a program that wants to. */
  passPhrase: string
  /** DN of the client, for the log. */
  client: string
  signal: AbortSignal
}

/** Safe to call many times at once, in several processes too. */
export interface CertificateAuthority {
  /**
   * The subject that certificates of `username` have.
   *
   * @throws `MYPROXY_NO_CREDENTIAL` for a name that maps to none; `PROGRAM_FAILED`.
   */
  subjectOf(username: string, signal: AbortSignal): Promise<Name>
  /**
   * The new certificate, and the certificates of the CA that the client is to have with it.
   *
   * @throws {@link certificateNotMade}, and nothing was issued that anybody has.
   */
  issue(request: IssueRequest): Promise<Certificate[]>
}

/** A name that the CA does not know. The C server's words. */
export function unknownUsername(username: string, cause?: unknown): VoboxError {
  return new VoboxError('MYPROXY_NO_CREDENTIAL', `unknown username: ${username}`, {
    data: { username, lines: [`unknown username: ${username}`] },
    ...(cause !== undefined && { cause }),
  })
}

/** What is wrong with a request, as far as the client can do something about it. */
const TOLD = ['KEY_TOO_WEAK', 'REQUEST_MALFORMED', 'SIGNATURE_INVALID'] as const

/**
 * The C server tells the client one sentence, whatever happened; the log has the rest. What is wrong
 * with the client's own request follows in a second line.
 */
export function certificateNotMade(thrown: unknown): VoboxError {
  const cause = toVoboxError(thrown)
  const more = isVoboxError(cause, ...TOLD) ? [cause.message] : []
  return new VoboxError('MYPROXY_REFUSED', `Certificate not issued: ${cause.message}`, {
    persistence: cause.persistence,
    data: { reason: cause.code, lines: ['Certificate generation failure.', ...more] },
    cause,
  })
}
