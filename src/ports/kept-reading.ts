/** What was read is kept for a while: for directories that are asked about far more often than they change. */
import type { Clock } from './clock.js'
import { untilAborted } from './deadline.js'

export class KeptReading<T> {
  readonly #clock: Clock
  readonly #keepMs: number
  readonly #read: (before: T | undefined) => Promise<T>
  #kept: { value: T; readMs: number } | undefined
  #reading: Promise<T> | undefined

  /**
   * @param keepMs how old an answer may be before it is read again, in milliseconds.
   * @param read is given what is kept, if anything, to take over what has not changed.
   */
  constructor(clock: Clock, keepMs: number, read: (before: T | undefined) => Promise<T>) {
    this.#clock = clock
    this.#keepMs = keepMs
    this.#read = read
  }

  /**
   * What was read less than `keepMs` ago, or is read now. Callers at the same moment share one
   * reading, which goes on when one of them gives up.
   *
   * Rejects as `read` does, keeping what was there, and with `signal.reason` when aborted.
   */
  async current(signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    const kept = this.#kept
    if (kept !== undefined && this.#clock.monotonicMs() - kept.readMs < this.#keepMs) {
      return kept.value
    }
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined
    })
    return untilAborted(this.#reading, signal)
  }

  /** The next {@link current} reads everything anew. */
  forget(): void {
    this.#kept = undefined
  }

  async #readNow(): Promise<T> {
    const readMs = this.#clock.monotonicMs()
    const value = await this.#read(this.#kept?.value)
    this.#kept = { value, readMs }
    return value
  }
}
