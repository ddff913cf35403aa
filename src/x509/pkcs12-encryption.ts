/**
 * How PKCS#12 files are encrypted: PBES2 with PBKDF2 (RFC 8018 §6.2), as OpenSSL 3, Java and browsers
 * write today, and the older schemes of RFC 7292 appendix C on SHA-1 with triple DES or RC2.
 *
 * OpenSSL has RC2 in its legacy provider alone, which Node does not load: that cipher comes from
 * node-forge, loaded when a file needs it.
 */
import { createDecipheriv, createHash, pbkdf2Sync } from 'node:crypto'
import type { DerReader } from '../asn1/der.js'
import { malformed } from '../asn1/malformed.js'
import { OID } from '../asn1/oids.js'
import { VoboxError } from '../errors.js'

/** Bytes of the hash and of its block, which RFC 7292 calls u and v. */
const HASHES = {
  [OID.sha1]: { name: 'sha1', block: 64 },
  [OID.sha224]: { name: 'sha224', block: 64 },
  [OID.sha256]: { name: 'sha256', block: 64 },
  [OID.sha384]: { name: 'sha384', block: 128 },
  [OID.sha512]: { name: 'sha512', block: 128 },
} as const

export type Pkcs12Hash = (typeof HASHES)[keyof typeof HASHES]

/** Hashes of PBKDF2 by the OID of their HMAC (RFC 8018 appendix B.1). */
export const PRFS: Readonly<Record<string, string>> = {
  [OID.hmacSha1]: 'sha1',
  [OID.hmacSha224]: 'sha224',
  [OID.hmacSha256]: 'sha256',
  [OID.hmacSha384]: 'sha384',
  [OID.hmacSha512]: 'sha512',
}

interface BlockCipher {
  name: string
  keyBytes: number
}

/** RFC 8018 appendix B.2, RFC 3565. */
export const PBES2_CIPHERS: Readonly<Record<string, BlockCipher>> = {
  [OID.aes128Cbc]: { name: 'aes-128-cbc', keyBytes: 16 },
  [OID.aes192Cbc]: { name: 'aes-192-cbc', keyBytes: 24 },
  [OID.aes256Cbc]: { name: 'aes-256-cbc', keyBytes: 32 },
  [OID.desEde3Cbc]: { name: 'des-ede3-cbc', keyBytes: 24 },
}

/** RFC 7292 appendix C; `rc2` with the bits of its key, else triple DES with two keys or three. */
const PKCS12_CIPHERS: Readonly<Record<string, BlockCipher>> = {
  [OID.pbeSha1TripleDes]: { name: 'des-ede3-cbc', keyBytes: 24 },
  [OID.pbeSha1DoubleDes]: { name: 'des-ede-cbc', keyBytes: 16 },
  [OID.pbeSha1Rc2128]: { name: 'rc2', keyBytes: 16 },
  [OID.pbeSha1Rc240]: { name: 'rc2', keyBytes: 5 },
}

/** What the derived bytes are for: the diversifier of RFC 7292 §B.3. */
export const PURPOSE = { key: 1, vector: 2, mac: 3 } as const

/** More rounds than any tool writes; a file must not keep us busy for minutes. */
const MAX_ITERATIONS = 5_000_000

const VECTOR_BYTES = 8

/** A pass phrase in the two forms that PKCS#12 needs. */
export interface Pkcs12PassPhrase {
  /** UTF-8, for PBES2. */
  readonly utf8: Buffer
  /** UTF-16, big-endian, with the two octets of zero that RFC 7292 §B.1 wants at the end. */
  readonly bmp: Buffer
}

/** The hash of an AlgorithmIdentifier; undefined for one that is not known. */
export function hashOf(oid: string): Pkcs12Hash | undefined {
  return (HASHES as Readonly<Record<string, Pkcs12Hash>>)[oid]
}

/**
 * Decrypts with the scheme that an AlgorithmIdentifier names.
 *
 * A wrong pass phrase shows in the padding, and then whatever OpenSSL throws comes out; callers have
 * checked the MAC before. @throws VoboxError `PKCS12_MALFORMED` with `data.reason`
 * `'unsupported-cipher'`, `ASN1_MALFORMED`.
 */
export async function decryptPkcs12(
  algorithm: DerReader,
  encrypted: Uint8Array,
  passPhrase: Pkcs12PassPhrase,
): Promise<Buffer> {
  const oid = algorithm.readOid()
  if (oid === OID.pbes2) return decryptPbes2(algorithm.readSequence(), encrypted, passPhrase.utf8)
  const cipher = PKCS12_CIPHERS[oid]
  if (cipher === undefined) throw unsupported(oid)
  const { name, keyBytes } = cipher
  const parameters = algorithm.readSequence()
  const salt = parameters.readOctetString()
  const iterations = checkIterations(parameters.readSmallInteger())
  const { bmp } = passPhrase
  const sha1 = HASHES[OID.sha1]
  const derive = (purpose: number, length: number) =>
    derivePkcs12({ hash: sha1, passPhrase: bmp, salt, iterations, purpose, length })
  const key = derive(PURPOSE.key, keyBytes)
  const vector = derive(PURPOSE.vector, VECTOR_BYTES)
  return name === 'rc2'
    ? decryptRc2(encrypted, key, vector)
    : decipher(name, key, vector, encrypted)
}

function decryptPbes2(scheme: DerReader, encrypted: Uint8Array, passPhrase: Buffer): Buffer {
  const derivation = scheme.readSequence()
  const encryption = scheme.readSequence()
  const derivationOid = derivation.readOid()
  if (derivationOid !== OID.pbkdf2) throw unsupported(derivationOid)
  const cipherOid = encryption.readOid()
  const cipher = PBES2_CIPHERS[cipherOid]
  if (cipher === undefined) throw unsupported(cipherOid)
  const parameters = derivation.readSequence()
  const salt = parameters.readOctetString()
  const iterations = checkIterations(parameters.readSmallInteger())
  // The length is optional, and the cipher's own in any case.
  if (parameters.peekTag() === 0x02) parameters.readSmallInteger()
  const prfOid = parameters.atEnd() ? OID.hmacSha1 : parameters.readSequence().readOid()
  const prf = PRFS[prfOid]
  if (prf === undefined) throw unsupported(prfOid)
  const key = pbkdf2Sync(passPhrase, salt, iterations, cipher.keyBytes, prf)
  return decipher(cipher.name, key, encryption.readOctetString(), encrypted)
}

function decipher(name: string, key: Buffer, vector: Uint8Array, encrypted: Uint8Array): Buffer {
  const work = createDecipheriv(name, key, vector)
  const plain = Buffer.concat([work.update(encrypted), work.final()])
  key.fill(0)
  return plain
}

async function decryptRc2(encrypted: Uint8Array, key: Buffer, vector: Buffer): Promise<Buffer> {
  const [{ default: rc2 }, { default: util }] = await Promise.all([
    import('node-forge/lib/rc2.js'),
    import('node-forge/lib/util.js'),
  ])
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
  const work = rc2.createDecryptionCipher(text(key), key.length * 8)
  work.start(text(vector))
  work.update(util.createBuffer(text(encrypted)))
  key.fill(0)
  if (!work.finish()) throw malformed('padding of what RC2 encrypted is wrong')
  return Buffer.from(work.output.getBytes(), 'latin1')
}

export interface Derivation {
  hash: Pkcs12Hash
  /** {@link Pkcs12PassPhrase.bmp}; empty: none at all. */
  passPhrase: Buffer
  salt: Uint8Array
  iterations: number
  /** One of {@link PURPOSE}. */
  purpose: number
  /** Bytes wanted. */
  length: number
}

/** The key derivation of RFC 7292 §B.2. */
export function derivePkcs12(derivation: Derivation): Buffer {
  const { hash, passPhrase, salt, iterations, purpose, length } = derivation
  checkIterations(iterations)
  const diversifier = Buffer.alloc(hash.block, purpose)
  const input = Buffer.concat([repeated(salt, hash.block), repeated(passPhrase, hash.block)])
  const parts: Buffer[] = []
  for (let made = 0; made < length; ) {
    let part = createHash(hash.name).update(diversifier).update(input).digest()
    for (let round = 1; round < iterations; round++) {
      part = createHash(hash.name).update(part).digest()
    }
    parts.push(part)
    made += part.length
    const addend = repeated(part, hash.block).subarray(0, hash.block)
    for (let at = 0; at < input.length; at += hash.block) {
      addPlusOne(input.subarray(at, at + hash.block), addend)
    }
  }
  input.fill(0)
  return Buffer.concat(parts).subarray(0, length)
}

/** As often as it fits, filled up to a multiple of `block`; nothing stays nothing. */
function repeated(bytes: Uint8Array, block: number): Buffer {
  return Buffer.alloc(block * Math.ceil(bytes.length / block), bytes)
}

/** `block` becomes block + addend + 1, as big-endian numbers of that many octets. */
function addPlusOne(block: Buffer, addend: Buffer): void {
  let carry = 1
  for (let at = block.length - 1; at >= 0; at--) {
    carry += (block[at] ?? 0) + (addend[at] ?? 0)
    block[at] = carry & 0xff
    carry >>= 8
  }
}

function checkIterations(iterations: number): number {
  if (iterations >= 1 && iterations <= MAX_ITERATIONS) return iterations
  throw malformed('iteration count is absurd', { iterations })
}

export function unsupported(oid: string): VoboxError {
  return new VoboxError(
    'PKCS12_MALFORMED',
    `the file is protected in a way not known here: ${oid}`,
    {
      hint: 'write it anew: openssl pkcs12 -in OLD.p12 -legacy | openssl pkcs12 -export -out NEW.p12',
      data: { reason: 'unsupported-cipher', oid },
    },
  )
}
