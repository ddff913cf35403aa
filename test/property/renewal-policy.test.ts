import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../src/ports/clock.js'
import { backOffSeconds, cappedPauseSeconds } from '../../src/renewal/back-off.js'
import { decideRenewal, type RenewalFacts } from '../../src/renewal/decide-renewal.js'

const YEAR = 365 * 86_400
const instant = fc.integer({ min: 0, max: YEAR }).map(asUnixSeconds)
const fraction = fc.double({ min: 0, max: 0.999_999, noNaN: true })

const facts: fc.Arbitrary<RenewalFacts> = fc.record(
  {
    notBefore: instant,
    effectiveNotAfter: instant,
    writtenAt: instant,
    refreshSeconds: fc.integer({ min: 1, max: YEAR }),
    jitter: fraction,
    attemptedAt: instant,
    minIntervalSeconds: fc.integer({ min: 0, max: 3600 }),
    retryAt: instant,
    cappedUntil: instant,
  },
  { requiredKeys: ['notBefore', 'effectiveNotAfter'] },
)

const RANK = { wait: 0, renew: 1, 'give-up': 2 } as const

describe('decideRenewal, for any facts', () => {
  it('only ever moves on from wait to renew to give-up as time passes', () => {
    fc.assert(
      fc.property(facts, instant, instant, (given, one, other) => {
        const [earlier, later] = one <= other ? [one, other] : [other, one]
        const before = RANK[decideRenewal(given, earlier).action]
        expect(before).toBeLessThanOrEqual(RANK[decideRenewal(given, later).action])
      }),
      { numRuns: 2000 },
    )
  })

  it('names the first second at which it will answer otherwise', () => {
    fc.assert(
      fc.property(facts, instant, (given, now) => {
        const decision = decideRenewal(given, now)
        fc.pre(decision.action === 'wait')
        expect(decision.until).toBeGreaterThan(now)
        expect(decideRenewal(given, asUnixSeconds(decision.until - 1)).action).toBe('wait')
        expect(decideRenewal(given, decision.until).action).not.toBe('wait')
      }),
      { numRuns: 2000 },
    )
  })

  it('never waits into the last third when nothing forbids an attempt', () => {
    fc.assert(
      fc.property(facts, instant, (given, now) => {
        const { retryAt: _retry, attemptedAt: _attempt, ...free } = given
        const grantedAt = Math.max(free.notBefore, free.writtenAt ?? 0)
        const left = free.effectiveNotAfter - now
        fc.pre(left > 0 && left <= (free.effectiveNotAfter - grantedAt) / 3)
        expect(decideRenewal(free, now).action).toBe('renew')
      }),
    )
  })

  it('makes jitter hurry and never delay', () => {
    fc.assert(
      fc.property(facts, instant, (given, now) => {
        const { jitter: _jitter, ...without } = given
        const withJitter = RANK[decideRenewal(given, now).action]
        expect(RANK[decideRenewal(without, now).action]).toBeLessThanOrEqual(withJitter)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('backOffSeconds, for any failure', () => {
  const failure = fc.record({
    failures: fc.integer({ min: 1, max: 1_000_000 }),
    persistence: fc.constantFrom('transient' as const, 'permanent' as const),
    remainingSeconds: fc.integer({ min: 0, max: YEAR }),
    minIntervalSeconds: fc.integer({ min: 1, max: 600 }),
    fraction,
  })

  it('stays between the shortest pause and its cap', () => {
    fc.assert(
      fc.property(failure, (given) => {
        const pause = backOffSeconds(given)
        const cap = given.persistence === 'permanent' ? 3600 : 1200
        expect(pause).toBeGreaterThanOrEqual(given.minIntervalSeconds)
        expect(pause).toBeLessThanOrEqual(Math.max(cap, given.minIntervalSeconds))
      }),
      { numRuns: 1000 },
    )
  })

  it('leaves room for a second attempt whenever eight shortest pauses remain', () => {
    fc.assert(
      fc.property(failure, (given) => {
        fc.pre(given.remainingSeconds >= 8 * given.minIntervalSeconds)
        expect(backOffSeconds(given)).toBeLessThanOrEqual(Math.ceil(given.remainingSeconds / 8))
        expect(cappedPauseSeconds(given)).toBeLessThanOrEqual(Math.ceil(given.remainingSeconds / 8))
      }),
      { numRuns: 1000 },
    )
  })

  it('never shrinks by more than the jitter as failures add up', () => {
    fc.assert(
      fc.property(failure, (given) => {
        const next = backOffSeconds({ ...given, failures: given.failures + 1 })
        expect(next).toBeGreaterThanOrEqual(backOffSeconds(given))
      }),
    )
  })
})
