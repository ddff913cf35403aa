/** Lines with secrets from a descriptor that the caller opened: a pipe, a file, standard input. */
import { fstatSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { printable, VoboxError } from '../../errors.js'

/** Longer than any pass phrase; what comes in without an end must not fill the memory. */
export const MAX_SECRET_BYTES = 4096

const EMPTY = Buffer.alloc(0)

/** What comes next; empty at the end. */
type Source = () => Promise<Buffer>

/**
 * Line by line: two pass phrases may come in one piece, and one in several. A pipe may stay open
 * behind the last one that is asked for; it holds up nothing.
 */
export class SecretLines {
  readonly #descriptor: number
  readonly #where: string
  readonly #signal: AbortSignal | undefined
  #source: Source | undefined
  #read = EMPTY

  /**
   * @param from a descriptor, which is looked at when a line is first asked for; or the content of a
   *   file that was read.
   */
  constructor(
    from: number | { file: string; bytes: Uint8Array },
    signal?: AbortSignal | undefined,
  ) {
    this.#signal = signal
    if (typeof from === 'number') {
      this.#descriptor = from
      this.#where = from === 0 ? 'standard input' : `descriptor ${from}`
      return
    }
    this.#descriptor = -1
    this.#where = printable(from.file)
    this.#read = Buffer.from(from.bytes)
    this.#source = async () => EMPTY
  }

  /**
   * The next line, without its end.
   *
   * @param what needs it, for messages.
   * @throws VoboxError `PASS_PHRASE_REQUIRED` where none comes, an empty one, or one of more than 4096
   *   bytes; `USAGE` for a descriptor that is not open.
   */
  async next(what: string): Promise<Buffer> {
    let end = endOfLine(this.#read)
    while (end < 0 && this.#read.length <= MAX_SECRET_BYTES) {
      const more = await this.#more()
      if (more.length === 0) break
      this.#read = Buffer.concat([this.#read, more])
      end = endOfLine(this.#read)
    }
    const line = end < 0 ? this.#read : this.#read.subarray(0, end)
    this.#read = end < 0 ? EMPTY : this.#read.subarray(end + 1 + crLf(this.#read, end))
    if (line.length > 0 && line.length <= MAX_SECRET_BYTES) return line
    throw this.#nothing(what, line.length)
  }

  async #more(): Promise<Buffer> {
    this.#signal?.throwIfAborted()
    try {
      this.#source ??= this.#open()
      return await this.#source()
    } catch (cause) {
      // What was destroyed from here fails in a way of its own; the signal tells why.
      this.#signal?.throwIfAborted()
      const descriptor = this.#descriptor
      throw new VoboxError('USAGE', `descriptor ${descriptor} is not open for reading`, {
        data: { descriptor },
        cause,
      })
    }
  }

  #open(): Source {
    const facts = fstatSync(this.#descriptor)
    if (facts.isFIFO() || facts.isSocket()) {
      return fromStream(new Socket({ fd: this.#descriptor }), this.#signal)
    }
    return async () => {
      const buffer = Buffer.alloc(MAX_SECRET_BYTES + 1)
      return buffer.subarray(0, readSync(this.#descriptor, buffer, 0, buffer.length, null))
    }
  }

  #nothing(what: string, length: number): VoboxError {
    const where = this.#where
    const came = length === 0 ? 'nothing' : `more than ${MAX_SECRET_BYTES} bytes`
    return new VoboxError(
      'PASS_PHRASE_REQUIRED',
      `${what} needs a pass phrase, and ${came} came from ${where}`,
      {
        data: { what, where },
      },
    )
  }
}

/** Holds the process only while somebody waits for what comes. */
function fromStream(stream: Socket, signal: AbortSignal | undefined): Source {
  signal?.addEventListener('abort', () => stream.destroy(), { once: true })
  const pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  return async () => {
    stream.ref()
    try {
      const { value, done } = await pieces.next()
      return done === true ? EMPTY : value
    } finally {
      stream.unref()
    }
  }
}

const endOfLine = (bytes: Buffer) => bytes.findIndex((octet) => octet === 0x0a || octet === 0x0d)

/** A line of Windows ends with two characters. */
const crLf = (bytes: Buffer, end: number) =>
  bytes[end] === 0x0d && bytes[end + 1] === 0x0a ? 1 : 0
