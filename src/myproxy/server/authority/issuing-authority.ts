/** The certificate authority of the server: what is asked, checked and said, whoever signs. */
import type { KeyObject } from 'node:crypto'
import { printable } from '../../../errors.js'
import type { Clock } from '../../../ports/clock.js'
import type { Journal } from '../../../ports/journal.js'
import type { Certificate } from '../../../x509/certificate.js'
import type { Name } from '../../../x509/name.js'
import { acceptRequest } from './accept-request.js'
import {
  type CertificateAuthority,
  certificateNotMade,
  type IssueRequest,
} from './certificate-authority.js'
import { type Checkers, checkIssued, checkRequest } from './checkers.js'
import type { SubjectSource } from './subject-source.js'

/** The one step in which a CA with a key of its own and a program of the site differ. */
export interface Signer {
  /** The certificates of the CA that are sent behind each of its own. */
  readonly sent: readonly Certificate[]
  /**
   * Makes the certificate of a request that was found good, for its key and its subject.
   *
   * @throws VoboxError: then nobody has one.
   */
  sign(request: IssueRequest, publicKey: KeyObject): Promise<Certificate>
}

export interface IssuingAuthorityOptions {
  signer: Signer
  /** Whose a name is: who is admitted to it depends on that. */
  subjects: SubjectSource
  checkers: Checkers
  /** `min_keylen`, in bits. */
  minKeyBits: number
  clock: Clock
  journal: Journal
}

export class IssuingAuthority implements CertificateAuthority {
  readonly #options: IssuingAuthorityOptions

  constructor(options: IssuingAuthorityOptions) {
    this.#options = options
  }

  subjectOf(username: string, signal: AbortSignal): Promise<Name> {
    return this.#options.subjects.subjectOf(username, signal)
  }

  async issue(request: IssueRequest): Promise<Certificate[]> {
    const { certificationRequest, signal } = request
    const { checkers, minKeyBits, signer } = this.#options
    try {
      const publicKey = acceptRequest(certificationRequest, minKeyBits)
      await checkRequest(checkers, certificationRequest, signal)
      const issued = await signer.sign(request, publicKey)
      await checkIssued(checkers, issued.der, signal)
      this.#log(request, issued)
      return [issued, ...signer.sent]
    } catch (error) {
      signal.throwIfAborted()
      throw certificateNotMade(error)
    }
  }

  #log({ username, client }: IssueRequest, issued: Certificate): void {
    const { journal, clock } = this.#options
    journal.write('info', 'myproxy-issued', 'Certificate issued', {
      username: printable(username, 200),
      client: printable(client),
      subject: issued.subject.oneLine,
      serial: issued.serialHex,
      lifetimeSeconds: issued.notAfter - clock.now(),
    })
  }
}
