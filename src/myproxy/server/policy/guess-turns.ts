/**
 * Turns at guessing, for one kind of what is guessed at: one after the other for each key, each
 * after a wait that its failures so far have earned.
 */
import type { Clock } from '../../../ports/clock.js'
import { busy } from '../refusals.js'

export interface GuessTurnsOptions {
  /** Failures that earn no wait. */
  sparedFailures: number
  /** Wait after the first failure that does, in milliseconds; each one more doubles it. */
  firstDelayMs: number
  /** Longest wait, in milliseconds. */
  maxDelayMs: number
  /** After this time without a failure all is forgotten, in milliseconds. */
  forgetAfterMs: number
  /** Guesses that may wait for one key. */
  maxWaiting: number
  /** Keys remembered. */
  maxRemembered: number
  /** What is left of so many failures when a guess was right. */
  forgiven(failures: number): number
}

interface Track {
  failures: number
  lastFailureMs: number
  waiting: number
  /** Settles when the guess before is over. */
  tail: Promise<void>
}

export class GuessTurns {
  readonly #clock: Clock
  readonly #options: GuessTurnsOptions
  readonly #tracks = new Map<string, Track>()

  constructor(clock: Clock, options: GuessTurnsOptions) {
    this.#clock = clock
    this.#options = options
  }

  /**
   * Runs one guess when the turn of `key` has come, and counts how it ends.
   *
   * @param guess throws what `isWrongGuess` recognises when the pass phrase was wrong.
   * @throws a transient refusal when too many wait already; `signal.reason`, before the guess.
   */
  async take<T>(
    key: string,
    signal: AbortSignal,
    guess: () => Promise<T>,
    isWrongGuess: (error: unknown) => boolean,
  ): Promise<T> {
    const track = this.#trackOf(key)
    if (track.waiting >= this.#options.maxWaiting) throw busy('too many attempts at once')
    track.waiting += 1
    const before = track.tail
    let release: () => void = () => undefined
    track.tail = new Promise((resolve) => {
      release = resolve
    })
    try {
      await before
      // Whose request has ended meanwhile holds nobody up.
      signal.throwIfAborted()
      const delayMs = this.#delayMs(track)
      if (delayMs > 0) await this.#clock.sleep(delayMs, signal)
      const result = await guess()
      track.failures = this.#options.forgiven(track.failures)
      return result
    } catch (error) {
      if (isWrongGuess(error)) {
        track.failures += 1
        track.lastFailureMs = this.#clock.monotonicMs()
      }
      throw error
    } finally {
      track.waiting -= 1
      release()
      if (track.waiting === 0 && track.failures === 0) this.#tracks.delete(key)
    }
  }

  /** Failures of `key` so far, and the wait before its next guess in milliseconds. */
  stateOf(key: string): { failures: number; nextAfterMs: number } {
    const track = this.#tracks.get(key)
    if (track === undefined) return { failures: 0, nextAfterMs: 0 }
    return { failures: track.failures, nextAfterMs: this.#delayMs(track) }
  }

  #trackOf(key: string): Track {
    const known = this.#tracks.get(key)
    if (known !== undefined) {
      if (this.#isForgotten(known)) known.failures = 0
      return known
    }
    this.#makeRoom()
    const track: Track = { failures: 0, lastFailureMs: 0, waiting: 0, tail: Promise.resolve() }
    this.#tracks.set(key, track)
    return track
  }

  /** Forgets the oldest that nobody waits for; a flood of keys must not eat the memory. */
  #makeRoom(): void {
    if (this.#tracks.size < this.#options.maxRemembered) return
    for (const [key, track] of this.#tracks) {
      if (track.waiting > 0) continue
      this.#tracks.delete(key)
      return
    }
    throw busy('too many attempts at once')
  }

  #isForgotten(track: Track): boolean {
    return this.#clock.monotonicMs() - track.lastFailureMs > this.#options.forgetAfterMs
  }

  #delayMs({ failures }: Track): number {
    const { sparedFailures, firstDelayMs, maxDelayMs } = this.#options
    if (failures <= sparedFailures) return 0
    return Math.min(maxDelayMs, firstDelayMs * 2 ** (failures - sparedFailures - 1))
  }
}
