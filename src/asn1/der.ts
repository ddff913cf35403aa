/**
 * A strict reader of DER (X.690 §8, §10) that slices and never copies.
 *
 * Made for bytes that must survive exactly: names, certificates and attribute certificates are kept
 * as the slices they arrived in. Lengths are definite and minimal, integers minimal, booleans 0 or
 * 255, tags one octet; everything else is `ASN1_MALFORMED`, which is all that this file throws.
 * The reader does not recurse by itself, and it refuses to be nested deeper than
 * {@link MAX_DEPTH}, so hostile input costs no more than its own length.
 */
import type { UnixSeconds } from '../ports/clock.js'
import { malformed } from './malformed.js'
import { decodeOid } from './oid-codec.js'
import { constructedContextTag, TAG } from './tags.js'
import { decodeTime } from './time-codec.js'

export * from './der-writer.js'
export { TAG } from './tags.js'

/** Deepest nesting accepted; a certificate with every extension we know needs about 10. */
const MAX_DEPTH = 48

/** One value as it lies in the input: `raw` is the whole element, `content` what is inside. */
export interface DerElement {
  tag: number
  content: Uint8Array
  raw: Uint8Array
}

export interface DerBitString {
  /** Bits of the last octet that do not count, 0 to 7. */
  unusedBits: number
  bytes: Uint8Array
}

/**
 * Walks over the elements of one byte range from left to right.
 *
 * Readers of nested values share the bytes of their parent. Call {@link done} where the structure
 * ends: what is left over is an error.
 */
export class DerReader {
  readonly #bytes: Uint8Array
  readonly #depth: number
  #offset = 0

  constructor(bytes: Uint8Array, depth = 0) {
    if (depth > MAX_DEPTH) throw malformed(`DER is nested deeper than ${MAX_DEPTH} levels`)
    this.#bytes = bytes
    this.#depth = depth
  }

  atEnd(): boolean {
    return this.#offset >= this.#bytes.length
  }

  /** Tag of the next element, or undefined at the end. */
  peekTag(): number | undefined {
    return this.#bytes[this.#offset]
  }

  /** Throws unless everything was read. */
  done(): void {
    if (!this.atEnd()) {
      const trailingBytes = this.#bytes.length - this.#offset
      throw malformed(`DER has ${trailingBytes} trailing bytes`, { trailingBytes })
    }
  }

  readElement(): DerElement {
    const start = this.#offset
    const tag = this.#bytes[start]
    if (tag === undefined) throw malformed('DER ends where a value was expected')
    if ((tag & 0x1f) === 0x1f || tag === 0) throw malformed('DER tag is not accepted', { tag })
    const { length, headerLength } = this.#readLength(start + 1)
    const contentStart = start + 1 + headerLength
    const end = contentStart + length
    if (end > this.#bytes.length) {
      throw malformed('DER value is cut short', { missingBytes: end - this.#bytes.length })
    }
    this.#offset = end
    return {
      tag,
      content: this.#bytes.subarray(contentStart, end),
      raw: this.#bytes.subarray(start, end),
    }
  }

  /** Definite length in its shortest form (X.690 §10.1), at most four octets. */
  #readLength(at: number): { length: number; headerLength: number } {
    const first = this.#bytes[at]
    if (first === undefined) throw malformed('DER ends inside a length')
    if (first < 0x80) return { length: first, headerLength: 1 }
    const octets = first & 0x7f
    if (octets === 0) throw malformed('DER length is indefinite')
    if (octets > 4) throw malformed('DER length is too large', { octets })
    let length = 0
    for (let i = 1; i <= octets; i++) {
      const octet = this.#bytes[at + i]
      if (octet === undefined) throw malformed('DER ends inside a length')
      length = length * 256 + octet
    }
    if (length < 0x80 || this.#bytes[at + 1] === 0) throw malformed('DER length is not minimal')
    return { length, headerLength: 1 + octets }
  }

  /** Content of the next element, which must carry `tag`. */
  read(tag: number): Uint8Array {
    const element = this.readElement()
    if (element.tag !== tag) {
      throw malformed('DER value is of another type', { expected: tag, found: element.tag })
    }
    return element.content
  }

  /** Content of the next element when it carries `tag`; otherwise nothing is read. */
  readOptional(tag: number): Uint8Array | undefined {
    return this.peekTag() === tag ? this.read(tag) : undefined
  }

  /** A reader over the inside of the next element, which must carry the constructed `tag`. */
  readNested(tag: number): DerReader {
    return new DerReader(this.read(tag), this.#depth + 1)
  }

  readSequence(): DerReader {
    return this.readNested(TAG.sequence)
  }

  readSet(): DerReader {
    return this.readNested(TAG.set)
  }

  /** A reader over `[number]` constructed, or undefined when something else comes next. */
  readOptionalContext(number: number): DerReader | undefined {
    const tag = constructedContextTag(number)
    return this.peekTag() === tag ? this.readNested(tag) : undefined
  }

  /** Content octets of an INTEGER, checked to be minimal. */
  readInteger(tag: number = TAG.integer): Uint8Array {
    const content = this.read(tag)
    const first = content[0]
    const second = content[1]
    if (first === undefined) throw malformed('DER integer is empty')
    if (second !== undefined && (first === 0 ? second < 0x80 : first === 0xff && second >= 0x80)) {
      throw malformed('DER integer is not minimal')
    }
    return content
  }

  /** An INTEGER between 0 and 2^31 - 1. */
  readSmallInteger(tag: number = TAG.integer): number {
    const content = this.readInteger(tag)
    if (content.length > 4 || (content[0] ?? 0) >= 0x80) {
      throw malformed('DER integer is out of range')
    }
    return content.reduce((value, octet) => value * 256 + octet, 0)
  }

  readBoolean(tag: number = TAG.boolean): boolean {
    const content = this.read(tag)
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
      throw malformed('DER boolean is neither 0 nor 255')
    }
    return content[0] === 0xff
  }

  /** Dotted form of an OBJECT IDENTIFIER. */
  readOid(tag: number = TAG.oid): string {
    return decodeOid(this.read(tag))
  }

  readNull(): void {
    if (this.read(TAG.null).length !== 0) throw malformed('DER null is not empty')
  }

  readOctetString(tag: number = TAG.octetString): Uint8Array {
    return this.read(tag)
  }

  readBitString(tag: number = TAG.bitString): DerBitString {
    const content = this.read(tag)
    const unusedBits = content[0]
    if (unusedBits === undefined || unusedBits > 7) throw malformed('DER bit string is malformed')
    const bytes = content.subarray(1)
    const last = bytes[bytes.length - 1] ?? 0
    if (bytes.length === 0 ? unusedBits !== 0 : (last & ((1 << unusedBits) - 1)) !== 0) {
      throw malformed('DER bit string has unused bits that are not zero')
    }
    return { unusedBits, bytes }
  }

  /** UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 restricts them: seconds, no fraction, `Z`. */
  readTime(): UnixSeconds {
    const { tag, content } = this.readElement()
    if (tag !== TAG.utcTime && tag !== TAG.generalizedTime) {
      throw malformed('DER value is not a time', { found: tag })
    }
    return decodeTime(tag, content)
  }
}

/** The one value that `bytes` must hold and nothing after it. */
export function readSingleElement(bytes: Uint8Array): DerElement {
  const reader = new DerReader(bytes)
  const element = reader.readElement()
  reader.done()
  return element
}
