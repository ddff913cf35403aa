import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  chooseChallenge,
  encodeAuthorization,
  parseAuthorizationHead,
  SHA1_METHOD,
  SHA256_METHOD,
  signChallenge,
  verifyChallenge,
} from '../../../src/myproxy/authorization.js'
import { failureOf } from '../../support/failure.js'
import { testKey } from '../../support/pki.js'

const hex = '715012fb65aeed0ef4d912ab814ad3e5'
const sha1 = { method: 'X509_certificate', text: '21e90eab69b6d689f2c34b6775485fdf' }
const sha256 = { method: 'X509_certificate_SHA256', text: hex }

describe('chooseChallenge', () => {
  it.each([
    ['in this order', [sha1, sha256]],
    ['in the other order', [sha256, sha1]],
  ])('takes SHA-256 of two, %s, even where SHA-1 is allowed', (_what, challenges) => {
    expect(chooseChallenge(challenges, true)).toEqual({ method: SHA256_METHOD, text: hex })
    expect(chooseChallenge(challenges, false)).toEqual({ method: SHA256_METHOD, text: hex })
  })

  it('takes SHA-1 only where it is allowed, and otherwise says how to allow it', () => {
    expect(chooseChallenge([sha1], true)).toEqual({ method: SHA1_METHOD, text: sha1.text })
    const failure = failureOf(() => chooseChallenge([sha1], false))
    expect(failure.code).toBe('MYPROXY_CHALLENGE_REFUSED')
    expect(failure.data.offered).toEqual(['X509_certificate'])
    expect(failure.hint).toContain('allow_sha1_challenge')
  })

  it.each([
    ['31 characters', hex.slice(1)],
    ['33 characters', `${hex}0`],
    ['32 characters that are not hexadecimal', 'z'.repeat(32)],
    ['nothing', ''],
    ['a trailing line feed', `${hex}\n`],
    ['64 hexadecimal characters, the hash of a certificate', hex + hex],
  ])('signs nothing else than 32 hexadecimal characters: refuses %s', (_what, text) => {
    const failure = failureOf(() => chooseChallenge([{ ...sha256, text }, sha1], true))
    expect(failure.code).toBe('MYPROXY_CHALLENGE_REFUSED')
    expect(failure.data).toEqual({ method: sha256.method, length: text.length })
  })

  it('accepts upper and lower case', () => {
    const text = hex.toUpperCase()
    expect(chooseChallenge([{ ...sha256, text }], false).text).toBe(text)
  })

  it('names what a server offers instead', () => {
    const failure = failureOf(() => chooseChallenge([{ method: 'passwd\x07', text: '' }], true))
    expect(failure.data.offered).toEqual(['passwd '])
    expect(failure.hint).toBeUndefined()
  })
})

describe('the reply to a challenge', () => {
  it.each([
    ['rsa2048', 'SHA-256', SHA256_METHOD],
    ['p256', 'SHA-256', SHA256_METHOD],
    ['rsa2048', 'SHA-1', SHA1_METHOD],
  ] as const)('is verified with a %s key and %s', (kind, _hash, method) => {
    const privateKey = testKey(kind)
    const challenge = { method, text: hex }
    const signature = signChallenge(challenge, privateKey)
    const publicKey = createPublicKey(privateKey)
    expect(verifyChallenge(challenge, publicKey, signature)).toBe(true)
    const another = { method, text: sha1.text }
    expect(verifyChallenge(another, publicKey, signature)).toBe(false)
    expect(verifyChallenge(challenge, createPublicKey(testKey('p256')), signature)).toBe(false)
  })

  it('is none where the certificate has a key that signs no hash', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const signature = sign(undefined, Buffer.from(hex), privateKey)
    expect(verifyChallenge({ method: SHA256_METHOD, text: hex }, publicKey, signature)).toBe(false)
  })

  it('begins with method 4 and three zero bytes, then the length of the signature', () => {
    const bytes = encodeAuthorization(SHA256_METHOD, Buffer.alloc(256, 0xaa))
    expect(bytes.subarray(0, 8).toString('hex')).toBe('0400000000000100')
    expect(bytes.length).toBe(264)
    expect(parseAuthorizationHead(bytes.subarray(0, 8))).toEqual({
      method: SHA256_METHOD,
      signatureLength: 256,
    })
  })

  it.each([
    ['method 0', '0000000000000100'],
    ['method 1', '0100000000000100'],
    ['method 4 in the other byte order', '0000000400000100'],
    ['a signature of 0 bytes', '0400000000000000'],
    ['a signature of 1,025 bytes', '0400000000000401'],
    ['a signature of 4 GB', '04000000ffffffff'],
  ])('is refused with %s', (_what, head) => {
    const failure = failureOf(() => parseAuthorizationHead(Buffer.from(head, 'hex')))
    expect(failure.code).toBe('PROTOCOL_VIOLATION')
  })
})
