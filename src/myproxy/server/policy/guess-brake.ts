/**
 * Slows down guessing at pass phrases.
 *
 * Guesses at one name from one address go one after the other, each failure doubling the wait
 * before the next. The owner, who comes from elsewhere, is not held up: a brake on the name alone
 * would let anybody lock anybody out. What many addresses can do together is bounded by what one
 * guess costs (`key-protection.ts`).
 */
import { printable } from '../../../errors.js'
import type { Clock } from '../../../ports/clock.js'
import type { Journal } from '../../../ports/journal.js'
import { clientNetwork } from '../client-network.js'
import { busy } from '../refusals.js'

export interface GuessBrakeOptions {
  /** Wait after the first failure, in milliseconds; default 500. */
  firstDelayMs?: number
  /** Longest wait, in milliseconds; default 16,000. */
  maxDelayMs?: number
  /** After this time without a failure all is forgotten, in milliseconds; default 15 minutes. */
  forgetAfterMs?: number
  /** Guesses that may wait for one name from one address; default 4. */
  maxWaiting?: number
  /** Names and addresses remembered; default 10,000. */
  maxRemembered?: number
}

/** From this many wrong guesses in a row on somebody is guessing, and did not just mistype. */
const SUSPICIOUS_FAILURES = 3

interface Track {
  failures: number
  lastFailureMs: number
  waiting: number
  /** Settles when the guess before is over. */
  tail: Promise<void>
}

export class GuessBrake {
  readonly #clock: Clock
  readonly #journal: Journal
  readonly #options: Required<GuessBrakeOptions>
  readonly #tracks = new Map<string, Track>()

  /** @param journal is told of names that are guessed at. */
  constructor(clock: Clock, journal: Journal, options: GuessBrakeOptions = {}) {
    this.#clock = clock
    this.#journal = journal
    this.#options = {
      firstDelayMs: 500,
      maxDelayMs: 16_000,
      forgetAfterMs: 15 * 60_000,
      maxWaiting: 4,
      maxRemembered: 10_000,
      ...options,
    }
  }

  /**
   * Runs one guess when its time has come.
   *
   * @param guess throws what `isWrongGuess` recognises when the pass phrase was wrong.
   * @throws a transient refusal when too many wait already; `signal.reason`.
   */
  async attempt<T>(
    who: { username: string; address: string },
    signal: AbortSignal,
    guess: () => Promise<T>,
    isWrongGuess: (error: unknown) => boolean,
  ): Promise<T> {
    const key = JSON.stringify([who.username, clientNetwork(who.address)])
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
      const delayMs = this.#delayMs(track)
      if (delayMs > 0) await this.#clock.sleep(delayMs, signal)
      const result = await guess()
      track.failures = 0
      return result
    } catch (error) {
      if (isWrongGuess(error)) {
        track.failures += 1
        track.lastFailureMs = this.#clock.monotonicMs()
        this.#tell(who, track)
      }
      throw error
    } finally {
      track.waiting -= 1
      release()
      if (track.waiting === 0 && track.failures === 0) this.#tracks.delete(key)
    }
  }

  #tell({ username, address }: { username: string; address: string }, track: Track): void {
    if (track.failures < SUSPICIOUS_FAILURES) return
    this.#journal.write('warn', 'pass-phrase-guessed', 'Wrong pass phrases one after the other', {
      username: printable(username, 500),
      network: clientNetwork(address),
      failures: track.failures,
      nextAfterMs: this.#delayMs(track),
    })
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

  /** Forgets the oldest that nobody waits for; a flood of names must not eat the memory. */
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
    if (failures === 0) return 0
    const { firstDelayMs, maxDelayMs } = this.#options
    return Math.min(maxDelayMs, firstDelayMs * 2 ** (failures - 1))
  }
}
