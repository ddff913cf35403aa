import { createCipheriv, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { derOfBer } from '../../../src/asn1/ber.js'
import {
  derContext,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  encodeDer,
} from '../../../src/asn1/der.js'
import { OID } from '../../../src/asn1/oids.js'
import { isVoboxError } from '../../../src/errors.js'
import { parseCertificate } from '../../../src/x509/certificate.js'
import { looksLikePkcs12, parsePkcs12 } from '../../../src/x509/pkcs12.js'
import { derivePkcs12, hashOf, PURPOSE } from '../../../src/x509/pkcs12-encryption.js'
import { keysMatch } from '../../../src/x509/private-key.js'
import { failureOf, rejectionOf } from '../../support/failure.js'
import { inPieces, PKCS12_FILE, PKCS12_PASS_PHRASE } from '../../support/pkcs12-fixture.js'

/** What PBE with SHA-1 makes of the empty pass phrase, eight octets of salt and one round. */
const derive = (purpose: number, length: number) => {
  const hash = hashOf(OID.sha1)
  if (hash === undefined) throw new TypeError('no hash')
  const [passPhrase, salt] = [Buffer.alloc(2), Buffer.alloc(8)]
  return derivePkcs12({ hash, passPhrase, salt, iterations: 1, purpose, length })
}

const open = (bytes: Uint8Array, passPhrase = PKCS12_PASS_PHRASE) => parsePkcs12(bytes, passPhrase)

describe('parsePkcs12', () => {
  it('takes the key and the one certificate out, byte for byte', async () => {
    const { privateKey, certificates } = await open(PKCS12_FILE)
    const [certificate] = certificates.map((der) => parseCertificate(der))
    expect(certificates).toHaveLength(1)
    expect(certificate?.subject.oneLine).toBe('/DC=org/DC=example/CN=fixture')
    expect(certificate && keysMatch(privateKey, certificate.publicKey)).toBe(true)
  })

  it('takes the same out of BER with indefinite lengths and strings in pieces of 100', async () => {
    const ber = inPieces(PKCS12_FILE)
    expect(ber.length).toBeGreaterThan(PKCS12_FILE.length)
    expect(Buffer.from(derOfBer(ber))).toEqual(PKCS12_FILE)
    const [one, other] = [await open(PKCS12_FILE), await open(ber)]
    expect(other.certificates).toEqual(one.certificates)
    expect(other.privateKey.equals(one.privateKey)).toBe(true)
  })

  it.each(['', 'Secret', 'secret ', 'secret\0'])(
    'says that %j is the wrong pass phrase',
    async (text) => {
      const failure = await rejectionOf(open(PKCS12_FILE, Buffer.from(text)))
      expect(failure.code).toBe('PASS_PHRASE_WRONG')
    },
  )

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('-----BEGIN CERTIFICATE-----\n')],
    ['half of a file', PKCS12_FILE.subarray(0, 500)],
    ['a file with one byte more', Buffer.concat([PKCS12_FILE, Buffer.of(0)])],
    [
      'version 4',
      Buffer.concat([PKCS12_FILE.subarray(0, 6), Buffer.of(4), PKCS12_FILE.subarray(7)]),
    ],
    ['BER that never ends', Buffer.from('3080308030803080', 'hex')],
    ['nesting without end', Buffer.from('3080'.repeat(5000), 'hex')],
  ])('refuses %s', async (_what, bytes) => {
    const failure = await rejectionOf(open(bytes))
    expect([failure.code, failure.data.reason]).toEqual(['PKCS12_MALFORMED', 'malformed'])
  })

  /** A file whose MAC is right for the empty pass phrase, or what `digest` says instead. */
  const sealed = (safes: readonly Uint8Array[], digest?: Uint8Array) => {
    const hash = hashOf(OID.sha256)
    if (hash === undefined) throw new TypeError('no hash')
    const [content, salt] = [derSequence(...safes), Buffer.alloc(8, 1)]
    const passPhrase = Buffer.alloc(2)
    const derivation = { hash, passPhrase, salt, iterations: 1, purpose: PURPOSE.mac, length: 32 }
    const mac = createHmac('sha256', derivePkcs12(derivation)).update(content).digest()
    const info = derSequence(derSequence(derOid(OID.sha256)), derOctetString(digest ?? mac))
    return derSequence(
      derInteger(3),
      derSequence(derOid(OID.pkcs7Data), derContext(0, derOctetString(content))),
      derSequence(info, derOctetString(salt), derInteger(digest === undefined ? 1 : 4_000_000)),
    )
  }

  it('refuses a MAC of 400 kB, whose key would take days to derive', async () => {
    const failure = await rejectionOf(open(sealed([], Buffer.alloc(400_000)), Buffer.alloc(0)))
    expect(failure.data.reason).toBe('malformed')
    expect(failure.message).toContain('MAC of the wrong length')
  })

  it('refuses a file of nine encrypted parts after the eighth', async () => {
    const parameters = derSequence(derOctetString(Buffer.alloc(8)), derInteger(1))
    const cipher = createCipheriv(
      'des-ede3-cbc',
      derive(PURPOSE.key, 24),
      derive(PURPOSE.vector, 8),
    )
    const encrypted = Buffer.concat([cipher.update(derSequence()), cipher.final()])
    const part = derSequence(
      derOid(OID.pkcs7EncryptedData),
      derContext(
        0,
        derSequence(
          derInteger(0),
          derSequence(
            derOid(OID.pkcs7Data),
            derSequence(derOid(OID.pbeSha1TripleDes), parameters),
            encodeDer(0x80, encrypted),
          ),
        ),
      ),
    )
    const outcomes = [8, 9].map((count) =>
      rejectionOf(open(sealed(Array.from({ length: count }, () => part)), Buffer.alloc(0))),
    )
    const [eight, nine] = await Promise.all(outcomes)
    expect([eight?.data.reason, nine?.data.reason]).toEqual(['no-key', 'malformed'])
    expect(nine?.message).toContain('too many parts')
  })

  it('throws nothing but errors of ours, whatever 1 to 3 bytes are changed', async () => {
    const change = fc.tuple(fc.nat(PKCS12_FILE.length - 1), fc.nat(255))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const bytes = Buffer.from(PKCS12_FILE)
        for (const [at, value] of changes) bytes[at] = value
        const failure = await open(bytes).then(
          () => undefined,
          (error: unknown) => error,
        )
        if (failure === undefined || isVoboxError(failure)) return
        throw failure
      }),
      { numRuns: 300 },
    )
  })
})

describe('derOfBer', () => {
  it.each([
    ['an octet string with an integer inside', '2480020101' + '0000'],
    ['a primitive value of indefinite length', '0480'],
    ['a length of seven octets', '048701000000000000'],
    ['a value that is cut short', '040501'],
  ])('refuses %s', (_what, hex) => {
    expect(failureOf(() => derOfBer(Buffer.from(hex, 'hex'))).code).toBe('ASN1_MALFORMED')
  })
})

describe('derivePkcs12', () => {
  it('derives 24 octets from queeg in 1,000 rounds as every other implementation does', () => {
    const hash = hashOf('1.3.14.3.2.26')
    if (hash === undefined) throw new TypeError('SHA-1 is known')
    const key = derivePkcs12({
      hash,
      passPhrase: Buffer.from('007100750065006500670000', 'hex'),
      salt: Buffer.from('05dec959acff72f7', 'hex'),
      iterations: 1000,
      purpose: PURPOSE.key,
      length: 24,
    })
    expect(key.toString('hex')).toBe('ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4')
  })
})

describe('looksLikePkcs12', () => {
  it.each([
    ['a file', PKCS12_FILE, true],
    ['a file in BER', inPieces(PKCS12_FILE), true],
    ['PEM', Buffer.from('-----BEGIN'), false],
    ['text that begins with 0', Buffer.from('0 and more'), false],
    ['nothing', Buffer.alloc(0), false],
  ])('%s', (_what, bytes, expected) => {
    expect(looksLikePkcs12(bytes)).toBe(expected)
  })
})
