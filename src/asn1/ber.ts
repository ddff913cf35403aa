/**
 * BER (X.690 §8) brought into the lengths that DER wants, for containers that some tools write with
 * indefinite lengths and strings in pieces: PKCS#12, and nothing that is signed as it stands.
 *
 * Only the outer shell is rewritten. What lies inside a primitive value, such as a certificate in an
 * OCTET STRING, keeps its bytes.
 */
import { encodeDer } from './der-writer.js'
import { malformed } from './malformed.js'
import { TAG } from './tags.js'

const MAX_DEPTH = 48

const CONSTRUCTED = 0x20
const CONSTRUCTED_OCTET_STRING = TAG.octetString | CONSTRUCTED
const END_OF_CONTENTS = 0

/** One element and nothing after it, with definite lengths. @throws VoboxError `ASN1_MALFORMED`. */
export function derOfBer(bytes: Uint8Array): Uint8Array {
  const { der, end } = convert(bytes, 0, 0)
  if (end < bytes.length) throw malformed('BER has trailing bytes')
  return der
}

interface Converted {
  tag: number
  der: Uint8Array
  content: Uint8Array
  /** Where the next element starts. */
  end: number
}

function convert(bytes: Uint8Array, start: number, depth: number): Converted {
  if (depth > MAX_DEPTH) throw malformed(`BER is nested deeper than ${MAX_DEPTH} levels`)
  const tag = bytes[start]
  if (tag === undefined) throw malformed('BER ends where a value was expected')
  if ((tag & 0x1f) === 0x1f || tag === END_OF_CONTENTS) {
    throw malformed('BER tag is not accepted', { tag })
  }
  const { length, contentStart } = lengthAt(bytes, start + 1)
  if (length !== undefined && contentStart + length > bytes.length) {
    throw malformed('BER value is cut short')
  }
  if ((tag & CONSTRUCTED) === 0) {
    if (length === undefined) throw malformed('BER primitive value has no length')
    const content = bytes.subarray(contentStart, contentStart + length)
    return { tag, content, der: encodeDer(tag, content), end: contentStart + length }
  }
  return constructed(tag, bytes, contentStart, length, depth)
}

function constructed(
  tag: number,
  bytes: Uint8Array,
  contentStart: number,
  length: number | undefined,
  depth: number,
): Converted {
  const parts: Converted[] = []
  const limit = length === undefined ? bytes.length : contentStart + length
  const within = bytes.subarray(0, limit)
  let at = contentStart
  for (;;) {
    if (length !== undefined && at === limit) break
    if (length === undefined && bytes[at] === END_OF_CONTENTS && bytes[at + 1] === 0) break
    const part = convert(within, at, depth + 1)
    parts.push(part)
    at = part.end
  }
  const end = length === undefined ? at + 2 : at
  if (tag === CONSTRUCTED_OCTET_STRING) {
    if (parts.some((part) => part.tag !== TAG.octetString)) {
      throw malformed('BER octet string holds something else')
    }
    const content = Buffer.concat(parts.map((part) => part.content))
    return { tag: TAG.octetString, content, der: encodeDer(TAG.octetString, content), end }
  }
  const content = Buffer.concat(parts.map(({ der }) => der))
  return { tag, content, der: encodeDer(tag, content), end }
}

/** Undefined: indefinite. */
function lengthAt(
  bytes: Uint8Array,
  at: number,
): { length: number | undefined; contentStart: number } {
  const first = bytes[at]
  if (first === undefined) throw malformed('BER ends inside a length')
  if (first < 0x80) return { length: first, contentStart: at + 1 }
  if (first === 0x80) return { length: undefined, contentStart: at + 1 }
  const octets = first & 0x7f
  if (octets > 6) throw malformed('BER length is too large', { octets })
  let length = 0
  for (let i = 1; i <= octets; i++) {
    const octet = bytes[at + i]
    if (octet === undefined) throw malformed('BER ends inside a length')
    length = length * 256 + octet
  }
  return { length, contentStart: at + 1 + octets }
}
