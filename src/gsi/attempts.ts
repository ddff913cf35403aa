/** What was tried on the way to a server, as programs and people are told. */
import type { ErrorCode, Persistence } from '../errors.js'
import type { OpeningPhase } from './secure-channel.js'

/** How far an attempt came: looking up the name, TCP, TLS, judging the peer, talking to it. */
export type AttemptPhase = 'name' | OpeningPhase | 'exchange'

/**
 * How an attempt ended.
 *
 * - `answered`: what was asked for was done.
 * - `refused`: the server answered, and its answer (or ours to it) is a failure; it has the last word.
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
