/**
 * A clock that stands still until a test moves it; a week passes in about a second.
 *
 * Sleepers wake one by one in the order of their times, and between two of them everything that was
 * set in motion runs until it waits again, so that a sleep begun by a woken sleeper takes part in the
 * same `advance`. Code that also waits for the real disk or network needs `until`.
 */
import { asUnixSeconds, type Clock, type UnixSeconds } from '../../src/ports/clock.js'

interface Sleeper {
  wakeAtMs: number
  order: number
  wake: () => void
}

export class FakeClock implements Clock {
  #wallMs: number
  #monotonicMs = 0
  #order = 0
  readonly #sleepers = new Set<Sleeper>()

  /** @param startAt wall-clock time at first; default 2026-01-01T00:00:00Z. */
  constructor(startAt: number = Date.UTC(2026, 0, 1) / 1000) {
    this.#wallMs = startAt * 1000
  }

  now(): UnixSeconds {
    return asUnixSeconds(this.#wallMs / 1000)
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  /** How many sleeps are pending. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        this.#sleepers.delete(sleeper)
        reject(signal?.reason)
      }
      const sleeper: Sleeper = {
        wakeAtMs: this.#monotonicMs + Math.max(0, ms),
        order: this.#order++,
        wake: () => {
          this.#sleepers.delete(sleeper)
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Lets `ms` milliseconds pass, waking sleepers in order. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms
    await this.settle()
    for (let next = this.#earliest(endMs); next; next = this.#earliest(endMs)) {
      this.#moveTo(next.wakeAtMs)
      next.wake()
      await this.settle()
    }
    this.#moveTo(endMs)
  }

  /** The same in seconds. */
  advanceSeconds(count: number): Promise<void> {
    return this.advance(count * 1000)
  }

  /** Sets the wall clock forward or back by `count` seconds; nobody wakes, as with a real clock. */
  jump(count: number): void {
    this.#wallMs += count * 1000
  }

  /** Runs everything that can run without time passing. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
  }

  /**
   * Waits in real time, with the fake one standing still, until `holds`; for code that also waits
   * for the disk or a socket. Rejects after `deadlineMs` real milliseconds (default a minute).
   */
  async until(holds: () => boolean | Promise<boolean>, deadlineMs = 60_000): Promise<void> {
    const endMs = performance.now() + deadlineMs
    while (!(await holds())) {
      if (performance.now() > endMs) throw new Error(`nothing happened within ${deadlineMs} ms`)
      await new Promise<void>((resolve) => setTimeout(resolve, 1))
    }
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs
    this.#monotonicMs = monotonicMs
  }

  #earliest(notAfterMs: number): Sleeper | undefined {
    let earliest: Sleeper | undefined
    for (const sleeper of this.#sleepers) {
      if (sleeper.wakeAtMs > notAfterMs) continue
      if (earliest === undefined || wakesBefore(sleeper, earliest)) earliest = sleeper
    }
    return earliest
  }
}

function wakesBefore(one: Sleeper, other: Sleeper): boolean {
  return (
    one.wakeAtMs < other.wakeAtMs || (one.wakeAtMs === other.wakeAtMs && one.order < other.order)
  )
}
