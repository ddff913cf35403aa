import { describe, expect, it } from 'vitest'
import { DerReader, derSequence, encodeDer, readSingleElement, TAG } from '../../../src/asn1/der.js'
import { failureOf } from '../../support/failure.js'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const reader = (hex: string) => new DerReader(bytes(hex))

describe('DerReader', () => {
  it.each([
    ['no bytes at all', '', 'DER ends where a value was expected'],
    ['a tag without length', '30', 'DER ends inside a length'],
    ['a length of 5 over 4 bytes', '30 05 01 01 ff 00', 'DER value is cut short'],
    ['an indefinite length', '30 80 00 00', 'DER length is indefinite'],
    ['a length of 5 in two octets', '30 81 05 01 01 ff 02 00', 'DER length is not minimal'],
    [
      'a length with a leading zero',
      `30 82 00 80 ${'00'.repeat(128)}`,
      'DER length is not minimal',
    ],
    ['a length in five octets', '30 85 01 00 00 00 00', 'DER length is too large'],
    ['a length cut after one of two octets', '30 82 01', 'DER ends inside a length'],
    ['a tag number over 30', '3f 81 00 00', 'DER tag is not accepted'],
    ['the end-of-contents tag', '00 00', 'DER tag is not accepted'],
  ])('refuses %s', (_name, hex, message) => {
    const failure = failureOf(() => reader(hex).readElement())
    expect(failure).toMatchObject({ code: 'ASN1_MALFORMED', message })
  })

  it('says how many bytes are missing and how many are left over', () => {
    expect(failureOf(() => reader('04 05 aa').readElement()).data).toEqual({ missingBytes: 4 })
    const trailing = failureOf(() => readSingleElement(bytes('05 00 05 00')))
    expect(trailing).toMatchObject({ code: 'ASN1_MALFORMED', data: { trailingBytes: 2 } })
  })

  it('names the type it wanted and the type it found', () => {
    const failure = failureOf(() => reader('04 00').read(TAG.integer))
    expect(failure.data).toEqual({ expected: 0x02, found: 0x04 })
  })

  it('hands out slices of the input and copies nothing', () => {
    const input = bytes('30 03 04 01 aa')
    const { raw, content } = new DerReader(input).readElement()
    expect(raw.buffer).toBe(input.buffer)
    expect(content.byteOffset).toBe(input.byteOffset + 2)
  })

  it('refuses nesting deeper than 48 levels instead of following it', () => {
    let nested: Uint8Array = encodeDer(TAG.null)
    for (let depth = 0; depth < 60; depth++) nested = derSequence(nested)
    const descend = () => {
      let inner = new DerReader(nested)
      while (inner.peekTag() === TAG.sequence) inner = inner.readSequence()
    }
    expect(failureOf(descend).message).toBe('DER is nested deeper than 48 levels')
  })

  it.each([
    ['an empty one', '02 00', 'DER integer is empty'],
    ['127 in two octets', '02 02 00 7f', 'DER integer is not minimal'],
    ['-128 in two octets', '02 02 ff 80', 'DER integer is not minimal'],
  ])('refuses an integer: %s', (_name, hex, message) => {
    expect(failureOf(() => reader(hex).readInteger())).toMatchObject({ message })
  })

  it('reads integers from 0 to 2^31 - 1 and refuses what is outside', () => {
    expect(reader('02 01 00').readSmallInteger()).toBe(0)
    expect(reader('02 04 7f ff ff ff').readSmallInteger()).toBe(2_147_483_647)
    const message = 'DER integer is out of range'
    expect(failureOf(() => reader('02 05 00 80 00 00 00').readSmallInteger())).toMatchObject({
      message,
    })
    expect(failureOf(() => reader('02 01 ff').readSmallInteger())).toMatchObject({ message })
  })

  it('takes 0 and 255 for booleans and refuses 1', () => {
    expect(reader('01 01 00').readBoolean()).toBe(false)
    expect(reader('01 01 ff').readBoolean()).toBe(true)
    expect(failureOf(() => reader('01 01 01').readBoolean()).code).toBe('ASN1_MALFORMED')
    expect(failureOf(() => reader('01 02 00 00').readBoolean()).code).toBe('ASN1_MALFORMED')
  })

  it.each([
    ['without the octet that counts unused bits', '03 00'],
    ['with 8 unused bits', '03 02 08 00'],
    ['with unused bits of no octet', '03 01 03'],
    ['with an unused bit that is set', '03 02 01 01'],
  ])('refuses a bit string %s', (_name, hex) => {
    expect(failureOf(() => reader(hex).readBitString()).code).toBe('ASN1_MALFORMED')
  })

  it('refuses a null that holds something', () => {
    expect(failureOf(() => reader('05 01 00').readNull()).message).toBe('DER null is not empty')
  })

  it('leaves an optional value of another tag where it is', () => {
    const optional = reader('04 00')
    expect(optional.readOptional(TAG.integer)).toBeUndefined()
    expect(optional.readOptionalContext(0)).toBeUndefined()
    expect(optional.readOctetString()).toHaveLength(0)
    optional.done()
  })
})
