/**
 * Frames of the gLite proxy renewal protocol: the length as four bytes, most significant first, then
 * that many bytes, the last of them NUL, which is counted.
 */
import { JOB_CODES } from './codes.js'
import { jobRefusal } from './refusal.js'

const HEADER_BYTES = 4

/** Largest payload taken, in bytes. A line of the C library is 2047 at most, a request has five. */
export const MAX_PAYLOAD_BYTES = 16 * 1024

/** @throws TypeError for text with a NUL, which would end it early. */
export function encodeFrame(text: string): Buffer {
  if (text.includes('\0')) throw new TypeError('a frame holds no NUL but its last byte')
  const payload = Buffer.from(`${text}\0`, 'utf8')
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32BE(payload.length)
  return Buffer.concat([header, payload])
}

/** Puts one frame together from pieces as they arrive; never holds more than one frame's bytes. */
export class FrameReader {
  #pieces: Uint8Array[] = []
  #held = 0
  #expected: number | undefined

  /**
   * @returns the payload once it is whole, without its NUL; undefined: more is to come.
   * @throws a refusal (`PARSE_ERROR`) for a frame that is empty or too large, as soon as its length
   *   is known, and for bytes behind it.
   */
  push(piece: Uint8Array): Buffer | undefined {
    this.#pieces.push(piece)
    this.#held += piece.length
    this.#expected ??= this.#readLength()
    if (this.#expected === undefined) return undefined
    const whole = HEADER_BYTES + this.#expected
    if (this.#held < whole) return undefined
    if (this.#held > whole) throw broken(`${this.#held - whole} bytes follow the request`)
    const payload = Buffer.concat(this.#pieces).subarray(HEADER_BYTES)
    // The C daemon takes one without a NUL as well, and some scripts send that.
    return payload.at(-1) === 0 ? payload.subarray(0, -1) : payload
  }

  #readLength(): number | undefined {
    if (this.#held < HEADER_BYTES) return undefined
    const joined = Buffer.concat(this.#pieces)
    this.#pieces = [joined]
    const length = joined.readUInt32BE()
    if (length === 0) throw broken('an empty frame')
    if (length > MAX_PAYLOAD_BYTES) throw broken(`a frame of ${length} bytes`)
    return length
  }
}

function broken(why: string) {
  return jobRefusal(JOB_CODES.PARSE_ERROR, why)
}
