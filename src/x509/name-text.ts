/** The string types of a name (RFC 5280 §4.1.2.4, X.680 §41) as text, the way OpenSSL reads them. */
import { TAG } from '../asn1/der.js'

/** How the text of an attribute is written. */
export type TextEncoding = 'utf8' | 'printable' | 'ia5' | 't61' | 'bmp' | 'universal'

/** String types that carry text; others (e.g. a number) are compared as bytes alone. */
const ONE_OCTET_TAGS: ReadonlySet<number> = new Set([
  TAG.printableString,
  TAG.t61String,
  TAG.ia5String,
  TAG.visibleString,
])

const WIDE_TAGS: ReadonlySet<number> = new Set([TAG.utf8String, TAG.bmpString, TAG.universalString])

/** Whether OpenSSL folds case and white space of this string type when it hashes a name. */
export function isTextTag(tag: number): boolean {
  return ONE_OCTET_TAGS.has(tag) || WIDE_TAGS.has(tag)
}

/**
 * Text of an attribute value. T61 is read as Latin-1, as OpenSSL does; what cannot be read shows as
 * U+FFFD. For people and for hashes, never for a decision about who somebody is.
 */
export function decodeText(tag: number, value: Uint8Array): string {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (tag === TAG.utf8String) return bytes.toString('utf8')
  if (tag === TAG.bmpString) return codePoints(bytes, 2)
  if (tag === TAG.universalString) return codePoints(bytes, 4)
  return bytes.toString('latin1')
}

function codePoints(bytes: Buffer, octets: 2 | 4): string {
  let text = ''
  for (let at = 0; at + octets <= bytes.length; at += octets) {
    const point = bytes.readUIntBE(at, octets)
    const readable = point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff)
    text += readable ? String.fromCodePoint(point) : '\ufffd'
  }
  return text
}

const ENCODERS: Readonly<Record<TextEncoding, { tag: number; encode(text: string): Uint8Array }>> =
  {
    utf8: { tag: TAG.utf8String, encode: (text) => Buffer.from(text, 'utf8') },
    printable: { tag: TAG.printableString, encode: (text) => Buffer.from(text, 'latin1') },
    ia5: { tag: TAG.ia5String, encode: (text) => Buffer.from(text, 'latin1') },
    t61: { tag: TAG.t61String, encode: (text) => Buffer.from(text, 'latin1') },
    bmp: { tag: TAG.bmpString, encode: (text) => Buffer.from(text, 'utf16le').swap16() },
    universal: { tag: TAG.universalString, encode: encodeUtf32 },
  }

export function encodeText(
  text: string,
  encoding: TextEncoding,
): { tag: number; bytes: Uint8Array } {
  const { tag, encode } = ENCODERS[encoding]
  return { tag, bytes: encode(text) }
}

function encodeUtf32(text: string): Uint8Array {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0)
  const bytes = Buffer.alloc(points.length * 4)
  points.forEach((point, index) => {
    bytes.writeUInt32BE(point, index * 4)
  })
  return bytes
}
