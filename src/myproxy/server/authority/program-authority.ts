/** The certificate authority that a program of the site is: `certificate_issuer_program`. */
import { printable, VoboxError } from '../../../errors.js'
import type { Clock } from '../../../ports/clock.js'
import type { Journal } from '../../../ports/journal.js'
import type { Certificate } from '../../../x509/certificate.js'
import type { Name } from '../../../x509/name.js'
import { encodePem } from '../../../x509/pem.js'
import { acceptRequest } from './accept-request.js'
import { type Asked, askProgram } from './call-out-text.js'
import {
  type CertificateAuthority,
  certificateNotMade,
  type IssueRequest,
} from './certificate-authority.js'
import { type Checkers, checkIssued, checkRequest } from './checkers.js'
import { certificatesIn } from './issuer.js'
import type { SubjectSource } from './subject-source.js'

export interface ProgramAuthorityOptions {
  asked: Asked
  /** For the policy: who is admitted to a name depends on whose it is. */
  subjects: SubjectSource
  checkers: Checkers
  /** Sent behind each certificate. */
  sent: readonly Certificate[]
  /** `max_cert_lifetime` in seconds; 0 where the file has none. The program is told, and decides. */
  maxLifetimeSeconds: number
  minKeyBits: number
  clock: Clock
  journal: Journal
}

export class ProgramAuthority implements CertificateAuthority {
  readonly #options: ProgramAuthorityOptions

  constructor(options: ProgramAuthorityOptions) {
    this.#options = options
  }

  subjectOf(username: string, signal: AbortSignal): Promise<Name> {
    return this.#options.subjects.subjectOf(username, signal)
  }

  async issue(request: IssueRequest): Promise<Certificate[]> {
    try {
      const issued = await this.#issue(request)
      this.#options.journal.write('info', 'myproxy-issued', 'Certificate issued by a program', {
        username: printable(request.username, 200),
        client: printable(request.client),
        subject: issued.subject.oneLine,
        serial: issued.serialHex,
      })
      return [issued, ...this.#options.sent]
    } catch (error) {
      request.signal.throwIfAborted()
      throw certificateNotMade(error)
    }
  }

  async #issue(request: IssueRequest): Promise<Certificate> {
    const { asked, checkers, minKeyBits, clock } = this.#options
    const { certificationRequest, signal } = request
    const publicKey = acceptRequest(certificationRequest, minKeyBits)
    await checkRequest(checkers, certificationRequest, signal)
    const input = Buffer.from(this.#inputFor(request))
    const answer = await askProgram(asked, { input }, signal).finally(() => input.fill(0))
    // The C server takes the first certificate, whatever it is, and passes over the rest.
    const [issued] = certificatesIn(answer)
    if (issued === undefined) throw badAnswer(asked, 'printed no certificate')
    if (!issued.publicKey.equals(publicKey)) throw badAnswer(asked, 'certified another key')
    if (issued.basicConstraints?.ca === true) throw badAnswer(asked, 'issued another CA')
    if (issued.notAfter <= clock.now()) throw badAnswer(asked, 'issued what has expired')
    await checkIssued(checkers, issued.der, signal)
    return issued
  }

  /** What the C server writes to the program; of a GET most of it is always `NULL`. */
  #inputFor(request: IssueRequest): string {
    const { username, passPhrase, lifetimeSeconds, credentialName } = request
    const lines = [
      `username=${username}`,
      `passphrase=${passPhrase}`,
      `proxy_lifetime=${lifetimeSeconds}`,
      'retrievers=NULL',
      'renewers=NULL',
      `credname=${credentialName ?? 'NULL'}`,
      'creddesc=NULL',
      'authzcreds=NULL',
      'keyretrieve=NULL',
      'trusted_retrievers=NULL',
      `max_cert_lifetime=${this.#options.maxLifetimeSeconds}`,
      '',
    ]
    const pem = encodePem('CERTIFICATE REQUEST', request.certificationRequest)
    return `${lines.join('\n')}\n${pem}`
  }
}

function badAnswer({ program }: Asked, problem: string): VoboxError {
  return new VoboxError('PROGRAM_FAILED', `certificate_issuer_program ${problem}`, {
    hint: `Run ${program} by hand, with what the server gives it`,
    data: { path: program },
  })
}
