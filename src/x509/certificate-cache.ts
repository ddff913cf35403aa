/**
 * Certificates that come again and again: those of CAs, of hosts that connect every minute, of
 * users whose proxies are renewed.
 *
 * The same bytes give the same object, whose public key is imported once and whose signature is
 * checked once against each key (`isSignedBy`). Nothing that time, a revocation list or a
 * configuration can change is kept: whoever gets a certificate from here judges it anew.
 */
import { createHash } from 'node:crypto'
import { type Certificate, parseCertificate } from './certificate.js'

/** Certificates kept; some 10 kB each. */
const DEFAULT_MAX = 1000

export class CertificateCache {
  readonly #max: number
  /** By the SHA-256 of the DER; what was used last stands last. */
  readonly #kept = new Map<string, Certificate>()

  /** @param max most certificates kept; default 1000. */
  constructor(max = DEFAULT_MAX) {
    this.#max = max
  }

  /** As `parseCertificate`, and bound to its cache. @throws `CERTIFICATE_MALFORMED`. */
  readonly parse = (der: Uint8Array): Certificate => {
    const key = createHash('sha256').update(der).digest('base64')
    const certificate = this.#kept.get(key) ?? parseCertificate(Uint8Array.from(der))
    this.#kept.delete(key)
    this.#kept.set(key, certificate)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#max) break
      this.#kept.delete(oldest)
    }
    return certificate
  }
}
