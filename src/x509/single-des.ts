/**
 * Keys that were encrypted with single DES, as old `grid-cert-request` and OpenSSL before 1.1 left
 * them: traditional PEM (`DEK-Info: DES-CBC`) and PKCS#8 with PBES1 (RFC 8018 §6.1).
 *
 * Today's OpenSSL has no single DES without its legacy provider, but triple DES with one key three
 * times over is the same function.
 */
import { createDecipheriv, createHash } from 'node:crypto'
import { DerReader } from '../asn1/der.js'
import { malformed } from '../asn1/malformed.js'
import type { PemBlock } from './pem.js'

const DEK_INFO = /^DES-CBC,([0-9A-Fa-f]{16})$/

/** RFC 8018 appendix A.3, by the hash that derives key and vector. */
const PBES1_HASHES: Readonly<Record<string, 'md5' | 'sha1'>> = {
  '1.2.840.113549.1.5.3': 'md5',
  '1.2.840.113549.1.5.10': 'sha1',
}

/** No tool ever wrote more rounds than this. */
const MAX_ITERATIONS = 1_000_000

/**
 * DER of the key in a block that is encrypted with single DES; undefined for any other encryption.
 * Throws whatever comes when the pass phrase is wrong; the caller names it.
 */
export function decryptSingleDes(block: PemBlock, passPhrase: Buffer): Buffer | undefined {
  if (block.label === 'ENCRYPTED PRIVATE KEY') return decryptPbes1(block.bytes, passPhrase)
  const vector = DEK_INFO.exec(block.headers.get('DEK-Info') ?? '')?.[1]
  return vector === undefined
    ? undefined
    : decryptTraditional(block.bytes, passPhrase, Buffer.from(vector, 'hex'))
}

/** `EVP_BytesToKey` with MD5 and one round: a single digest is more than the eight octets needed. */
function decryptTraditional(bytes: Uint8Array, passPhrase: Buffer, vector: Buffer): Buffer {
  const key = createHash('md5').update(passPhrase).update(vector).digest().subarray(0, 8)
  return decrypt(bytes, key, vector)
}

function decryptPbes1(der: Uint8Array, passPhrase: Buffer): Buffer | undefined {
  const outer = new DerReader(der)
  const info = outer.readSequence()
  outer.done()
  const algorithm = info.readSequence()
  const hash = PBES1_HASHES[algorithm.readOid()]
  if (hash === undefined) return undefined
  const parameters = algorithm.readSequence()
  const salt = parameters.readOctetString()
  const iterations = parameters.readSmallInteger()
  if (iterations < 1 || iterations > MAX_ITERATIONS) throw malformed('iteration count is absurd')
  let derived = createHash(hash).update(passPhrase).update(salt).digest()
  for (let round = 1; round < iterations; round++) {
    derived = createHash(hash).update(derived).digest()
  }
  return decrypt(info.readOctetString(), derived.subarray(0, 8), derived.subarray(8, 16))
}

function decrypt(bytes: Uint8Array, key: Buffer, vector: Buffer): Buffer {
  const decipher = createDecipheriv('des-ede3-cbc', Buffer.concat([key, key, key]), vector)
  return Buffer.concat([decipher.update(bytes), decipher.final()])
}
