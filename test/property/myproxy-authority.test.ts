/** What administrators write for a certificate authority, and what only looks like it. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/oids.js'
import { isVoboxError } from '../../src/errors.js'
import { compileExtensions } from '../../src/myproxy/server/authority/compile-extensions.js'
import { parseExtensionText } from '../../src/myproxy/server/authority/extension-text.js'
import { subjectFromOneLine } from '../../src/myproxy/server/authority/subject-name.js'
import { decodeBasicConstraints, decodeKeyUsage } from '../../src/x509/extensions.js'
import { TestAuthority } from '../support/pki.js'

const { certificate } = new TestAuthority()
const about = { publicKey: certificate.publicKey, issuer: certificate }

/** The result, or undefined for a failure that says what is wrong; anything else is thrown. */
function resultOf<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (isVoboxError(error, 'CONFIG_INVALID')) return undefined
    throw error
  }
}

const names = ['keyUsage', 'basicConstraints', 'subjectAltName', 'authorityKeyIdentifier', '1.2.3']
const more = [
  'extendedKeyUsage',
  'certificatePolicies',
  'crlDistributionPoints',
  '2.5.29.19',
  '[x]',
]
const pieces = fc.constantFrom(
  ...[...names, ...more, 'nsCertType', 'authorityInfoAccess'],
  ...['=', ',', ':', '@', '\n', ' ', '"', '\\', '#', 'critical,', ';', 'hash', 'always', 'x'],
  ...['CA:TRUE', 'CA:FALSE', 'keyCertSign', 'digitalSignature', 'DER:', '30030101FF', '0500'],
  ...['ASN1:', 'UTF8:a', 'INT:1', 'URI:http://a', 'DNS:b', 'IP:1.2.3.4', 'IP:x', 'keyid', 'issuer'],
)

describe('an extension file', () => {
  it('of any pieces compiles or is refused, and makes no CA', () => {
    const texts = fc.array(pieces, { maxLength: 24 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(texts, fc.string({ unit: 'binary', maxLength: 80 })), (text) => {
        const compiled = resultOf(() =>
          compileExtensions(parseExtensionText(text, '/ext'), '/ext', about),
        )
        for (const { oid, value } of compiled ?? []) {
          if (oid === OID.basicConstraints) expect(decodeBasicConstraints(value).ca).toBe(false)
          if (oid === OID.keyUsage) expect(decodeKeyUsage(value).has('keyCertSign')).toBe(false)
        }
      }),
      { numRuns: 600 },
    )
  })
})

describe('a subject', () => {
  const values = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  const types = fc.constantFrom('CN', 'O', 'OU', 'DC', 'C', 'emailAddress', 'UID', 'cn', 'XX')
  const lines = fc
    .array(fc.tuple(types, values), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.map(([type, value]) => `/${type}=${value}`).join(''))

  it('of any line is refused, or the same again when it is read as OpenSSL shows it', () => {
    fc.assert(
      fc.property(fc.oneof(lines, fc.string({ unit: 'binary', maxLength: 60 })), (text) => {
        const name = resultOf(() => subjectFromOneLine(text))
        if (name === undefined) return
        expect(subjectFromOneLine(name.oneLine).der).toEqual(name.der)
      }),
      { numRuns: 600 },
    )
  })
})
