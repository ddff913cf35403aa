import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/config/read-config.js'
import {
  attemptTime,
  earliestRetry,
  type LookFacts,
  nextLook,
} from '../../../src/renewal/next-look.js'
import { registration } from '../../support/registry.js'
import { hours, later, minutes } from '../../support/time.js'

/** 48 h from 0, refreshed hourly, looked at after ten minutes; its stored credential ends at 1,000 h. */
const fresh: LookFacts = {
  registration: registration('alice', { voms: [] }),
  state: { failures: 0, storedEnd: { at: hours(1000), learnedAt: hours(0), from: 'chain' } },
  times: {
    notBefore: hours(0),
    end: hours(48),
    chainEnd: hours(48),
    hasAttributes: false,
    writtenAt: hours(0),
    jitter: 0,
  },
  config: readConfig({}),
  now: minutes(10),
}
const failure = { code: 'X', message: 'x', persistence: 'permanent' } as const

describe('attemptTime', () => {
  it.each([
    ['is the hour of a fresh proxy', fresh, hours(1)],
    ['is now when it is due', { ...fresh, now: hours(2) }, hours(2)],
    [
      'is now for a missing file that nobody has been told about',
      { ...fresh, times: undefined },
      minutes(10),
    ],
    [
      'is the end of the back-off for a missing file',
      {
        ...fresh,
        times: undefined,
        state: { failures: 1, retryAt: hours(1), lastFailure: { ...failure, at: hours(0) } },
      },
      hours(1),
    ],
    [
      'is now where the back-off ends tomorrow, which no right clock can have written',
      {
        ...fresh,
        times: undefined,
        state: { failures: 1, retryAt: hours(24), lastFailure: { ...failure, at: hours(0) } },
      },
      minutes(10),
    ],
    ['is once for an expired proxy, to tell', { ...fresh, now: hours(49) }, hours(49)],
    [
      'is never for an expired proxy that was told',
      {
        ...fresh,
        now: hours(49),
        state: { failures: 1, lastFailure: { ...failure, code: 'PROXY_EXPIRED', at: hours(48) } },
      },
      Number.POSITIVE_INFINITY,
    ],
    [
      'is once more for one that expired again after it had been told and registered anew',
      {
        ...fresh,
        now: hours(49),
        state: { failures: 1, lastFailure: { ...failure, code: 'PROXY_EXPIRED', at: hours(20) } },
      },
      hours(49),
    ],
  ])('%s', (_name, facts, at) => {
    expect(attemptTime(facts)).toBe(at)
  })
})

describe('earliestRetry', () => {
  it.each([
    ['is now without an earlier attempt', fresh, minutes(10)],
    [
      'is a minute after an attempt 20 s ago',
      { ...fresh, state: { failures: 1, attemptedAt: later(minutes(10), -20) } },
      later(minutes(10), 40),
    ],
    [
      'is now after an attempt in the future, from before the clock was set',
      { ...fresh, state: { failures: 1, attemptedAt: hours(9) } },
      minutes(10),
    ],
  ])('%s', (_name, facts, at) => {
    expect(earliestRetry(facts)).toBe(at)
  })
})

describe('nextLook', () => {
  it.each([
    ['is at the attempt when that is first', fresh, minutes(20), minutes(20)],
    ['is after half an hour at the latest', fresh, hours(20), minutes(40)],
    [
      'is half an hour away when there is nothing to attempt',
      fresh,
      Number.POSITIVE_INFINITY,
      minutes(40),
    ],
    [
      'is the second after which an hour is left, for --proxy-safe 3600',
      { ...fresh, now: later(hours(47), -60) },
      Number.POSITIVE_INFINITY,
      later(hours(47), 1),
    ],
    [
      'is the second of the end',
      { ...fresh, now: later(hours(48), -60) },
      Number.POSITIVE_INFINITY,
      hours(48),
    ],
    [
      'is the second after which ten days are left of the stored credential',
      { ...fresh, now: later(hours(760), -60) },
      Number.POSITIVE_INFINITY,
      later(hours(760), 1),
    ],
  ])('%s', (_name, facts, attemptAt, at) => {
    expect(nextLook(facts, attemptAt)).toBe(at)
  })
})
