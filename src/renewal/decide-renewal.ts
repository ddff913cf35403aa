/**
 * When a user proxy is renewed, and why.
 *
 * Pure: the caller gathers the facts and passes the time. The same function answers "is it due?"
 * for the daemon, "when is it due?" for its timer and "why not?" for `query`, so that the three can
 * never disagree by a rounding. With the same facts and a later time the answer only ever moves on
 * from `wait` to `renew` to `give-up`.
 */
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'

/** What is known about one registered proxy at the moment of deciding. */
export interface RenewalFacts {
  /** Start of validity of the leaf now on disk; issuers backdate it, usually by five minutes. */
  notBefore: UnixSeconds
  /** When the file was written; its lifetime counts from then if that is later. Absent: unknown. */
  writtenAt?: UnixSeconds
  /** Earliest end of validity in the chain *and* its attribute certificates: when it stops working. */
  effectiveNotAfter: UnixSeconds
  /**
   * End of the chain alone: until then it can authorise its renewal, whatever has become of its
   * attribute certificates; default `effectiveNotAfter`.
   */
  chainNotAfter?: UnixSeconds
  /** An expired one can be renewed as well, since not it but a pass phrase authorises that; default false. */
  revivable?: boolean
  /** It was registered with VOMS attributes and carries none; default false. */
  lacksAttributes?: boolean
  /** Age at which the proxy is refreshed, in seconds, however long it still lives; absent: never. */
  refreshSeconds?: number
  /** Renewed when this much is left at the latest, in seconds, whatever the third is; default 0. */
  renewBeforeSeconds?: number
  /** This proxy's share of the jitter, in [0, 1), fixed by its fingerprint; default 0, no jitter. */
  jitter?: number
  /** Last attempt of any outcome. */
  attemptedAt?: UnixSeconds
  /** Shortest time between two attempts, in seconds; default 0. */
  minIntervalSeconds?: number
  /** Earliest next attempt after a failure or a capped renewal. */
  retryAt?: UnixSeconds
  /** End beyond which the last renewal could not get; it counts while the file ends no later. */
  cappedUntil?: UnixSeconds
}

/** Why nothing is done now. */
export type WaitReason = 'fresh' | 'backing-off' | 'capped' | 'min-interval'

export type RenewalDecision =
  | { action: 'wait'; until: UnixSeconds; reason: WaitReason }
  | { action: 'renew'; reason: 'due' | 'stale' | 'emergency' | 'attributes' }
  | { action: 'give-up'; reason: 'expired' }

/**
 * Renew at the latest when a third of the lifetime that was actually granted is left.
 *
 * A ratio, because the lifetime asked for is not the one granted: a stored credential that was
 * uploaded without `-t` silently yields 12 hours instead of 48.
 */
const RENEW_AT_REMAINING_RATIO = 1 / 3

/** Below this remaining share a renewal is an emergency: the journal says so at alarm level. */
const EMERGENCY_REMAINING_RATIO = 1 / 20

/**
 * The largest part of a wait by which jitter shortens it. Each fresh proxy draws anew, so that
 * proxies which were registered in one minute drift apart within a day.
 */
const JITTER_RATIO = 1 / 10

/**
 * Decides what to do with one proxy.
 *
 * `stale` and `due` differ in urgency alone: services want a nearly full lifetime, so a proxy is
 * refreshed long before it must be. An expired proxy is given up, because the MyProxy server takes
 * only a living one as authorisation for its own renewal; where a pass phrase authorises it, an expired
 * one is an emergency. One whose attributes alone have expired is
 * an emergency, for services refuse it, and not lost.
 */
export function decideRenewal(facts: RenewalFacts, now: UnixSeconds): RenewalDecision {
  const end = facts.effectiveNotAfter
  const lastChance = Math.max(end, facts.chainNotAfter ?? end)
  if (now >= lastChance && !facts.revivable) return { action: 'give-up', reason: 'expired' }

  const { dueAt, staleAt, lifetime } = renewalTimes(facts)
  const renewAt = facts.lacksAttributes ? 0 : Math.min(dueAt, staleAt)
  const hold = holdOf(facts)
  const startAt = Math.max(renewAt, hold.until)
  if (now < startAt) {
    const reason = startAt > renewAt ? hold.reason : 'fresh'
    const changes = [end, lastChance].filter((at) => at > now)
    return { action: 'wait', until: asUnixSeconds(Math.min(startAt, ...changes)), reason }
  }

  if (end - now <= lifetime * EMERGENCY_REMAINING_RATIO) {
    return { action: 'renew', reason: 'emergency' }
  }
  if (facts.lacksAttributes) return { action: 'renew', reason: 'attributes' }
  return { action: 'renew', reason: now < dueAt ? 'stale' : 'due' }
}

/** The two times at which a proxy wants to be renewed, whatever has happened to attempts so far. */
function renewalTimes(facts: RenewalFacts) {
  const end = facts.effectiveNotAfter
  const grantedAt = Math.min(end, Math.max(facts.notBefore, facts.writtenAt ?? facts.notBefore))
  const lifetime = end - grantedAt
  const hurry = 1 - JITTER_RATIO * (facts.jitter ?? 0)
  const afterGrant = (waitSeconds: number) => Math.floor(grantedAt + waitSeconds * hurry)
  return {
    lifetime,
    dueAt: Math.min(
      afterGrant(lifetime * (1 - RENEW_AT_REMAINING_RATIO)),
      end - (facts.renewBeforeSeconds ?? 0),
    ),
    staleAt: afterGrant(facts.refreshSeconds ?? Number.POSITIVE_INFINITY),
  }
}

/** What forbids an attempt for now, though the proxy may want one. */
function holdOf(facts: RenewalFacts): { until: number; reason: WaitReason } {
  const sinceAttempt =
    facts.attemptedAt === undefined ? 0 : facts.attemptedAt + (facts.minIntervalSeconds ?? 0)
  if (facts.retryAt === undefined || facts.retryAt <= sinceAttempt) {
    return { until: sinceAttempt, reason: 'min-interval' }
  }
  const capped = facts.cappedUntil !== undefined && facts.effectiveNotAfter <= facts.cappedUntil
  return { until: facts.retryAt, reason: capped ? 'capped' : 'backing-off' }
}
