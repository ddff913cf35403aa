/**
 * What a process that lives long remembers of servers that did not answer, so that they hold it up
 * once and not again with every renewal.
 *
 * Whoever is known dead gets a short deadline wherever somebody else can be asked instead, and no TLS
 * before the connection stands. That would keep a server that is merely slow out for ever; so, when
 * the short deadline has passed, one more try with the full deadline is made beside the renewals,
 * which nobody waits for: it only finds out whether the server answers again. Then all is forgotten.
 */
import type { Clock } from '../ports/clock.js'
import type { Journal } from '../ports/journal.js'

/** Where it stopped answering: the name, TCP, TLS. */
export type DeadPhase = 'name' | 'connect' | 'tls'

export interface CircuitOptions {
  clock: Clock
  journal: Journal
  /** Deadline in milliseconds for each step with somebody who is known dead; default 250. */
  shortMs?: number
}

/** A few round trips around the earth; three servers and a renewal fit in a second. */
const SHORT_MS = 250

/** Most names and addresses remembered; the oldest is forgotten first. */
const MAX_REMEMBERED = 1000

export class Circuit {
  readonly shortMs: number
  readonly #clock: Clock
  readonly #journal: Journal
  readonly #dead = new Map<string, { phase: DeadPhase; sinceMs: number }>()
  readonly #looking = new Set<string>()
  readonly #closing = new AbortController()

  constructor({ clock, journal, shortMs = SHORT_MS }: CircuitOptions) {
    this.#clock = clock
    this.#journal = journal
    this.shortMs = shortMs
  }

  /** Where it stopped answering; undefined: nothing is known against it. */
  deadAt(key: string): DeadPhase | undefined {
    return this.#dead.get(key)?.phase
  }

  /**
   * Notes that it did not answer. What fails at once needs no shorter deadline and is not noted.
   *
   * @param tookMs how long it was waited for.
   */
  silent(key: string, phase: DeadPhase, tookMs: number): void {
    if (tookMs < this.shortMs) return
    const known = this.#dead.get(key)
    this.#dead.set(key, { phase, sinceMs: known?.sinceMs ?? this.#clock.monotonicMs() })
    if (known !== undefined) return
    for (const oldest of this.#dead.keys()) {
      if (this.#dead.size <= MAX_REMEMBERED) break
      this.#dead.delete(oldest)
    }
    const seconds = this.shortMs / 1000
    const message = `${key} does not answer; where another can be asked it gets ${seconds} s from now on`
    this.#journal.write('warn', 'server-silent', message, { server: key, phase })
  }

  /** Notes that it answered, whatever it said. */
  answered(key: string): void {
    const known = this.#dead.get(key)
    if (known === undefined) return
    this.#dead.delete(key)
    const seconds = Math.round((this.#clock.monotonicMs() - known.sinceMs) / 1000)
    const message = `${key} answers again, after ${seconds} s`
    this.#journal.write('info', 'server-answers', message, { server: key, seconds })
  }

  /**
   * Looks beside everything else whether it answers again, unless that is being done: `look` calls
   * {@link answered} or {@link silent} itself, and its failure says nothing more.
   */
  lookAgain(key: string, look: (signal: AbortSignal) => Promise<unknown>): void {
    if (this.#looking.has(key) || this.#closing.signal.aborted) return
    this.#looking.add(key)
    const done = () => this.#looking.delete(key)
    look(this.#closing.signal).then(done, done)
  }

  /** Ends what {@link lookAgain} began, for good. */
  close(): void {
    this.#closing.abort(new Error('the circuit was closed'))
  }
}
