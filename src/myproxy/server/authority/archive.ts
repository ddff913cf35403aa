/** `certificate_out_dir`: a copy of each certificate that was signed, by its serial number. */
import { join } from 'node:path'
import { printable } from '../../../errors.js'
import type { Files } from '../../../ports/files.js'
import type { Certificate } from '../../../x509/certificate.js'
import { encodePem } from '../../../x509/pem.js'

export class CertificateArchive {
  readonly #files: Files
  readonly #directory: string

  constructor(files: Files, directory: string) {
    this.#files = files
    this.#directory = directory
  }

  /** Whether a certificate with this number is there, of whichever server. */
  async has(serial: Uint8Array): Promise<boolean> {
    return (await this.#files.facts(this.#pathOf(serial))) !== undefined
  }

  /**
   * Writes the certificate before anybody has it, so that all can be revoked that exist
   * (`openssl ca -revoke`). Readable by its owner alone, as the C server's.
   *
   * @throws what writing throws: `FILE_UNWRITABLE`.
   */
  async keep(serial: Uint8Array, certificate: Certificate, username: string): Promise<void> {
    const head = [
      `Subject: ${certificate.subject.oneLine}`,
      `Issuer: ${certificate.issuer.oneLine}`,
      `Serial: ${nameOf(serial)}`,
      `Username: ${printable(username, 200)}`,
    ]
    const text = `${head.join('\n')}\n${encodePem('CERTIFICATE', certificate.der)}`
    await this.#files.replace(this.#pathOf(serial), Buffer.from(text), { mode: 0o600 })
  }

  /** @throws `FILE_UNWRITABLE`. */
  check(): Promise<void> {
    return this.#files.probeWritable(this.#directory)
  }

  #pathOf(serial: Uint8Array): string {
    return join(this.#directory, `${nameOf(serial)}.pem`)
  }
}

/** As the C server names them: `0A`, `01:00`. */
function nameOf(serial: Uint8Array): string {
  return (Buffer.from(serial).toString('hex').toUpperCase().match(/../g) ?? []).join(':')
}
