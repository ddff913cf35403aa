import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import {
  encodeReplicated,
  entriesOfReplicated,
  lags,
  type Replicated,
  type ReplicatedSecondary,
  showReplicated,
} from '../../../src/report/replication-text.js'
import { hours, later } from '../../support/time.js'

const now = hours(100)
const fresh: ReplicatedSecondary = {
  server: 'b.example.org:7512',
  stored: 2,
  destroyed: 1,
  behind: 0,
  behindSince: null,
  completeAt: now,
  failure: null,
  notReplicated: [],
}
const unreachable: ReplicatedSecondary = {
  ...fresh,
  server: 'c.example.org:7512',
  stored: 0,
  destroyed: 0,
  behind: 3,
  behindSince: later(now, -7200),
  completeAt: later(now, -7260),
  failure: new VoboxError('ALL_SERVERS_FAILED', 'no server could be used', { hint: 'Look at it' }),
}
const done = (...secondaries: ReplicatedSecondary[]): Replicated => ({
  directory: '/var/lib/myproxy',
  now,
  credentials: 5,
  secondaries,
  withheld: [],
  broken: [],
})

describe('what a run of replication did', () => {
  it('is one line for a secondary that is up to date, and no lag', () => {
    expect(showReplicated(done(fresh))).toBe(
      'b.example.org:7512 is up to date: 2 stored, 1 removed\n',
    )
    expect(lags(done(fresh))).toBe(false)
  })

  it('says of one that cannot be reached by how much it lags, since when, why, and the cure', () => {
    expect(showReplicated(done(fresh, unreachable)).split('\n').slice(1)).toEqual([
      'c.example.org:7512 lags in 3 credentials for 2 h, up to date last: 1970-01-05 01:59 UTC; ' +
        '0 stored, 0 removed',
      '  no server could be used',
      '  Look at it',
      '',
    ])
    expect(lags(done(fresh, unreachable))).toBe(true)
  })

  it('says that there is no secondary, which is no lag', () => {
    expect(showReplicated(done())).toBe('there is no secondary: slave_servers is not configured\n')
    expect(lags(done())).toBe(false)
  })

  it('lags where nobody could tell: the state of a secondary cannot be read', () => {
    const unknown = { ...unreachable, behind: 0, behindSince: null, completeAt: null }
    expect(showReplicated(done(unknown))).toContain('is not known to be up to date')
    expect(lags(done(unknown))).toBe(true)
  })

  it('shows 20 of 22 refusals, and what is withheld or broken, without control characters', () => {
    const error = new VoboxError('MYPROXY_REFUSED', 'no\u001b[31m')
    const notReplicated = Array.from({ length: 22 }, (_, n) => ({ username: `user${n}`, error }))
    const text = showReplicated({
      ...done({ ...fresh, behind: 22, behindSince: now, notReplicated }),
      withheld: [{ username: 'eve\u0007', name: 'grid', reason: 'locked' }],
      broken: [{ username: 'mal', error }],
    })
    expect(text.match(/^ {2}user/gm)).toHaveLength(20)
    expect(text).toContain('  and 2 more, as --json shows\n')
    expect(text).toContain("not handed on: eve  'grid': its administrator locked it\n")
    expect(text).toContain('not readable here: mal: no [31m\n')
    expect(text).not.toMatch(/[\u001b\u0007]/)
  })

  it('is an entry of a log for each line, a warning where something lags', () => {
    const entries = entriesOfReplicated(done(fresh, unreachable))
    expect(entries.map(({ level, event }) => `${level} ${event}`)).toEqual([
      'info replicated',
      'warn replication-lags',
      'warn replication-lags',
      'warn replication-lags',
    ])
    expect(entries[2]?.message).toBe('no server could be used')
  })

  it('has lags in seconds and codes in its JSON document', () => {
    const { at, secondaries } = JSON.parse(encodeReplicated(done(fresh, unreachable)))
    expect(at).toBe(now)
    expect(secondaries).toMatchObject([
      { upToDate: true, lagSeconds: 0, failure: null, stored: 2, destroyed: 1 },
      {
        upToDate: false,
        lagSeconds: 7200,
        behindSince: now - 7200,
        failure: { code: 'ALL_SERVERS_FAILED', hint: 'Look at it' },
      },
    ])
  })
})
