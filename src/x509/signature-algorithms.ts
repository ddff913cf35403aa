/** Signature algorithms in one table: what signs, with which hash, and whether we still believe it. */
import { constants, type KeyObject, sign, verify } from 'node:crypto'
import { type DerReader, derNull, derOid, derSequence } from '../asn1/der.js'
import { OID } from '../asn1/oids.js'

/** How a certificate was signed. */
export interface SignatureAlgorithm {
  readonly oid: string
  /** As OpenSSL spells it; the dotted number when we do not know it. */
  readonly name: string
  /** Node's name of the hash; undefined when the algorithm hashes by itself or is unknown. */
  readonly hash: string | undefined
}

interface KnownAlgorithm extends SignatureAlgorithm {
  readonly keyType: 'rsa' | 'ec' | 'ed25519'
  /** Collisions are cheap: a signature proves nothing. */
  readonly broken?: true
}

const ALGORITHMS: readonly KnownAlgorithm[] = [
  { oid: OID.md2WithRsa, name: 'md2WithRSAEncryption', hash: 'md2', keyType: 'rsa', broken: true },
  { oid: OID.md4WithRsa, name: 'md4WithRSAEncryption', hash: 'md4', keyType: 'rsa', broken: true },
  { oid: OID.md5WithRsa, name: 'md5WithRSAEncryption', hash: 'md5', keyType: 'rsa', broken: true },
  { oid: OID.sha1WithRsa, name: 'sha1WithRSAEncryption', hash: 'sha1', keyType: 'rsa' },
  { oid: OID.sha224WithRsa, name: 'sha224WithRSAEncryption', hash: 'sha224', keyType: 'rsa' },
  { oid: OID.sha256WithRsa, name: 'sha256WithRSAEncryption', hash: 'sha256', keyType: 'rsa' },
  { oid: OID.sha384WithRsa, name: 'sha384WithRSAEncryption', hash: 'sha384', keyType: 'rsa' },
  { oid: OID.sha512WithRsa, name: 'sha512WithRSAEncryption', hash: 'sha512', keyType: 'rsa' },
  { oid: OID.ecdsaWithSha1, name: 'ecdsa-with-SHA1', hash: 'sha1', keyType: 'ec' },
  { oid: OID.ecdsaWithSha224, name: 'ecdsa-with-SHA224', hash: 'sha224', keyType: 'ec' },
  { oid: OID.ecdsaWithSha256, name: 'ecdsa-with-SHA256', hash: 'sha256', keyType: 'ec' },
  { oid: OID.ecdsaWithSha384, name: 'ecdsa-with-SHA384', hash: 'sha384', keyType: 'ec' },
  { oid: OID.ecdsaWithSha512, name: 'ecdsa-with-SHA512', hash: 'sha512', keyType: 'ec' },
  { oid: OID.ed25519, name: 'ED25519', hash: undefined, keyType: 'ed25519' },
]

const BY_OID: ReadonlyMap<string, KnownAlgorithm> = new Map(
  ALGORITHMS.map((algorithm) => [algorithm.oid, algorithm]),
)

/** Reads an AlgorithmIdentifier. An unknown one is named by its number and verifies nothing. */
export function readSignatureAlgorithm(identifier: DerReader): SignatureAlgorithm {
  const oid = identifier.readOid()
  if (!identifier.atEnd()) identifier.readElement()
  identifier.done()
  return BY_OID.get(oid) ?? { oid, name: oid, hash: undefined }
}

/** MD2, MD4 or MD5. */
export function isBrokenAlgorithm(algorithm: SignatureAlgorithm): boolean {
  return BY_OID.get(algorithm.oid)?.broken === true
}

/**
 * RSA keys beyond these verify nothing. A stranger chooses the keys of the chain that he presents, and
 * OpenSSL takes a hundred times longer over the largest that it knows than over any that a CA has.
 */
const MAX_RSA_BITS = 8192
const MAX_RSA_EXPONENT = 2n ** 32n

function isAffordable({ asymmetricKeyDetails: details }: KeyObject): boolean {
  const { modulusLength = 0, publicExponent = 0n } = details ?? {}
  return modulusLength <= MAX_RSA_BITS && publicExponent <= MAX_RSA_EXPONENT
}

/** Whether `signature` over `signed` was made by `key`; false, never a throw, for anything odd. */
export function verifySignature(
  algorithm: SignatureAlgorithm,
  key: KeyObject,
  signed: Uint8Array,
  signature: Uint8Array,
): boolean {
  const known = BY_OID.get(algorithm.oid)
  if (known === undefined || known.broken || key.asymmetricKeyType !== known.keyType) return false
  if (!isAffordable(key)) return false
  try {
    return verify(known.hash, signed, signingKey(key), signature)
  } catch {
    return false
  }
}

/** What a signer may ask for. */
export type SigningHash = 'sha256' | 'sha384' | 'sha512'

/** The algorithm we sign with: never weaker than SHA-256, whatever the issuer used itself. */
function algorithmFor(key: KeyObject, hash?: SigningHash): KnownAlgorithm {
  const oid = hash === undefined ? oidFor(key) : oidWith(key, hash)
  const algorithm = oid === undefined ? undefined : BY_OID.get(oid)
  if (algorithm === undefined)
    throw new TypeError(`cannot sign with a ${key.asymmetricKeyType} key`)
  return algorithm
}

function oidFor(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType === 'rsa') return OID.sha256WithRsa
  if (key.asymmetricKeyType === 'ed25519') return OID.ed25519
  if (key.asymmetricKeyType !== 'ec') return undefined
  switch (key.asymmetricKeyDetails?.namedCurve) {
    case 'secp384r1':
      return OID.ecdsaWithSha384
    case 'secp521r1':
      return OID.ecdsaWithSha512
    default:
      return OID.ecdsaWithSha256
  }
}

/** Ed25519 hashes by itself. */
function oidWith(key: KeyObject, hash: SigningHash): string | undefined {
  const { asymmetricKeyType: keyType } = key
  if (keyType === 'ed25519') return OID.ed25519
  return ALGORITHMS.find((known) => known.keyType === keyType && known.hash === hash)?.oid
}

/** The AlgorithmIdentifier that {@link signBytes} with the same key belongs to (RFC 4055 §5, 5758). */
export function encodeAlgorithmFor(key: KeyObject, hash?: SigningHash): Uint8Array {
  const { oid, keyType } = algorithmFor(key, hash)
  return keyType === 'rsa' ? derSequence(derOid(oid), derNull()) : derSequence(derOid(oid))
}

/** @param hash default: SHA-256, or the one that fits a larger curve. */
export function signBytes(key: KeyObject, bytes: Uint8Array, hash?: SigningHash): Uint8Array {
  return sign(algorithmFor(key, hash).hash, bytes, signingKey(key))
}

function signingKey(key: KeyObject) {
  if (key.asymmetricKeyType === 'rsa') return { key, padding: constants.RSA_PKCS1_PADDING }
  return key.asymmetricKeyType === 'ec' ? { key, dsaEncoding: 'der' as const } : key
}
