/**
 * Cryptography in a chain that still works but should not be relied on. Named, not refused: it is
 * the CA's or the user's to cure, and a VO's services would stop for something that works today.
 */
import type { Certificate } from '../x509/certificate.js'

export interface ChainWeakness {
  readonly kind: 'weak-signature' | 'small-key'
  readonly certificate: Certificate
  /** One sentence for people. */
  readonly message: string
}

const WEAK_HASHES: ReadonlySet<string | undefined> = new Set(['md2', 'md4', 'md5', 'sha1'])

const MIN_RSA_BITS = 2048

/** Which certificates were signed with SHA-1 or worse, or hold an RSA key under 2048 bits. */
export function chainWeaknesses(chain: readonly Certificate[]): ChainWeakness[] {
  return chain.flatMap((certificate) => {
    const found: ChainWeakness[] = []
    const { subject, signatureAlgorithm, keyType, keyBits } = certificate
    if (WEAK_HASHES.has(signatureAlgorithm.hash)) {
      const message = `${subject.oneLine} is signed with ${signatureAlgorithm.name}`
      found.push({ kind: 'weak-signature', certificate, message })
    }
    if (keyType === 'rsa' && keyBits < MIN_RSA_BITS) {
      const message = `${subject.oneLine} has an RSA key of only ${keyBits} bits`
      found.push({ kind: 'small-key', certificate, message })
    }
    return found
  })
}
