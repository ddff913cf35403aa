/** Private keys from PEM: PKCS#8, PKCS#1, SEC 1, plain or encrypted; written as PKCS#8. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import {
  DerReader,
  derInteger,
  derOctetString,
  derSequence,
  readSingleElement,
  TAG,
} from '../asn1/der.js'
import { VoboxError } from '../errors.js'
import { encodePem, type PemBlock } from './pem.js'
import { RSA_ALGORITHM } from './public-key.js'
import { decryptSingleDes } from './single-des.js'

const PLAIN_TYPES: Readonly<Record<string, 'pkcs8' | 'pkcs1' | 'sec1'>> = {
  'PRIVATE KEY': 'pkcs8',
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
}

/** Whether a block of this label holds a private key. */
export function isPrivateKeyLabel(label: string): boolean {
  return label in PLAIN_TYPES || label === 'ENCRYPTED PRIVATE KEY'
}

export function isEncryptedKey(block: PemBlock): boolean {
  return (
    block.label === 'ENCRYPTED PRIVATE KEY' ||
    (block.headers.get('Proc-Type') ?? '').includes('ENCRYPTED')
  )
}

/**
 * The key of one PEM block.
 *
 * `KEY_ENCRYPTED` when a pass phrase is needed or wrong (`data.reason`), `KEY_MALFORMED` for
 * anything that is not a private key that OpenSSL can use. The pass phrase never shows in an error.
 */
export function parsePrivateKey(block: PemBlock, passPhrase?: Buffer): KeyObject {
  if (isEncryptedKey(block)) return decryptKey(block, passPhrase)
  const type = PLAIN_TYPES[block.label]
  if (type === undefined) {
    throw new VoboxError('KEY_MALFORMED', `a "${block.label}" block is not a private key`, {
      data: { label: block.label },
    })
  }
  return importKey(block.label, () => {
    const rsa = type === 'pkcs8' ? rsaKeyIn(block.bytes) : undefined
    return rsa === undefined
      ? createPrivateKey({ key: Buffer.from(block.bytes), format: 'der', type })
      : createPrivateKey({ key: Buffer.from(rsa), format: 'der', type: 'pkcs1' })
  })
}

/**
 * The RSAPrivateKey (RFC 8017 A.1.2) in a PrivateKeyInfo (RFC 5208 §5), which goes in by itself:
 * OpenSSL 3.0 takes three times longer when it has to find out what kind of key it was given.
 * Undefined for any other content, which OpenSSL then judges as a whole: it would look for a key also
 * in a PrivateKeyInfo that lies where the RSAPrivateKey belongs.
 */
function rsaKeyIn(pkcs8: Uint8Array): Uint8Array | undefined {
  try {
    const outer = new DerReader(pkcs8)
    const info = outer.readSequence()
    outer.done()
    if (info.readSmallInteger() !== 0) return undefined
    if (Buffer.compare(info.readElement().raw, RSA_ALGORITHM) !== 0) return undefined
    const key = info.readElement()
    if (key.tag !== TAG.octetString || !info.atEnd()) return undefined
    const rsa = readSingleElement(key.content).raw
    const numbers = new DerReader(rsa).readSequence()
    numbers.readInteger()
    numbers.readInteger()
    return rsa
  } catch {
    return undefined
  }
}

function importKey(label: string, load: () => KeyObject): KeyObject {
  try {
    return load()
  } catch (cause) {
    throw new VoboxError('KEY_MALFORMED', `private key ("${label}") is malformed`, {
      data: { label },
      cause,
    })
  }
}

function decryptKey(block: PemBlock, passPhrase: Buffer | undefined): KeyObject {
  if (passPhrase === undefined) {
    throw encrypted(
      block,
      'no-pass-phrase',
      'private key is encrypted and no pass phrase was given',
    )
  }
  try {
    const der = decryptSingleDes(block, passPhrase)
    if (der === undefined) {
      // OpenSSL reads the header lines itself.
      return createPrivateKey({ key: encodeKeyBlock(block), format: 'pem', passphrase: passPhrase })
    }
    return createPrivateKey({ key: der, format: 'der', type: PLAIN_TYPES[block.label] ?? 'pkcs8' })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const [reason, message] = code.endsWith('_UNSUPPORTED')
      ? (['unsupported-cipher', 'private key is encrypted in a way that is not supported'] as const)
      : (['wrong-pass-phrase', 'private key cannot be decrypted with this pass phrase'] as const)
    throw encrypted(block, reason, message, cause)
  }
}

function encrypted(
  { label }: PemBlock,
  reason: 'no-pass-phrase' | 'wrong-pass-phrase' | 'unsupported-cipher',
  message: string,
  cause?: unknown,
): VoboxError {
  const hint =
    reason === 'unsupported-cipher' ? 'encrypt it anew with "openssl pkcs8 -topk8"' : undefined
  return new VoboxError('KEY_ENCRYPTED', message, { hint, data: { reason, label }, cause })
}

/** The block as it was, header lines of an encrypted key included. */
export function encodeKeyBlock({ label, bytes, headers }: PemBlock): string {
  const pem = encodePem(label, bytes)
  if (headers.size === 0) return pem
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\n`)
  return pem.replace('\n', `\n${lines.join('')}\n`)
}

/** PEM, PKCS#8, not encrypted: the one form that Globus, VOMS and Java all read, EC keys included. */
export function encodePrivateKey(key: KeyObject): string {
  if (key.asymmetricKeyType !== 'rsa')
    return key.export({ type: 'pkcs8', format: 'pem' }).toString()
  // OpenSSL 3.0 takes five times longer over the whole.
  const rsa = key.export({ type: 'pkcs1', format: 'der' })
  return encodePem('PRIVATE KEY', derSequence(derInteger(0), RSA_ALGORITHM, derOctetString(rsa)))
}

/** Whether both are halves of one pair. */
export function keysMatch(privateKey: KeyObject, publicKey: KeyObject): boolean {
  return createPublicKey(privateKey).equals(publicKey)
}
