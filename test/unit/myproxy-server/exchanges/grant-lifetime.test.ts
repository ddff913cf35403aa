import { describe, expect, it } from 'vitest'
import {
  grantLifetime,
  type LifetimeLimits,
} from '../../../../src/myproxy/server/exchanges/grant-lifetime.js'

const HOUR = 3600
const limits = (set: Partial<LifetimeLimits>): LifetimeLimits => ({
  askedSeconds: 0,
  storedSeconds: 0,
  serverSeconds: 0,
  chainSeconds: 168 * HOUR,
  ...set,
})

describe('grantLifetime', () => {
  it.each([
    ['gives the 12 h that were asked for', { askedSeconds: 12 * HOUR }, 12],
    ['gives all 168 h of the chain when 0 is asked and nothing caps', {}, 168],
    [
      'gives the 12 h stored with -t to whoever asks for 48',
      { askedSeconds: 48 * HOUR, storedSeconds: 12 * HOUR },
      12,
    ],
    ['gives the stored 48 h to whoever asks for 0', { storedSeconds: 48 * HOUR }, 48],
    [
      'stops at the cap of 24 h of the server',
      { askedSeconds: 48 * HOUR, storedSeconds: 36 * HOUR, serverSeconds: 24 * HOUR },
      24,
    ],
    [
      'stops where the stored credential ends, in 5 h',
      { askedSeconds: 48 * HOUR, chainSeconds: 5 * HOUR },
      5,
    ],
    ['gives nothing when the chain ended an hour ago', { chainSeconds: -HOUR }, 0],
  ])('%s', (_name, set, hours) => {
    expect(grantLifetime(limits(set))).toBe(hours * HOUR)
  })
})
