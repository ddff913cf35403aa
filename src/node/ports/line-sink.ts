/**
 * Lines to a descriptor without ever waiting for its reader.
 *
 * pino's own destination tries for ever when its reader hangs or is gone, and at the end blocks the
 * process while doing so. Here lines wait in memory, up to a limit, and are dropped beyond it.
 */
import { write } from 'node:fs'

/** About a day of a busy service: more is not a slow reader but none. */
const MOST_LINES = 10_000

/** After the descriptor refused a chunk for now (a full pipe that does not block). */
const RETRY_MS = 50

export class LineSink {
  readonly #descriptor: number
  #waiting: string[] = []
  #dropped = 0
  /** Settles when everything given so far is written or dropped; absent: nothing is under way. */
  #writing: Promise<void> | undefined

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  /** Lines that nobody took. */
  get dropped(): number {
    return this.#dropped
  }

  write(line: string): void {
    if (this.#waiting.length >= MOST_LINES) {
      this.#dropped++
      return
    }
    this.#waiting.push(line)
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
    })
  }

  /** Waits until all is written, or for at most `deadlineMs`. */
  async drain(deadlineMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs)
    })
    await Promise.race([this.#writing, deadline])
    clearTimeout(timer)
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting
      this.#waiting = []
      if (!(await this.#writeChunk(Buffer.from(lines.join(''))))) this.#dropped += lines.length
    }
  }

  /** False when the reader is gone for good. */
  async #writeChunk(chunk: Buffer): Promise<boolean> {
    for (let written = 0; written < chunk.length; ) {
      try {
        written += await this.#writeOnce(chunk, written)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return false
        await new Promise<void>((resolve) => setTimeout(resolve, RETRY_MS).unref())
      }
    }
    return true
  }

  #writeOnce(chunk: Buffer, offset: number): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.#descriptor, chunk, offset, chunk.length - offset, null, (error, written) =>
        error === null ? resolve(written) : reject(error),
      )
    })
  }
}
