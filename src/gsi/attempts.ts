/** What was tried on the way to a server, as programs and people are told. */
import { type ErrorCode, type Persistence, toVoboxError, type VoboxError } from '../errors.js'
import type { Address } from '../ports/dialer.js'
import type { GsiContext } from './context.js'
import type { OpeningPhase } from './secure-channel.js'
import { type ServerAddress, showAddress } from './server-address.js'

/** How far an attempt came: looking up the name, TCP, TLS, judging the peer, talking to it. */
export type AttemptPhase = 'name' | OpeningPhase | 'exchange'

/**
 * How an attempt ended.
 *
 * - `answered`: what was asked for was done.
 * - `refused`: it failed in a way that no other server would mend; mostly that is the answer of the
 *   server, which has the last word.
 * - `failed`: not reached, or it does not speak the protocol; the next address or server has its turn.
 * - `overtaken`: another address of the same server was quicker; this one was closed.
 * - `left-out`: not tried at all.
 */
export type AttemptOutcome = 'answered' | 'refused' | 'failed' | 'overtaken' | 'left-out'

/** One address of one server, when it is over and done with. */
export interface Attempt {
  /** `host:port`. */
  server: string
  /** Numeric address; absent where the name was not resolved, or never looked up. */
  address?: string
  phase: AttemptPhase
  outcome: AttemptOutcome
  /** Of `refused` and `failed`. */
  code?: ErrorCode
  /** What happened, as one sentence without a final full stop, with the server in it; safe to show. */
  sentence: string
  /** How long it took. */
  milliseconds: number
}

/** One try that failed, as it stands in `ALL_SERVERS_FAILED`'s `data.attempts`. */
export interface FailedAttempt {
  /** `host:port`. */
  server: string
  /** Numeric address; absent when the name could not be resolved. */
  address?: string
  code: ErrorCode
  message: string
  persistence: Persistence
}

/** A failed try with its failure. */
export interface Failure {
  attempt: FailedAttempt
  error: VoboxError
}

/** All attempts of one walk, told on as they end. */
export class AttemptLog {
  readonly #context: Pick<GsiContext, 'clock' | 'journal'>
  readonly #onAttempt: (attempt: Attempt) => void
  readonly #failures: { order: number; failure: Failure }[] = []
  #begun = 0

  constructor(
    context: Pick<GsiContext, 'clock' | 'journal'>,
    onAttempt: (attempt: Attempt) => void = () => undefined,
  ) {
    this.#context = context
    this.#onAttempt = onAttempt
  }

  /** Those that failed, in the order in which they began. */
  get failures(): Failure[] {
    return this.#failures.toSorted((a, b) => a.order - b.order).map(({ failure }) => failure)
  }

  /** @param address absent: its name is looked up. */
  begin(server: ServerAddress, address?: Address): OpenAttempt {
    const order = this.#begun++
    const { clock, journal } = this.#context
    return new OpenAttempt(clock, server, address, (attempt, error) => {
      const { outcome, sentence, milliseconds, ...facts } = attempt
      if (outcome === 'failed' && error !== undefined) {
        this.#failures.push({ order, failure: { attempt: failedOf(attempt, error), error } })
        journal.write('debug', 'server-not-reached', sentence, { ...facts, milliseconds })
      }
      this.#onAttempt(attempt)
    })
  }

  /** Notes what is not tried at all. */
  leftOut(server: ServerAddress, address: Address | undefined, sentence: string): void {
    this.#onAttempt({
      server: showAddress(server),
      ...(address && { address: address.ip }),
      phase: address === undefined ? 'name' : 'connect',
      outcome: 'left-out',
      sentence,
      milliseconds: 0,
    })
  }
}

/** One attempt under way. It is ended once; what is said afterwards is not heard. */
export class OpenAttempt {
  phase: AttemptPhase
  readonly #clock: GsiContext['clock']
  readonly #about: Pick<Attempt, 'server' | 'address'>
  readonly #tell: (attempt: Attempt, error?: VoboxError) => void
  readonly #beganMs: number
  #ended = false

  constructor(
    clock: GsiContext['clock'],
    server: ServerAddress,
    address: Address | undefined,
    tell: (attempt: Attempt, error?: VoboxError) => void,
  ) {
    this.#clock = clock
    this.#about = { server: showAddress(server), ...(address && { address: address.ip }) }
    this.phase = address === undefined ? 'name' : 'connect'
    this.#tell = tell
    this.#beganMs = clock.monotonicMs()
  }

  /** How long it has taken so far. */
  get milliseconds(): number {
    return Math.round(this.#clock.monotonicMs() - this.#beganMs)
  }

  end(outcome: 'answered' | 'overtaken', sentence: string): void {
    this.#end({ outcome, sentence })
  }

  fail(outcome: 'refused' | 'failed', thrown: unknown): void {
    const error = toVoboxError(thrown)
    this.#end({ outcome, sentence: error.message, code: error.code }, error)
  }

  #end(how: Pick<Attempt, 'outcome' | 'sentence' | 'code'>, error?: VoboxError): void {
    if (this.#ended) return
    this.#ended = true
    const { phase, milliseconds } = this
    this.#tell({ ...this.#about, phase, ...how, milliseconds }, error)
  }
}

function failedOf(
  { server, address }: Attempt,
  { code, message, persistence }: VoboxError,
): FailedAttempt {
  return { server, ...(address !== undefined && { address }), code, message, persistence }
}
