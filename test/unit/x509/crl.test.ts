import { createPublicKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  derBoolean,
  derContext,
  derOctetString,
  derOid,
  derSequence,
  encodeDer,
} from '../../../src/asn1/der.js'
import { OID } from '../../../src/asn1/oids.js'
import { contextTag } from '../../../src/asn1/tags.js'
import { parseCrl } from '../../../src/x509/crl.js'
import { encodePem } from '../../../src/x509/pem.js'
import { cpuSecondsOf } from '../../support/cpu-time.js'
import { failureOf } from '../../support/failure.js'
import { TestAuthority, testKey } from '../../support/pki.js'
import { makeCrl } from '../../support/pki-files.js'

const ca = new TestAuthority()
const [revoked] = ca.issueUser('revoked').chain
const [good] = ca.issueUser('good').chain
if (revoked === undefined || good === undefined) throw new TypeError('no certificate')

const extension = (oid: string, value: Uint8Array, critical = true) =>
  derSequence(derOid(oid), derBoolean(critical), derOctetString(value))
const flag = (number: number) => encodeDer(contextTag(number), Buffer.of(0xff))
const reasonFlags = (number: number, bits: Buffer) =>
  encodeDer(contextTag(number), Buffer.of(bits.length === 1 ? 5 : 7), bits)
const pointNamed = (uri: string) =>
  derContext(0, derContext(0, encodeDer(contextTag(6), Buffer.from(uri))))
const uri1 = `${contextTag(6)} http://a/1`
const pointWith = (...parts: Uint8Array[]) =>
  makeCrl(ca, {
    revoked: [revoked],
    extensions: [extension(OID.issuingDistributionPoint, derSequence(...parts))],
  })

describe('parseCrl', () => {
  it.each([
    ['DER', makeCrl(ca, { revoked: [revoked] })],
    ['PEM', Buffer.from(encodePem('X509 CRL', makeCrl(ca, { revoked: [revoked] })))],
  ])('reads %s and knows the revoked from the good', (_name, bytes) => {
    const crl = parseCrl(bytes)
    expect(crl.issuer.der).toEqual(ca.name.der)
    expect(crl.revokes(revoked.serialHex)).toBe(true)
    expect(crl.revokes(good.serialHex)).toBe(false)
    expect(crl).toMatchObject({
      scope: { kind: 'all' },
      signatureAlgorithm: { name: 'ecdsa-with-SHA256' },
    })
    expect(crl.nextUpdate).toBeGreaterThan(crl.thisUpdate)
  })

  it('believes the key of the CA and no other, and remembers both answers', () => {
    const crl = parseCrl(makeCrl(ca))
    const other = createPublicKey(testKey('p256'))
    for (let again = 0; again < 2; again++) {
      expect(crl.isSignedBy(ca.certificate.publicKey)).toBe(true)
      expect(crl.isSignedBy(other)).toBe(false)
    }
  })

  it('reads a list that promises no next one', () => {
    expect(parseCrl(makeCrl(ca, { nextUpdate: null })).nextUpdate).toBeUndefined()
  })

  it.each([
    ['end entities alone', pointWith(flag(1)), { kind: 'end-entities' }],
    ['authorities alone', pointWith(flag(2)), { kind: 'authorities' }],
    ['attribute certificates alone', pointWith(flag(5)), { kind: 'attributes' }],
    ['two reasons apart', pointWith(reasonFlags(3, Buffer.of(0x60))), { reasons: 0b110 }],
    ['one distribution point', pointWith(pointNamed('http://a/1')), { point: new Set([uri1]) }],
  ])('knows the scope of a list of %s', (_name, der, scope) => {
    const whole = { kind: 'all', point: undefined, reasons: 0b1_1111_1110 }
    expect(parseCrl(der).scope).toEqual({ ...whole, ...scope })
  })

  it.each([
    ['other issuers', pointWith(flag(4))],
    ['end entities and authorities at once', pointWith(flag(1), flag(2))],
    ['a point without a name', pointWith(derContext(0))],
    ['a point and more behind it', pointWith(flag(1), flag(1))],
    [
      'changes to another list',
      makeCrl(ca, { extensions: [extension(OID.deltaCrlIndicator, Buffer.of(2, 1, 1))] }),
    ],
    [
      'changes to another list, not marked critical,',
      makeCrl(ca, { extensions: [extension(OID.deltaCrlIndicator, Buffer.of(2, 1, 1), false)] }),
    ],
    [
      'something critical and unknown',
      makeCrl(ca, { extensions: [extension('1.2.3.4', Buffer.of(5, 0))] }),
    ],
  ])('refuses a list of %s, which would not say enough', (_name, der) => {
    expect(failureOf(() => parseCrl(der)).code).toBe('CRL_MALFORMED')
  })

  it.each([
    ['with a reason', extension(OID.crlReason, Buffer.of(0x0a, 1, 1)), true],
    ['with something unknown', extension('1.2.3.4', Buffer.of(5, 0), false), true],
    ['with something critical and unknown', extension('1.2.3.4', Buffer.of(5, 0)), false],
    ['of another CA', extension(OID.certificateIssuer, derSequence()), false],
  ])(
    'reads an entry %s where that changes nothing, and else no entry',
    (_name, extra, readable) => {
      const crl = parseCrl(makeCrl(ca, { revoked: [revoked], entryExtensions: [extra] }))
      if (readable) expect(crl.revokes(revoked.serialHex)).toBe(true)
      else expect(failureOf(() => crl.revokes(good.serialHex)).code).toBe('CRL_MALFORMED')
    },
  )

  it('passes over an unknown extension that is not critical', () => {
    const der = makeCrl(ca, { extensions: [extension('1.2.3.4', Buffer.of(5, 0), false)] })
    expect(parseCrl(der).scope.kind).toBe('all')
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('<html>not found</html>')],
    ['half a list', makeCrl(ca).subarray(0, 80)],
    ['a list and a byte', Buffer.concat([makeCrl(ca), Buffer.of(0)])],
    ['two lists', Buffer.from(encodePem('X509 CRL', makeCrl(ca)).repeat(2))],
    ['a certificate', Buffer.from(encodePem('CERTIFICATE', ca.certificate.der))],
    ['a PEM block cut short', Buffer.from(encodePem('X509 CRL', makeCrl(ca)).slice(0, 200))],
  ])('refuses %s', (_name, bytes) => {
    expect(failureOf(() => parseCrl(bytes)).code).toBe('CRL_MALFORMED')
  })

  it('finds 1000 times one of 50,000 serial numbers in under 10 s of computing, not by looking at each', () => {
    const serials = Array.from({ length: 50_000 }, (_, index) => ({
      ...revoked,
      serialHex: (index + 1).toString(16),
    }))
    const crl = parseCrl(makeCrl(ca, { revoked: serials }))
    expect(crl.revokes('c350')).toBe(true)
    const misses = cpuSecondsOf(() => {
      for (let index = 0; index < 1000; index++) if (crl.revokes('c351')) throw new Error('found')
    })
    expect(misses).toBeLessThan(10)
  })
})
