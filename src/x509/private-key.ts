/** Private keys from PEM: PKCS#8, PKCS#1, SEC 1, plain or encrypted; written as PKCS#8. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { VoboxError } from '../errors.js'
import type { PemBlock } from './pem.js'
import { decryptSingleDes, isSingleDes } from './single-des.js'

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
  return importKey(block.label, () =>
    createPrivateKey({ key: Buffer.from(block.bytes), format: 'der', type }),
  )
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
    throw new VoboxError('KEY_ENCRYPTED', 'private key is encrypted and no pass phrase was given', {
      data: { reason: 'no-pass-phrase', label: block.label },
    })
  }
  try {
    if (isSingleDes(block)) return decryptSingleDes(block, passPhrase, PLAIN_TYPES[block.label])
    return createPrivateKey({ key: traditionalPem(block), format: 'pem', passphrase: passPhrase })
  } catch (cause) {
    throw new VoboxError('KEY_ENCRYPTED', 'private key cannot be decrypted with this pass phrase', {
      data: { reason: 'wrong-pass-phrase', label: block.label },
      cause,
    })
  }
}

/** OpenSSL reads the header lines itself, so the block is written again as it was. */
function traditionalPem(block: PemBlock): string {
  const headers = [...block.headers].map(([name, value]) => `${name}: ${value}`)
  const separator = headers.length === 0 ? [] : ['']
  const base64 = Buffer.from(block.bytes).toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return [
    `-----BEGIN ${block.label}-----`,
    ...headers,
    ...separator,
    base64,
    `-----END ${block.label}-----`,
    '',
  ].join('\n')
}

/** PEM, PKCS#8, not encrypted: the one form that Globus, VOMS and Java all read, EC keys included. */
export function encodePrivateKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Whether both are halves of one pair. */
export function keysMatch(privateKey: KeyObject, publicKey: KeyObject): boolean {
  return createPublicKey(privateKey).equals(publicKey)
}
