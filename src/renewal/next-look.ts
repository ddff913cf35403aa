/**
 * When the daemon must look at a registration again. Pure: everything that it depends on is a fact.
 */
import type { Config } from '../config/config.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import type { Registration, RegistrationState } from '../registry/registration.js'
import { believableRetry, decideFor, type ProxyTimes } from './proxy-facts.js'

export interface LookFacts {
  registration: Registration
  state: RegistrationState
  /** Absent: the proxy file is missing or unusable. */
  times: ProxyTimes | undefined
  config: Config
  now: UnixSeconds
}

/** Everything is looked at this often, in seconds, so that nothing can be missed for ever. */
const SWEEP_SECONDS = 1800

/** When the next attempt may be made: not later than `now` if at once, infinity if never. */
export function attemptTime({ registration, state, times, config, now }: LookFacts): number {
  const told = state.lastFailure
  if (times === undefined) {
    return told === undefined ? now : (believableRetry(state, config, now) ?? now)
  }
  const decision = decideFor(registration, state, times, config, now)
  if (decision.action === 'wait') return decision.until
  if (decision.action === 'renew') return now
  // An expired proxy is attempted once, so that it is told; after that only its owner can help.
  return told?.code === 'PROXY_EXPIRED' && told.at >= times.chainEnd
    ? Number.POSITIVE_INFINITY
    : now
}

/** The same for one whose last failure may have been cured meanwhile: no back-off counts. */
export function earliestRetry({ state, config, now }: LookFacts): number {
  const { attemptedAt } = state
  if (attemptedAt === undefined || attemptedAt > now) return now
  return attemptedAt + config.limits.minIntervalSeconds
}

/** The next look, later than `now`: for the attempt, for a threshold, or because it is time. */
export function nextLook(facts: LookFacts, attemptAt: number): UnixSeconds {
  const { now } = facts
  const reasons = [attemptAt, ...thresholds(facts)].filter((at) => at > now)
  return asUnixSeconds(Math.min(now + SWEEP_SECONDS, ...reasons))
}

/** Instants at which an alert may begin though nobody does anything. */
function thresholds({ registration, state, times }: LookFacts): number[] {
  const { proxySafeSeconds, myproxySafeSeconds } = registration
  const stored = state.storedEnd?.at
  return [
    ...(times === undefined ? [] : [times.end - proxySafeSeconds + 1, times.end, times.chainEnd]),
    ...(stored === undefined ? [] : [stored - myproxySafeSeconds + 1, stored]),
  ]
}
