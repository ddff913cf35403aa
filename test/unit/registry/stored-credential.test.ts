import { describe, expect, it } from 'vitest'
import type { RegistrationState } from '../../../src/registry/registration.js'
import { storedCredentialOf, storedSecondsLeft } from '../../../src/registry/stored-credential.js'
import { days, hours } from '../../support/time.js'

const seen: RegistrationState = {
  failures: 0,
  storedEnd: { at: days(10), learnedAt: hours(5), from: 'chain' },
}

const believed = { kind: 'seen', end: days(10), learnedAt: hours(5), from: 'chain' }

const failed = (code: string, at: number): RegistrationState => ({
  ...seen,
  failures: 1,
  lastFailure: { at: hours(at), code, message: 'no', persistence: 'permanent' },
})

describe('storedCredentialOf', () => {
  it.each<[string, RegistrationState, object, number | undefined]>([
    ['knows nothing at first', { failures: 0 }, { kind: 'unknown' }, undefined],
    ['believes the end it has seen', seen, believed, 234 * 3600],
    [
      'believes a renewal an hour later that there is none any more',
      failed('MYPROXY_NO_CREDENTIAL', 6),
      { kind: 'gone', since: hours(6) },
      0,
    ],
    [
      'believes a renewal that what is there has expired',
      failed('MYPROXY_CREDENTIAL_EXPIRED', 6),
      { kind: 'expired', since: hours(6) },
      0,
    ],
    [
      'believes a new one that was seen after it was gone',
      failed('MYPROXY_NO_CREDENTIAL', 4),
      believed,
      234 * 3600,
    ],
    [
      'learns nothing from another failure',
      failed('MYPROXY_NOT_AUTHORISED_RENEWER', 6),
      believed,
      234 * 3600,
    ],
    [
      'learns nothing from a server that stands in for the first one',
      {
        ...seen,
        failures: 1,
        lastFailure: {
          at: hours(6),
          code: 'MYPROXY_NO_CREDENTIAL',
          message: 'no',
          persistence: 'transient',
        },
      },
      believed,
      234 * 3600,
    ],
    [
      'believes INFO that there is none any more',
      { ...seen, storedGoneAt: hours(6) },
      { kind: 'gone', since: hours(6) },
      0,
    ],
    [
      'believes a renewal that came after such an INFO',
      { ...seen, storedGoneAt: hours(4) },
      believed,
      234 * 3600,
    ],
  ])('%s', (_name, state, stored, secondsLeft) => {
    expect(storedCredentialOf(state)).toEqual(stored)
    expect(storedSecondsLeft(storedCredentialOf(state), hours(6))).toBe(secondsLeft)
  })

  it('counts 0 for one whose known end has passed', () => {
    expect(storedSecondsLeft(storedCredentialOf(seen), days(11))).toBe(0)
  })
})
