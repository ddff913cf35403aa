/**
 * A race that starts one entrant after the other (RFC 8305 §5, "happy eyeballs"): the next one begins
 * when the one before has had its head start, or at its failure. The first to arrive wins; of those
 * that arrive at the same time, the first in order. All others are stopped.
 */
import type { Clock } from '../ports/clock.js'

export interface Entrant<T> {
  /** How long it runs before the next one begins, in milliseconds. */
  headStartMs: number
  /** Must settle when `signal` aborts; its reason is {@link OVERTAKEN} when another has won. */
  run(signal: AbortSignal): Promise<T>
}

export interface RaceRules<T> {
  clock: Clock
  /** Ends the race for all. */
  signal?: AbortSignal | undefined
  /** Nobody begins later than this, by the clock's `monotonicMs`. */
  lastStartMs: number
  /** Whether this failure of one ends the race for all. */
  isFatal(error: unknown): boolean
  /** Is given what a loser got all the same. */
  discard(value: T): void
}

export interface RaceResult<T> {
  /** Absent: nobody arrived. */
  winner?: { at: number; value: T }
  /** Who failed, by their place in the order. */
  failed: ReadonlySet<number>
  /** How many began. */
  started: number
}

/** Why a loser is stopped. */
export const OVERTAKEN = new Error('another was quicker')

/** Those that arrive within this many milliseconds arrive at the same time. */
const SAME_TIME_MS = 1

/**
 * Resolves when somebody has won or nobody can any more. Rejects with a fatal failure, and with
 * `signal.reason`. Either way nobody runs on, and nothing that a loser got is kept.
 */
export async function race<T>(
  entrants: readonly Entrant<T>[],
  rules: RaceRules<T>,
): Promise<RaceResult<T>> {
  rules.signal?.throwIfAborted()
  const course = new Course(entrants, rules)
  try {
    return await course.decide()
  } finally {
    course.clear()
  }
}

class Course<T> {
  readonly #entrants: readonly Entrant<T>[]
  readonly #rules: RaceRules<T>
  readonly #running = new Map<number, AbortController>()
  readonly #arrived = new Map<number, T>()
  readonly #failed = new Set<number>()
  #started = 0
  #nextStartMs = Number.NEGATIVE_INFINITY
  #fatal: { error: unknown } | undefined
  #over = false
  #wake: () => void = () => undefined
  readonly #onAbort = () => this.#wake()

  constructor(entrants: readonly Entrant<T>[], rules: RaceRules<T>) {
    this.#entrants = entrants
    this.#rules = rules
    rules.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  async decide(): Promise<RaceResult<T>> {
    for (;;) {
      this.#rules.signal?.throwIfAborted()
      if (this.#fatal !== undefined) throw this.#fatal.error
      if (this.#arrived.size > 0) return this.#result(await this.#firstInOrder())
      this.#startWhoIsDue()
      if (this.#running.size === 0) return this.#result(undefined)
      await this.#nextEvent()
    }
  }

  /** Stops whoever still runs and lets go of whatever was not handed out. */
  clear(): void {
    this.#over = true
    const { signal, discard } = this.#rules
    signal?.removeEventListener('abort', this.#onAbort)
    const reason = signal?.aborted ? signal.reason : (this.#fatal?.error ?? OVERTAKEN)
    for (const controller of this.#running.values()) controller.abort(reason)
    for (const value of this.#arrived.values()) discard(value)
    this.#arrived.clear()
  }

  /** Whoever is ahead in the order and about to arrive gets the chance to. */
  async #firstInOrder(): Promise<number> {
    const first = Math.min(...this.#arrived.keys())
    if ([...this.#running.keys()].every((at) => at > first)) return first
    await this.#rules.clock.sleep(SAME_TIME_MS, this.#rules.signal)
    return Math.min(...this.#arrived.keys())
  }

  #result(at: number | undefined): RaceResult<T> {
    const result = { failed: this.#failed, started: this.#started }
    if (at === undefined) return result
    const value = this.#arrived.get(at) as T
    this.#arrived.delete(at)
    return { ...result, winner: { at, value } }
  }

  #startWhoIsDue(): void {
    const now = this.#rules.clock.monotonicMs()
    while (this.#mayStart(now) && now >= this.#nextStartMs) {
      const at = this.#started++
      const entrant = this.#entrants[at] as Entrant<T>
      this.#nextStartMs = now + entrant.headStartMs
      const controller = new AbortController()
      this.#running.set(at, controller)
      entrant.run(controller.signal).then(
        (value) => this.#arrive(at, value),
        (error) => this.#fail(at, error),
      )
    }
  }

  #mayStart(now: number): boolean {
    return this.#started < this.#entrants.length && now <= this.#rules.lastStartMs
  }

  #arrive(at: number, value: T): void {
    this.#running.delete(at)
    if (this.#over) this.#rules.discard(value)
    else this.#arrived.set(at, value)
    this.#wake()
  }

  #fail(at: number, error: unknown): void {
    this.#running.delete(at)
    if (this.#over) return
    this.#failed.add(at)
    if (this.#rules.isFatal(error)) this.#fatal ??= { error }
    // The one before: its failure is what the next one waits for.
    if (at === this.#started - 1) this.#nextStartMs = Number.NEGATIVE_INFINITY
    this.#wake()
  }

  /** Until somebody arrives or fails, the next one is due, or all is over. */
  async #nextEvent(): Promise<void> {
    const { clock } = this.#rules
    const now = clock.monotonicMs()
    const alarm = new AbortController()
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (!this.#mayStart(now)) return
      clock.sleep(this.#nextStartMs - now, alarm.signal).then(resolve, () => undefined)
    })
    alarm.abort(OVERTAKEN)
  }
}
