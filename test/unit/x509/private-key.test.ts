import { createPublicKey, type KeyObject } from 'node:crypto'
import forge from 'node-forge'
import { describe, expect, it } from 'vitest'
import {
  derContext,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  derSet,
  derUtf8String,
} from '../../../src/asn1/der.js'
import { type PemBlock, parsePem } from '../../../src/x509/pem.js'
import {
  encodePrivateKey,
  isEncryptedKey,
  isPrivateKeyLabel,
  keysMatch,
  parsePrivateKey,
} from '../../../src/x509/private-key.js'
import { encodePublicKey, RSA_ALGORITHM } from '../../../src/x509/public-key.js'
import { failureOf } from '../../support/failure.js'
import { testKey } from '../../support/pki.js'

const rsa = testKey('rsa2048')
const ec = testKey('p256')
const passPhrase = Buffer.from('correct horse')

const blockOf = (pem: string | Buffer): PemBlock => {
  const [block] = parsePem(pem)
  if (block === undefined) throw new TypeError('no block')
  return block
}
const plain = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1') =>
  blockOf(key.export({ type: type as 'pkcs8', format: 'pem' }))
const encrypted = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1', cipher: string) =>
  blockOf(key.export({ type: type as 'pkcs8', format: 'pem', cipher, passphrase: passPhrase }))

describe('parsePrivateKey', () => {
  it.each([
    ['PKCS#8', plain(rsa, 'pkcs8'), rsa],
    ['PKCS#1', plain(rsa, 'pkcs1'), rsa],
    ['PKCS#8 with a P-256 key', plain(ec, 'pkcs8'), ec],
    ['PKCS#8 with an attribute behind the RSA key', withAttribute(rsa), rsa],
    ['PKCS#8 with a byte behind the RSA key', { ...plain(rsa, 'pkcs8'), bytes: rsaInfo(1) }, rsa],
    ['SEC 1', plain(ec, 'sec1'), ec],
  ])('reads %s', (_name, block, key) => {
    expect(isPrivateKeyLabel(block.label)).toBe(true)
    expect(isEncryptedKey(block)).toBe(false)
    expect(parsePrivateKey(block).equals(key)).toBe(true)
  })

  // OpenSSL in node writes all of these; single DES, which it cannot, comes from node-forge.
  it.each([
    ['PKCS#8 with AES-256', encrypted(rsa, 'pkcs8', 'aes-256-cbc'), rsa],
    ['PKCS#1 with triple DES', encrypted(rsa, 'pkcs1', 'des-ede3-cbc'), rsa],
    ['SEC 1 with AES-128', encrypted(ec, 'sec1', 'aes-128-cbc'), ec],
    ['PKCS#1 with single DES', singleDes(rsa), rsa],
  ])('decrypts %s with its pass phrase and with no other', (_name, block, key) => {
    expect(isEncryptedKey(block)).toBe(true)
    expect(parsePrivateKey(block, passPhrase).equals(key)).toBe(true)
    expect(failureOf(() => parsePrivateKey(block))).toMatchObject({
      code: 'KEY_ENCRYPTED',
      data: { reason: 'no-pass-phrase', label: block.label },
    })
    const failure = failureOf(() => parsePrivateKey(block, Buffer.from('wrong horse')))
    expect(failure).toMatchObject({ code: 'KEY_ENCRYPTED', data: { reason: 'wrong-pass-phrase' } })
    expect(JSON.stringify(failure.data) + failure.message).not.toContain('horse')
  })

  it('says that a cipher is not supported instead of blaming the pass phrase', () => {
    const block = encrypted(rsa, 'pkcs1', 'aes-128-cbc')
    const headers = new Map(block.headers).set('DEK-Info', 'RC2-CBC,0011223344556677')
    expect(failureOf(() => parsePrivateKey({ ...block, headers }, passPhrase))).toMatchObject({
      code: 'KEY_ENCRYPTED',
      data: { reason: 'unsupported-cipher' },
      hint: 'encrypt it anew with "openssl pkcs8 -topk8"',
    })
  })

  it.each([
    ['a certificate', { label: 'CERTIFICATE', bytes: Buffer.of(1), headers: new Map() }],
    ['noise', { label: 'PRIVATE KEY', bytes: Buffer.of(1, 2, 3), headers: new Map() }],
    ['a key under another label', { ...plain(rsa, 'pkcs1'), label: 'EC PRIVATE KEY' }],
    ['an RSA key of one number', { ...plain(rsa, 'pkcs8'), bytes: rsaInfo(-1200) }],
    ['PKCS#8 in PKCS#8', { ...plain(rsa, 'pkcs8'), bytes: nested(rsaInfo(0)) }],
    ['SEC 1 in PKCS#8 of an RSA key', { ...plain(rsa, 'pkcs8'), bytes: nested(sec1()) }],
    ['half a key', { ...plain(rsa, 'pkcs8'), bytes: plain(rsa, 'pkcs8').bytes.subarray(0, 600) }],
  ])('refuses %s', (_name, block) => {
    expect(failureOf(() => parsePrivateKey(block))).toMatchObject({
      code: 'KEY_MALFORMED',
      data: { label: block.label },
    })
  })
})

describe('encodePrivateKey', () => {
  it.each([
    ['RSA', rsa],
    ['P-256', ec],
  ])('writes PKCS#8 for %s, which comes back the same', (_name, key) => {
    const block = blockOf(encodePrivateKey(key))
    expect(block.label).toBe('PRIVATE KEY')
    expect(parsePrivateKey(block).equals(key)).toBe(true)
  })

  it.each([
    ['RSA-2048', rsa],
    ['P-256', ec],
  ])('writes for %s the same octets as OpenSSL', (_name, key) => {
    expect(encodePrivateKey(key)).toBe(key.export({ type: 'pkcs8', format: 'pem' }))
  })
})

describe('encodePublicKey', () => {
  it.each([
    ['RSA-2048', rsa],
    ['P-256', ec],
  ])('writes for either half of %s the same octets as OpenSSL', (_name, key) => {
    const expected = createPublicKey(key).export({ type: 'spki', format: 'der' })
    expect(Buffer.from(encodePublicKey(key))).toEqual(expected)
    expect(Buffer.from(encodePublicKey(createPublicKey(key)))).toEqual(expected)
  })
})

describe('keysMatch', () => {
  it('accepts the two halves of a pair and nothing else', () => {
    expect(keysMatch(rsa, createPublicKey(rsa))).toBe(true)
    expect(keysMatch(ec, createPublicKey(ec))).toBe(true)
    expect(keysMatch(ec, createPublicKey(testKey('p256')))).toBe(false)
    expect(keysMatch(rsa, createPublicKey(ec))).toBe(false)
  })
})

/** A PrivateKeyInfo whose RSA key is `more` bytes longer than it should be. */
function rsaInfo(more: number): Uint8Array {
  const key = rsa.export({ type: 'pkcs1', format: 'der' })
  const bytes = more < 0 ? key.subarray(0, more) : Buffer.concat([key, Buffer.alloc(more)])
  return nested(bytes)
}

/** A PrivateKeyInfo of an RSA key that holds something else. */
function nested(content: Uint8Array): Uint8Array {
  return derSequence(derInteger(0), RSA_ALGORITHM, derOctetString(content))
}

function sec1(): Uint8Array {
  return ec.export({ type: 'sec1', format: 'der' })
}

/** Attributes are the last, optional part of a PrivateKeyInfo (RFC 5208 §5). */
function withAttribute(key: KeyObject): PemBlock {
  const rsaKey = key.export({ type: 'pkcs1', format: 'der' })
  const attribute = derSequence(derOid('2.5.4.3'), derSet(derUtf8String('alice')))
  const bytes = derSequence(
    derInteger(0),
    RSA_ALGORITHM,
    derOctetString(rsaKey),
    derContext(0, attribute),
  )
  return { ...plain(key, 'pkcs8'), bytes }
}

function singleDes(key: KeyObject): PemBlock {
  const pem = key.export({ type: 'pkcs1', format: 'pem' }).toString()
  const options = { legacy: true, algorithm: 'des' } as const
  return blockOf(
    forge.pki.encryptRsaPrivateKey(
      forge.pki.privateKeyFromPem(pem),
      passPhrase.toString(),
      options as never,
    ),
  )
}
