/**
 * Whether a proxy has expired, or only the clock says so: after a step of NTP, or on a machine that
 * began without a clock of its own, all proxies seem to be over at once, and a key that was removed
 * does not come back. So it must be seen twice, with five minutes between by a clock that nobody sets,
 * in which both clocks went alike.
 */
import type { Clock, UnixSeconds } from '../ports/clock.js'

interface Sighting {
  at: UnixSeconds
  monotonicMs: number
}

/** Between the two, in seconds. */
const APART_SECONDS = 300

/** Clocks that differ by less were not set, in seconds. */
const JUMP_SECONDS = 5

export class ExpiryWatch {
  /** Whoever saw it for the first time asks again after this many seconds. */
  static readonly AGAIN_SECONDS = APART_SECONDS + 1

  readonly #clock: Pick<Clock, 'now' | 'monotonicMs'>
  readonly #first = new Map<string, Sighting>()

  constructor(clock: Pick<Clock, 'now' | 'monotonicMs'>) {
    this.#clock = clock
  }

  /** Called where a proxy has expired as the clock stands; whether that is sure. */
  isSure(fileName: string): boolean {
    const now = { at: this.#clock.now(), monotonicMs: this.#clock.monotonicMs() }
    const first = this.#first.get(fileName)
    if (first !== undefined) {
      const passedSeconds = (now.monotonicMs - first.monotonicMs) / 1000
      const wasSet = Math.abs(now.at - first.at - passedSeconds) > JUMP_SECONDS
      if (!wasSet) return passedSeconds >= APART_SECONDS
    }
    this.#first.set(fileName, now)
    return false
  }

  /** It has not expired, or is gone. */
  forget(fileName: string): void {
    this.#first.delete(fileName)
  }
}
