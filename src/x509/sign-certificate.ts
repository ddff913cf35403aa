/** Builds and signs certificates: proxies, and the CAs of demo and tests. */
import type { KeyObject } from 'node:crypto'
import { derBitString, derContext, derInteger, derSequence, derTime } from '../asn1/der.js'
import type { UnixSeconds } from '../ports/clock.js'
import { type CertificateExtension, encodeExtension } from './extensions.js'
import type { Name } from './name.js'
import { encodePublicKey } from './public-key.js'
import { encodeAlgorithmFor, type SigningHash, signBytes } from './signature-algorithms.js'

export {
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeExtendedKeyUsage,
  encodeKeyUsage,
  encodeSubjectAltNames,
  encodeSubjectKeyIdentifier,
} from './extensions.js'

export interface CertificateTemplate {
  /** Unsigned, big-endian; at most 20 octets (RFC 5280 §4.1.2.2). */
  serial: Uint8Array
  /** Goes in octet for octet: pass the signer's own `subject`. */
  issuer: Name
  subject: Name
  notBefore: UnixSeconds
  notAfter: UnixSeconds
  publicKey: KeyObject
  extensions: readonly CertificateExtension[]
  /** Default: SHA-256, or the hash that fits a larger curve. */
  hash?: SigningHash
}

/** A version 3 certificate in DER, whatever the signer's own certificate was signed with. */
export function signCertificate(template: CertificateTemplate, signer: KeyObject): Uint8Array {
  const algorithm = encodeAlgorithmFor(signer, template.hash)
  const extensions = template.extensions.map(encodeExtension)
  const tbs = derSequence(
    derContext(0, derInteger(2)),
    derInteger(template.serial),
    algorithm,
    template.issuer.der,
    derSequence(derTime(template.notBefore), derTime(template.notAfter)),
    template.subject.der,
    encodePublicKey(template.publicKey),
    ...(extensions.length === 0 ? [] : [derContext(3, derSequence(...extensions))]),
  )
  return derSequence(tbs, algorithm, derBitString(signBytes(signer, tbs, template.hash)))
}
