import { describe, expect, it } from 'vitest'
import {
  type BackOffFacts,
  backOffSeconds,
  cappedPauseSeconds,
} from '../../../src/renewal/back-off.js'
import { HOUR } from '../../support/time.js'

const transient: BackOffFacts & { remainingSeconds: number } = {
  failures: 1,
  persistence: 'transient',
  remainingSeconds: 32 * HOUR,
  minIntervalSeconds: 60,
  fraction: 0.5,
}
const permanent: BackOffFacts & { remainingSeconds: number } = {
  ...transient,
  persistence: 'permanent',
}

describe('backOffSeconds', () => {
  it.each([
    ['pauses 60 s after the first failure', transient, 60],
    ['pauses 120 s after the second', { ...transient, failures: 2 }, 120],
    ['pauses 960 s after the fifth', { ...transient, failures: 5 }, 960],
    ['stops doubling at 20 minutes', { ...transient, failures: 6 }, 1200],
    ['stays at 20 minutes after a million failures', { ...transient, failures: 1e6 }, 1200],
    ['is 10 % shorter at one end of the jitter', { ...transient, failures: 3, fraction: 0 }, 216],
    ['stays within 20 minutes at the other end', { ...transient, failures: 9, fraction: 1 }, 1200],
    [
      'takes an eighth of the 40 minutes that remain',
      { ...transient, failures: 6, remainingSeconds: 2400 },
      300,
    ],
    [
      'keeps to 60 s with 4 minutes left, where an eighth would be 30 s',
      { ...transient, failures: 6, remainingSeconds: 240 },
      60,
    ],
    [
      'goes down to 2 s where the configuration says so',
      { ...transient, remainingSeconds: 10, minIntervalSeconds: 2 },
      2,
    ],
    ['pauses an hour when a person must act first', permanent, 3600],
    ['does not double that hour', { ...permanent, failures: 9 }, 3600],
    [
      'tries again within 30 minutes when 4 h remain, whoever must act',
      { ...permanent, remainingSeconds: 4 * HOUR },
      1800,
    ],
    [
      'pauses an hour where there is no proxy that could be lost',
      { ...permanent, remainingSeconds: undefined },
      3600,
    ],
  ])('%s', (_name, { remainingSeconds, ...rest }, seconds) => {
    const facts = remainingSeconds === undefined ? rest : { ...rest, remainingSeconds }
    expect(backOffSeconds(facts)).toBe(seconds)
  })
})

describe('cappedPauseSeconds', () => {
  it.each([
    ['waits an hour with 12 h left', 12 * HOUR, 3600],
    ['waits 15 minutes with 2 h left', 2 * HOUR, 900],
    ['waits the shortest pause with a minute left', 60, 60],
  ])('%s', (_name, remainingSeconds, seconds) => {
    expect(cappedPauseSeconds({ remainingSeconds, minIntervalSeconds: 60 })).toBe(seconds)
  })
})
