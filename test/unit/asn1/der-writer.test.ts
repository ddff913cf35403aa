import { describe, expect, it } from 'vitest'
import {
  DerReader,
  derBoolean,
  derContext,
  derGeneralizedTime,
  derInteger,
  derNull,
  derOctetString,
  derSet,
  derTime,
  TAG,
} from '../../../src/asn1/der.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const instant = (text: string) => asUnixSeconds(Date.parse(text) / 1000)

describe('the DER writer', () => {
  it.each([
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65_535, '0482ffff'],
    [65_536, '0483010000'],
  ])('writes a length of %i in the fewest octets', (length, header) => {
    const element = derOctetString(new Uint8Array(length))
    expect(hex(element.subarray(0, element.length - length))).toBe(header)
  })

  it.each([
    [0, '020100'],
    [127, '02017f'],
    [128, '02020080'],
    [65_537, '0203010001'],
    [2n ** 64n - 1n, '020900ffffffffffffffff'],
    [Buffer.from('0000ff', 'hex'), '020200ff'],
    [Buffer.from('0000', 'hex'), '020100'],
    [new Uint8Array(), '020100'],
  ])('writes the integer %s minimally', (value, expected) => {
    expect(hex(derInteger(value))).toBe(expected)
  })

  it('takes a negative integer for a mistake of the programmer', () => {
    expect(() => derInteger(-1)).toThrow(TypeError)
  })

  it('sorts the elements of a set by their octets', () => {
    const set = derSet(derInteger(3), derInteger(1), derNull(), derInteger(2))
    expect(hex(set)).toBe('310b0201010201020201030500')
  })

  it('writes 2049 as UTCTime and 2050 as GeneralizedTime', () => {
    expect(derTime(instant('2049-12-31T23:59:59Z'))[0]).toBe(TAG.utcTime)
    expect(derTime(instant('2050-01-01T00:00:00Z'))[0]).toBe(TAG.generalizedTime)
    expect(derGeneralizedTime(instant('2026-01-02T03:04:05Z')).subarray(2)).toEqual(
      Buffer.from('20260102030405Z'),
    )
  })

  it('wraps a context value that its reader unwraps', () => {
    const inner = new DerReader(derContext(3, derBoolean(true))).readOptionalContext(3)
    expect(inner?.readBoolean()).toBe(true)
    expect(inner?.atEnd()).toBe(true)
  })
})
