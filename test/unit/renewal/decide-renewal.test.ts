import { describe, expect, it } from 'vitest'
import { decideRenewal, type RenewalFacts } from '../../../src/renewal/decide-renewal.js'
import { hours, later, minutes } from '../../support/time.js'

/** Issued at 0 for 48 h: due with 16 h left, at 32 h. */
const grantedFor48Hours: RenewalFacts = { notBefore: hours(0), effectiveNotAfter: hours(48) }

/** The same, kept above 46 h for a service that insists. */
const refreshedHourly: RenewalFacts = { ...grantedFor48Hours, refreshSeconds: 3600 }

/** The same after a failure at 40 h whose back-off ends ten minutes later. */
const backingOffForTenMinutes: RenewalFacts = {
  ...grantedFor48Hours,
  retryAt: later(hours(40), 600),
}

/** A minute's lifetime from an issuer that backdates by five: written at 300 s, ends at 360 s. */
const backdatedMinute: RenewalFacts = {
  notBefore: minutes(0),
  writtenAt: minutes(5),
  effectiveNotAfter: minutes(6),
}

/** Asked again at 10 h and got the same end, 48 h; the next try is at 11 h. */
const cappedUntilEleven: RenewalFacts = {
  ...refreshedHourly,
  attemptedAt: hours(10),
  retryAt: hours(11),
  cappedUntil: hours(48),
}

/** Wants a refresh each 20 s, but an attempt a minute is all that the configuration allows. */
const impatient: RenewalFacts = {
  ...grantedFor48Hours,
  refreshSeconds: 20,
  attemptedAt: hours(0),
  minIntervalSeconds: 60,
}

/** Granted for 48 h, but its attributes ended at 24 h. */
const attributesOver: RenewalFacts = {
  notBefore: hours(0),
  effectiveNotAfter: hours(24),
  chainNotAfter: hours(48),
}

/** Renewed by pass phrase, which an expired one can be as well. */
const revivable: RenewalFacts = { ...grantedFor48Hours, revivable: true }

const renew = (reason: string) => ({ action: 'renew', reason })
const wait = (until: number, reason: string) => ({ action: 'wait', until, reason })

describe('decideRenewal', () => {
  it.each([
    [
      'gives an expired one up',
      grantedFor48Hours,
      hours(48),
      { action: 'give-up', reason: 'expired' },
    ],
    [
      'renews one of 48 h that a pass phrase renews after 50 h',
      revivable,
      hours(50),
      renew('emergency'),
    ],
    [
      'lets a back-off count for that one too',
      { ...revivable, attemptedAt: hours(50), retryAt: hours(51) },
      hours(50),
      wait(hours(51), 'backing-off'),
    ],
    [
      'waits until 32 h when 48 h were granted',
      grantedFor48Hours,
      hours(31),
      wait(hours(32), 'fresh'),
    ],
    ['renews on the second at which a third is left', grantedFor48Hours, hours(32), renew('due')],
    ['refreshes after an hour though 47 h are left', refreshedHourly, hours(1), renew('stale')],
    [
      'waits 59 minutes more when refreshed a minute ago',
      refreshedHourly,
      minutes(1),
      wait(hours(1), 'fresh'),
    ],
    [
      'is due and not merely stale with 15 h of 48 h left',
      refreshedHourly,
      hours(33),
      renew('due'),
    ],
    [
      'waits out a back-off of ten minutes',
      backingOffForTenMinutes,
      hours(40),
      wait(later(hours(40), 600), 'backing-off'),
    ],
    [
      'tries again on the second at which the back-off ends',
      backingOffForTenMinutes,
      later(hours(40), 600),
      renew('due'),
    ],
    [
      'never waits past the end of the proxy, whatever the back-off',
      { ...grantedFor48Hours, retryAt: hours(60) },
      hours(47),
      wait(hours(48), 'backing-off'),
    ],
    [
      'calls it an emergency with 2 h of 48 h left',
      grantedFor48Hours,
      hours(46),
      renew('emergency'),
    ],
    [
      'gives up a proxy that expired an hour ago',
      grantedFor48Hours,
      hours(49),
      { action: 'give-up', reason: 'expired' },
    ],
    [
      'gives up on the very second of the end',
      grantedFor48Hours,
      hours(48),
      { action: 'give-up', reason: 'expired' },
    ],
    [
      'counts a minute from the writing, not from a notBefore five minutes earlier',
      backdatedMinute,
      minutes(5),
      wait(later(minutes(5), 40), 'fresh'),
    ],
    [
      'counts from notBefore when the file was written earlier',
      { ...grantedFor48Hours, notBefore: hours(12), writtenAt: hours(0) },
      hours(12),
      wait(hours(36), 'fresh'),
    ],
    [
      'renews at 28 h 48 min where the jitter is a full tenth of the 32 h to wait',
      { ...grantedFor48Hours, jitter: 1 },
      hours(28.8),
      renew('due'),
    ],
    [
      'refreshes after 57 minutes where the jitter is half',
      { ...refreshedHourly, jitter: 0.5 },
      minutes(56),
      wait(minutes(57), 'fresh'),
    ],
    [
      'leaves a capped proxy alone until its next try',
      cappedUntilEleven,
      hours(10.5),
      wait(hours(11), 'capped'),
    ],
    [
      'forgets a cap at 48 h once the file ends at 60 h',
      { ...cappedUntilEleven, effectiveNotAfter: hours(60) },
      hours(10.5),
      wait(hours(11), 'backing-off'),
    ],
    [
      'keeps a minute between two attempts though 20 s are asked for',
      impatient,
      later(hours(0), 30),
      wait(minutes(1), 'min-interval'),
    ],
    [
      'is due with a third of the life of its attributes left, at 16 h of 24 h',
      attributesOver,
      hours(16),
      renew('due'),
    ],
    [
      'does not give up at 30 h, when only its attributes have expired',
      attributesOver,
      hours(30),
      renew('emergency'),
    ],
    [
      'waits out a back-off though its attributes have expired',
      { ...attributesOver, retryAt: hours(31) },
      hours(30),
      wait(hours(31), 'backing-off'),
    ],
    [
      'gives up at 48 h, when the chain has expired too',
      attributesOver,
      hours(48),
      { action: 'give-up', reason: 'expired' },
    ],
    [
      'fetches attributes at once for a proxy that lacks them, though 47 h are left',
      { ...refreshedHourly, lacksAttributes: true },
      minutes(5),
      renew('attributes'),
    ],
    [
      'waits a minute between two attempts to fetch them',
      { ...impatient, lacksAttributes: true },
      later(hours(0), 30),
      wait(minutes(1), 'min-interval'),
    ],
  ])('%s', (_name, facts, now, decision) => {
    expect(decideRenewal(facts, now)).toEqual(decision)
  })
})
