import { describe, expect, it } from 'vitest'
import { assess } from '../../../src/alerts/conditions.js'
import { days, HOUR, hours, later } from '../../support/time.js'
import { AT, type Changes, failure, machine, observed } from './fixtures.js'

const transient = failure('CONNECTION_FAILED', { persistence: 'transient' })
const refused = failure('MYPROXY_NO_CREDENTIAL')
const withRole = { registration: { voms: ['alice:/alice/Role=lcgadmin'] } }
const vomsDown = failure('VOMS_SERVERS_FAILED', { persistence: 'transient', stage: 'attributes' })
const revoked = failure('VOMS_ATTRIBUTE_NOT_GRANTED', { stage: 'attributes' })
const shortStored = {
  askedSeconds: 48 * HOUR,
  grantedSeconds: 12 * HOUR,
  limit: 'stored-lifetime' as const,
}

describe('assess, of a registration', () => {
  it.each<[string, Changes, string[]]>([
    ['finds nothing with 48 h of proxy and 20 days of stored credential left', {}, []],
    ['finds nothing with exactly 3600 s left', { proxyEnd: later(AT, 3600) }, []],
    ['finds the proxy short with 3599 s left', { proxyEnd: later(AT, 3599) }, ['user-proxy-short']],
    [
      'finds it short with 9 h left when 10 h were asked for with --proxy-safe',
      { proxyEnd: later(AT, 9 * HOUR), registration: { proxySafeSeconds: 10 * HOUR } },
      ['user-proxy-short'],
    ],
    ['finds it expired on the second of its end', { proxyEnd: AT }, ['user-proxy-expired']],
    [
      'finds, of one that a pass phrase renews, the end and the failure that keeps it from coming back',
      {
        proxyEnd: AT,
        registration: { passPhraseFile: '/phrase' },
        state: { failures: 1, lastFailure: refused },
      },
      ['user-proxy-expired', 'renewal-refused'],
    ],
    [
      'finds that it lost its attributes while VOMS was away',
      { ...withRole, lacksAttributes: true, state: { failures: 9, lastFailure: vomsDown } },
      ['attributes-expired', 'attributes-failing'],
    ],
    [
      'finds nothing in a plain login proxy whose first renewal brings the attributes',
      { ...withRole, lacksAttributes: true },
      [],
    ],
    ['finds it unreadable when there is no end', { proxyEnd: null }, ['user-proxy-unreadable']],
    [
      'finds the stored credential short with 9 days left of 10',
      { state: { storedEnd: { at: later(AT, 9 * 86_400), learnedAt: AT, from: 'info' } } },
      ['stored-credential-short'],
    ],
    [
      'finds it expired a second after its end',
      { state: { storedEnd: { at: later(AT, -1), learnedAt: AT, from: 'chain' } } },
      ['stored-credential-expired'],
    ],
    [
      'finds renewal failing after one transient failure',
      { state: { failures: 1, lastFailure: transient } },
      ['renewal-failing'],
    ],
    [
      'finds renewal refused after a permanent one',
      { state: { failures: 1, lastFailure: refused } },
      ['renewal-refused'],
    ],
    [
      'finds nothing in a failure that a success has followed',
      { state: { failures: 0, lastFailure: refused } },
      [],
    ],
    ['finds a grant of 12 h of 48 h', { state: { shortGrant: shortStored } }, ['short-grant']],
    [
      'leaves it to the renewal to say that a stored credential with 9 days left is gone',
      {
        state: {
          storedEnd: { at: later(AT, 9 * 86_400), learnedAt: AT, from: 'info' },
          failures: 1,
          lastFailure: {
            at: AT,
            code: 'MYPROXY_NO_CREDENTIAL',
            message: 'none',
            persistence: 'permanent',
          },
        },
      },
      ['renewal-refused'],
    ],
    [
      'does not say twice that the stored credential ends',
      {
        state: {
          storedEnd: { at: later(AT, 20 * HOUR), learnedAt: AT, from: 'info' },
          shortGrant: { ...shortStored, limit: 'stored-credential-ends' },
        },
      },
      ['stored-credential-short'],
    ],
    [
      'leaves the refusal out once the proxy has expired: there is one thing to do',
      { proxyEnd: hours(99), state: { failures: 3, lastFailure: refused } },
      ['user-proxy-expired'],
    ],
    [
      'finds the attributes expired, and not the proxy, while the chain lives for 36 h more',
      { proxyEnd: AT, chainEnd: later(AT, 36 * HOUR) },
      ['attributes-expired'],
    ],
    [
      'goes on telling why VOMS refuses when the attributes have expired',
      {
        ...withRole,
        proxyEnd: AT,
        chainEnd: later(AT, HOUR),
        state: { failures: 3, lastFailure: revoked },
      },
      ['attributes-expired', 'attributes-refused'],
    ],
    [
      'finds VOMS failing, and not renewal, after a transient failure of that half',
      { ...withRole, state: { failures: 1, lastFailure: vomsDown } },
      ['attributes-failing'],
    ],
    [
      'finds an attribute refused after a permanent failure of that half',
      { ...withRole, state: { failures: 1, lastFailure: revoked } },
      ['attributes-refused'],
    ],
    [
      'finds attributes missing after a renewal that went without one of them',
      { ...withRole, state: { missingAttributes: ['alice:/alice/Role=lcgadmin'] } },
      ['attributes-partial'],
    ],
  ])('%s', (_name, changes, kinds) => {
    expect(assess(observed(changes)).conditions.map(({ kind }) => kind)).toEqual(kinds)
  })

  it('leaves the service 300 s to renew what is short, and none once that has failed', () => {
    const short = (changes: Changes) => assess(observed(changes)).conditions[0]?.graceSeconds
    expect(short({ proxyEnd: later(AT, 1800) })).toBe(300)
    expect(short({ proxyEnd: later(AT, 400) })).toBe(100)
    const state = { failures: 1, lastFailure: transient }
    expect(short({ proxyEnd: later(AT, 1800), state })).toBe(0)
    expect(short({ proxyEnd: AT })).toBeUndefined()
  })

  it('gives a transient failure two hours before it is worth a mail, a permanent one none', () => {
    const lasting = assess(observed({ state: { failures: 9, lastFailure: transient } }))
    expect(lasting.conditions[0]).toMatchObject({ level: 1, graceSeconds: 7200 })
    const once = assess(observed({ state: { failures: 1, lastFailure: refused } }))
    expect(once.conditions[0]).toMatchObject({ level: 2, failure: refused })
    expect(once.conditions[0]?.graceSeconds).toBeUndefined()
  })

  it.each(['MACHINE_PROXY_MISSING', 'MACHINE_PROXY_EXPIRED'])(
    'tells no user of %s, and does not declare their renewal healthy either',
    (code) => {
      const state = { failures: 2, lastFailure: failure(code) }
      expect(assess(observed({ state }))).toEqual({ conditions: [], unknown: ['renewal'] })
    },
  )

  it.each([
    ['VOMS fails', vomsDown, 'renewal'],
    ['MyProxy fails', transient, 'attributes'],
  ])('declares neither half healthy while %s', (_name, lastFailure, other) => {
    const state = { failures: 1, lastFailure }
    expect(assess(observed({ ...withRole, state })).unknown).toEqual([other])
  })

  it('calls unknown what a lost state would tell', () => {
    const lost = { ...observed(), state: { failures: 0 } }
    expect(assess(lost)).toEqual({
      conditions: [],
      unknown: ['stored-credential', 'renewal', 'short-grant'],
    })
  })
})

describe('assess, of the machine proxy', () => {
  it.each([
    ['is content with 18 h left', machine({ end: later(AT, 18 * HOUR) }), []],
    [
      'warns below 6 h: three runs of cron were missed',
      machine({ end: later(AT, 6 * HOUR - 1) }),
      ['machine-proxy-short'],
    ],
    ['says expired on the second of its end', machine({ end: AT }), ['machine-proxy-expired']],
    [
      'says missing when there is no end',
      machine({ problem: 'no such file' }),
      ['machine-proxy-missing'],
    ],
  ])('%s', (_name, observation, kinds) => {
    expect(assess(observation).conditions.map(({ kind }) => kind)).toEqual(kinds)
  })

  it('keeps why it is missing', () => {
    const [condition] = assess(machine({ problem: 'no such file' })).conditions
    expect(condition).toMatchObject({ problem: 'no such file', level: 3 })
  })
})

describe('assess, of the service', () => {
  const observation = { about: 'service', at: days(1), condition: 'registry-damaged' } as const

  it('warns while there is a problem', () => {
    const { conditions } = assess({ ...observation, problem: 'set aside', cure: 'restore it' })
    expect(conditions).toEqual([
      {
        alert: 'service',
        kind: 'service-problem',
        level: 2,
        problem: 'set aside',
        cure: 'restore it',
      },
    ])
  })

  it('has nothing to say without one', () => {
    expect(assess(observation)).toEqual({ conditions: [], unknown: [] })
  })
})
