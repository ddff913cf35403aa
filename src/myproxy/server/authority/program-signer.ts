/** A CA that is a program of the site: `certificate_issuer_program`. */
import type { KeyObject } from 'node:crypto'
import { printable, VoboxError } from '../../../errors.js'
import type { Clock } from '../../../ports/clock.js'
import type { Certificate } from '../../../x509/certificate.js'
import type { Name } from '../../../x509/name.js'
import { encodePem } from '../../../x509/pem.js'
import { type Asked, askProgram } from './call-out-text.js'
import type { IssueRequest } from './certificate-authority.js'
import { certificatesIn } from './issuer.js'
import type { Signer } from './issuing-authority.js'

export interface ProgramSignerOptions {
  asked: Asked
  /** Sent behind each certificate. */
  sent: readonly Certificate[]
  /** `max_cert_lifetime` in seconds; 0 where the file has none: then the program alone decides. */
  maxLifetimeSeconds: number
  clock: Clock
}

/** How far the clock of the machine that signs may be from ours, in seconds. */
const SKEW_SECONDS = 300

export class ProgramSigner implements Signer {
  readonly #options: ProgramSignerOptions

  constructor(options: ProgramSignerOptions) {
    this.#options = options
  }

  get sent(): readonly Certificate[] {
    return this.#options.sent
  }

  async sign(request: IssueRequest, publicKey: KeyObject): Promise<Certificate> {
    const { asked } = this.#options
    const input = Buffer.from(this.#inputFor(request))
    const given = { input, isSecret: request.passPhrase !== '' }
    const answer = await askProgram(asked, given, request.signal).finally(() => input.fill(0))
    // As in the C server the first certificate counts, and the rest is passed over.
    const [issued] = certificatesIn(answer)
    if (issued === undefined) throw badAnswer(asked, 'printed no certificate')
    const problem = this.#problemOf(issued, { subject: request.subject, publicKey })
    if (problem !== undefined) throw badAnswer(asked, problem)
    return issued
  }

  /**
   * What speaks against a certificate. The C server hands on whatever is printed: another person's,
   * for another key, expired, a CA's. The policy admitted the client to one subject, so a program that
   * can be made to name another must not be a way round it.
   */
  #problemOf(
    issued: Certificate,
    { subject, publicKey }: { subject: Name; publicKey: KeyObject },
  ): string | undefined {
    const { clock, maxLifetimeSeconds } = this.#options
    const now = clock.now()
    if (!issued.publicKey.equals(publicKey)) return 'certified another key'
    // As text: a program may write it in other string types.
    if (issued.subject.oneLine !== subject.oneLine) {
      return `issued for ${printable(issued.subject.oneLine)}, and not for ${subject.oneLine}`
    }
    if (issued.basicConstraints?.ca === true) return 'issued another CA'
    if (issued.notAfter <= now) return 'issued what has expired'
    if (issued.notBefore > now + SKEW_SECONDS) return 'issued what is not valid yet'
    const isCapped = maxLifetimeSeconds > 0
    return isCapped && issued.notAfter > now + maxLifetimeSeconds + SKEW_SECONDS
      ? 'issued for longer than max_cert_lifetime'
      : undefined
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
