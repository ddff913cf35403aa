/** SubjectPublicKeyInfo (RFC 5280 §4.1.2.7): what it says about its key, and the key itself. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { DerReader, derBitString, derNull, derOid, derSequence, TAG } from '../asn1/der.js'
import { OID } from '../asn1/oids.js'

export interface KeyFacts {
  keyType: 'rsa' | 'ec' | 'other'
  /** Size of the RSA modulus or of the curve; 0 when unknown. */
  keyBits: number
}

const CURVE_BITS: Readonly<Record<string, number>> = {
  [OID.prime256v1]: 256,
  [OID.secp384r1]: 384,
  [OID.secp521r1]: 521,
}

/** RFC 3279 §2.3.1 and RFC 5480 §2. A curve by parameters instead of a name counts as `other`. */
export function readKeyFacts(spki: Uint8Array): KeyFacts {
  const { algorithm, parameters, bits } = readSpki(spki)
  if (algorithm === OID.rsaEncryption) {
    const modulus = new DerReader(bits).readSequence().readInteger()
    const leading = modulus.findIndex((octet) => octet !== 0)
    const first = modulus[leading] ?? 0
    const keyBits = leading < 0 ? 0 : (modulus.length - leading) * 8 - Math.clz32(first) + 24
    return { keyType: 'rsa', keyBits }
  }
  if (algorithm === OID.ecPublicKey && parameters?.tag === TAG.oid) {
    const curve = new DerReader(parameters.raw).readOid()
    return { keyType: 'ec', keyBits: CURVE_BITS[curve] ?? 0 }
  }
  return { keyType: 'other', keyBits: 0 }
}

/**
 * The key for OpenSSL, which throws whatever it throws when the bits make no key.
 *
 * An RSA key goes in as PKCS#1, which takes OpenSSL 3.0 a twentieth of the time that it spends on
 * finding out what kind of key a SubjectPublicKeyInfo holds.
 */
export function importPublicKey(spki: Uint8Array): KeyObject {
  const { algorithm, bits } = readSpki(spki)
  const [key, type] = algorithm === OID.rsaEncryption ? [bits, 'pkcs1'] : [spki, 'spki']
  return createPublicKey({ key: Buffer.from(key), format: 'der', type: type as 'pkcs1' | 'spki' })
}

/** AlgorithmIdentifier of an RSA key (RFC 3279 §2.3.1). */
export const RSA_ALGORITHM = derSequence(derOid(OID.rsaEncryption), derNull())

/**
 * SubjectPublicKeyInfo of the public half of `key`, in DER.
 *
 * That of an RSA key is put together here: OpenSSL 3.0 spends ten times longer on looking for who
 * could write it than on writing the numbers.
 */
export function encodePublicKey(key: KeyObject): Uint8Array {
  const half = key.type === 'private' ? createPublicKey(key) : key
  if (half.asymmetricKeyType !== 'rsa') return half.export({ type: 'spki', format: 'der' })
  return derSequence(RSA_ALGORITHM, derBitString(half.export({ type: 'pkcs1', format: 'der' })))
}

/** The usual key identifier: SHA-1 over the key's bit string (RFC 5280 §4.2.1.2, method 1). */
export function keyIdentifier(spki: Uint8Array): Uint8Array {
  return createHash('sha1').update(readSpki(spki).bits).digest()
}

function readSpki(spki: Uint8Array) {
  const outer = new DerReader(spki)
  const info = outer.readSequence()
  outer.done()
  const identifier = info.readSequence()
  const algorithm = identifier.readOid()
  const parameters = identifier.atEnd() ? undefined : identifier.readElement()
  identifier.done()
  const bits = info.readBitString().bytes
  info.done()
  return { algorithm, parameters, bits }
}
