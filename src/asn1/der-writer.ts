/** Builds DER bottom up; every function returns one complete element. */
import type { UnixSeconds } from '../ports/clock.js'
import { encodeOid } from './oid-codec.js'
import { constructedContextTag, TAG } from './tags.js'
import { encodeTime, timeTag } from './time-codec.js'

/** Tag, minimal length and the concatenated contents. */
export function encodeDer(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, content) => sum + content.length, 0)
  return Buffer.concat([Uint8Array.from([tag, ...encodeLength(length)]), ...contents])
}

function encodeLength(length: number): number[] {
  if (length < 0x80) return [length]
  const octets: number[] = []
  for (let left = length; left > 0; left = Math.floor(left / 256)) octets.unshift(left % 256)
  return [0x80 | octets.length, ...octets]
}

export function derSequence(...elements: readonly Uint8Array[]): Uint8Array {
  return encodeDer(TAG.sequence, ...elements)
}

/** SET OF: DER sorts the elements by their octets (X.690 §11.6). */
export function derSet(...elements: readonly Uint8Array[]): Uint8Array {
  return encodeDer(TAG.set, ...elements.toSorted(Buffer.compare))
}

/** From a whole number, or from big-endian octets of an unsigned one; made minimal. */
export function derInteger(value: number | bigint | Uint8Array): Uint8Array {
  return encodeDer(TAG.integer, integerContent(value))
}

function integerContent(value: number | bigint | Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) {
    const whole = BigInt(value)
    if (whole < 0n) throw new TypeError('negative integers are not encoded')
    const hex = whole.toString(16)
    return integerContent(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'))
  }
  const firstSet = value.findIndex((octet) => octet !== 0)
  if (firstSet === -1) return Uint8Array.of(0)
  const magnitude = value.subarray(firstSet)
  return (magnitude[0] ?? 0) < 0x80 ? magnitude : Buffer.concat([Uint8Array.of(0), magnitude])
}

export function derBoolean(value: boolean): Uint8Array {
  return encodeDer(TAG.boolean, Uint8Array.of(value ? 0xff : 0))
}

export function derNull(): Uint8Array {
  return encodeDer(TAG.null)
}

export function derOid(dotted: string): Uint8Array {
  return encodeDer(TAG.oid, encodeOid(dotted))
}

export function derOctetString(content: Uint8Array): Uint8Array {
  return encodeDer(TAG.octetString, content)
}

export function derBitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return encodeDer(TAG.bitString, Uint8Array.of(unusedBits), bytes)
}

export function derUtf8String(text: string): Uint8Array {
  return encodeDer(TAG.utf8String, Buffer.from(text, 'utf8'))
}

export function derPrintableString(text: string): Uint8Array {
  return encodeDer(TAG.printableString, Buffer.from(text, 'latin1'))
}

export function derIa5String(text: string): Uint8Array {
  return encodeDer(TAG.ia5String, Buffer.from(text, 'latin1'))
}

/** UTCTime through 2049, GeneralizedTime afterwards, as certificates want it. */
export function derTime(seconds: UnixSeconds): Uint8Array {
  const tag = timeTag(seconds)
  return encodeDer(tag, encodeTime(tag, seconds))
}

/** GeneralizedTime whatever the year, as attribute certificates want it (RFC 5755 §4.2.6). */
export function derGeneralizedTime(seconds: UnixSeconds): Uint8Array {
  return encodeDer(TAG.generalizedTime, encodeTime(TAG.generalizedTime, seconds))
}

/** `[number]` constructed around complete elements. */
export function derContext(number: number, ...elements: readonly Uint8Array[]): Uint8Array {
  return encodeDer(constructedContextTag(number), ...elements)
}
