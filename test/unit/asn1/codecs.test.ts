import { describe, expect, it } from 'vitest'
import { attributeShortName, attributeType } from '../../../src/asn1/attribute-types.js'
import { DerReader, derOid } from '../../../src/asn1/der.js'
import { decodeOid, encodeOid } from '../../../src/asn1/oid-codec.js'
import { OID } from '../../../src/asn1/oids.js'
import { failureOf } from '../../support/failure.js'

const bytes = (hex: string) => Buffer.from(hex, 'hex')
const timeOf = (tag: number, text: string) =>
  new DerReader(Buffer.concat([Buffer.from([tag, text.length]), Buffer.from(text)])).readTime()
const utcTime = (text: string) => timeOf(0x17, text)
const generalizedTime = (text: string) => timeOf(0x18, text)

describe('object identifiers', () => {
  it.each([
    ['2.5.4.3', '550403'],
    ['1.2.840.113549.1.1.11', '2a864886f70d01010b'],
    ['0.9.2342.19200300.100.1.25', '0992268993f22c640119'],
    ['2.999.3', '883703'],
    ['2.25.329800735698586629295641978511506172918', '6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776'],
  ])('reads and writes %s', (dotted, hex) => {
    expect(decodeOid(bytes(hex))).toBe(dotted)
    expect(Buffer.from(encodeOid(dotted)).toString('hex')).toBe(hex)
  })

  it.each([
    ['an empty one', ''],
    ['an arc that does not end', '5586'],
    ['an arc with a leading zero', '55800403'],
    ['one of 65 octets', '55'.repeat(65)],
  ])('refuses %s', (_name, hex) => {
    expect(failureOf(() => decodeOid(bytes(hex))).code).toBe('ASN1_MALFORMED')
  })

  it.each(['1', '3.1', '1.40', '1.02', '1..2', 'CN', ''])('does not encode "%s"', (dotted) => {
    expect(() => derOid(dotted)).toThrow(TypeError)
  })

  it('has no number twice in the table', () => {
    const numbers = Object.values(OID)
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  it('names attribute types as OpenSSL does, and others by number', () => {
    expect(attributeShortName('2.5.4.3')).toBe('CN')
    expect(attributeShortName('1.2.840.113549.1.9.1')).toBe('emailAddress')
    expect(attributeShortName('1.3.6.1.4.1.99999.1')).toBe('1.3.6.1.4.1.99999.1')
    expect(attributeType('DC')).toBe('0.9.2342.19200300.100.1.25')
    expect(attributeType('nonsense')).toBeUndefined()
  })
})

describe('times', () => {
  it.each([
    ['500101000000Z', '1950-01-01T00:00:00Z'],
    ['991231235959Z', '1999-12-31T23:59:59Z'],
    ['000229120000Z', '2000-02-29T12:00:00Z'],
    ['491231235959Z', '2049-12-31T23:59:59Z'],
  ])('reads UTCTime %s as %s', (text, expected) => {
    expect(utcTime(text)).toBe(Date.parse(expected) / 1000)
  })

  it('reads the end of time, 99991231235959Z', () => {
    expect(generalizedTime('99991231235959Z')).toBe(253_402_300_799)
  })

  it.each([
    ['without seconds', () => utcTime('2601010000Z')],
    ['with an offset instead of Z', () => utcTime('260101000000+0100')],
    ['with a fraction', () => generalizedTime('20260101000000.5Z')],
    ['with letters', () => utcTime('26010100000oZ')],
    ['on 29 February 2025', () => utcTime('250229000000Z')],
    ['on 29 February 2100', () => generalizedTime('21000229000000Z')],
    ['on 31 April', () => utcTime('260431000000Z')],
    ['in month 13', () => utcTime('261301000000Z')],
    ['on day 0', () => utcTime('260100000000Z')],
    ['at 24:00', () => utcTime('260101240000Z')],
    ['in second 60', () => utcTime('260101000060Z')],
    ['in the year 99', () => generalizedTime('00990101000000Z')],
    ['that is an integer', () => timeOf(0x02, '\x01')],
    ['of a kilobyte', () => new DerReader(bytes(`17820400${'30'.repeat(1024)}`)).readTime()],
  ])('refuses a time %s', (_name, read) => {
    expect(failureOf(read).code).toBe('ASN1_MALFORMED')
  })
})
