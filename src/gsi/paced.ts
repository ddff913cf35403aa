/** A try at reaching somebody, at the pace that the circuit's memory allows, and remembered in turn. */
import type { Circuit, DeadPhase } from './circuit.js'
import type { GsiContext } from './context.js'
import { OVERTAKEN } from './race.js'

export interface PacedTry<T> {
  /** Whom, as people are told; what is remembered is remembered under it. */
  key: string
  /** Whether somebody else can be asked instead. If not, patience is all that is left. */
  othersFollow: boolean
  /** How long it is waited for, in milliseconds, before being overtaken says anything; default 0. */
  headStartMs?: number
  signal?: AbortSignal | undefined
  run(pace: Pace, signal: AbortSignal | undefined): Promise<T>
  /** Lets go of what came of a look that nobody waits for. */
  letGo(value: T): void
}

/**
 * Runs one try and tells the circuit what came of it. One that failed in the short time that the dead
 * get is repeated with all the time there is, beside everything else.
 */
export async function paced<T>(context: GsiContext, attempt: PacedTry<T>): Promise<T> {
  const { circuit } = context
  const { key, othersFollow, headStartMs = 0, signal } = attempt
  const pace = new Pace(context, othersFollow ? circuit?.deadAt(key) : undefined)
  try {
    const value = await attempt.run(pace, signal)
    circuit?.answered(key)
    return value
  } catch (error) {
    const cancelled = signal?.aborted === true
    // Who was overtaken after its head start has been silent that long; who was cancelled has not, and
    // nor has who began when another one was about to arrive.
    const silent = signal?.reason === OVERTAKEN && pace.elapsedMs >= headStartMs
    if (circuit && (!cancelled || silent)) pace.tell(circuit, key)
    if (circuit?.deadAt(key) !== undefined && pace.isShort && !cancelled) {
      circuit.lookAgain(key, async (closing) => {
        attempt.letGo(await paced(context, { ...attempt, othersFollow: false, signal: closing }))
      })
    }
    throw error
  }
}

/** Deadlines of the steps of one try, and how far it has come. */
export class Pace {
  readonly #context: GsiContext
  readonly #deadAt: DeadPhase | undefined
  #phase: DeadPhase | 'peer' | undefined
  #beganMs = 0

  constructor(context: GsiContext, deadAt: DeadPhase | undefined) {
    this.#context = context
    this.#deadAt = deadAt
  }

  get isShort(): boolean {
    return this.#deadAt !== undefined
  }

  /**
   * Milliseconds for a step. With whoever is known dead TCP is short in any case; TLS only where it
   * was TLS that did not come, as it takes longer than TCP also with the living.
   */
  deadlineMs(phase: DeadPhase): number {
    const { connectMs, circuit } = this.#context
    const short = this.#deadAt === phase || (this.#deadAt === 'tls' && phase === 'connect')
    return short ? Math.min(connectMs, circuit?.shortMs ?? connectMs) : connectMs
  }

  /** Since the first step began; 0 before. */
  get elapsedMs(): number {
    return this.#phase === undefined ? 0 : this.#context.clock.monotonicMs() - this.#beganMs
  }

  /** Each step says so when it begins. */
  begin(phase: DeadPhase | 'peer'): void {
    if (this.#phase === undefined) this.#beganMs = this.#context.clock.monotonicMs()
    this.#phase = phase
  }

  /** Tells what a failure at this point says of the peer; nothing, where it had not begun. */
  tell(circuit: Circuit, key: string): void {
    if (this.#phase === undefined) return
    if (this.#phase === 'peer') circuit.answered(key)
    else circuit.silent(key, this.#phase, this.elapsedMs)
  }
}
