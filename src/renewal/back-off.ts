/**
 * How long to leave a proxy alone after an attempt that did not help. Pure; the caller draws the
 * random fraction and keeps the count across restarts.
 */
import type { Persistence } from '../errors.js'

export interface BackOffFacts {
  /** Failed attempts in a row, this one included; at least 1. */
  failures: number
  /** Whether trying again, with nothing changed by a person, can succeed. */
  persistence: Persistence
  /** What is left of the proxy on disk, in seconds; absent: there is none that could be lost. */
  remainingSeconds?: number
  /** Shortest pause, in seconds (`limits.minIntervalSeconds`, default 60). */
  minIntervalSeconds: number
  /** A random number in [0, 1). */
  fraction: number
}

const FIRST_PAUSE_SECONDS = 60
const LONGEST_TRANSIENT_SECONDS = 20 * 60
const LONGEST_SECONDS = 60 * 60
const SPREAD = 0.1

/** No pause takes more than this part of what is left, so that several attempts still fit in. */
const REMAINING_RATIO = 1 / 8

/**
 * Seconds until the next attempt after a failure.
 *
 * Transient: one minute, doubled with each failure, ±10 %, at most twenty minutes. Permanent: an
 * hour, ±10 %, since a person must act first. Both at most an eighth of what remains, and never
 * less than the shortest pause.
 */
export function backOffSeconds(facts: BackOffFacts): number {
  const wanted = facts.persistence === 'permanent' ? LONGEST_SECONDS : doubled(facts.failures)
  const spread = wanted * (1 + SPREAD * (2 * facts.fraction - 1))
  return pause(Math.min(spread, longestFor(facts.persistence)), facts)
}

/**
 * Seconds until the next attempt after a renewal that yielded nothing longer. Nothing is wrong, so
 * there is no doubling: an hour, or less as the end comes near, since its owner may store a new
 * credential at any moment.
 */
export function cappedPauseSeconds(
  facts: Pick<BackOffFacts, 'remainingSeconds' | 'minIntervalSeconds'>,
): number {
  return pause(LONGEST_SECONDS, facts)
}

function doubled(failures: number): number {
  const doublings = Math.min(Math.max(failures, 1) - 1, 10)
  return Math.min(FIRST_PAUSE_SECONDS * 2 ** doublings, LONGEST_TRANSIENT_SECONDS)
}

function longestFor(persistence: Persistence): number {
  return persistence === 'permanent' ? LONGEST_SECONDS : LONGEST_TRANSIENT_SECONDS
}

function pause(
  wantedSeconds: number,
  facts: Pick<BackOffFacts, 'remainingSeconds' | 'minIntervalSeconds'>,
): number {
  const share = (facts.remainingSeconds ?? Number.POSITIVE_INFINITY) * REMAINING_RATIO
  return Math.ceil(Math.max(Math.min(wantedSeconds, share), facts.minIntervalSeconds))
}
