import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import type { RenewalDecision } from '../../../src/renewal/decide-renewal.js'
import type { QueryRow } from '../../../src/renewal/query/query.js'
import { encodeQuery } from '../../../src/report/query-json.js'
import { nextText, showQueryTable } from '../../../src/report/query-table.js'
import { attributeReport } from '../../support/attribute-report.js'
import { registration } from '../../support/registry.js'

const at = asUnixSeconds(1_800_000_000)
const times = {
  notBefore: asUnixSeconds(at - 3600),
  end: asUnixSeconds(at + 47 * 3600),
  writtenAt: asUnixSeconds(at - 3600),
  chainEnd: asUnixSeconds(at + 47 * 3600),
  hasAttributes: true,
  jitter: 0.5,
}

function row(changes: Partial<QueryRow> = {}): QueryRow {
  return {
    registration: registration('anna'),
    state: { failures: 0 },
    file: '/repository/anna',
    proxy: { times, secondsLeft: 47 * 3600 },
    stored: {
      kind: 'seen',
      end: asUnixSeconds(at + 864_000),
      learnedAt: at,
      from: 'chain',
      server: 'px.example.org:7512',
    },
    storedSecondsLeft: 864_000,
    attributes: [],
    grantNote: undefined,
    next: { action: 'wait', until: asUnixSeconds(at + 1800), reason: 'fresh' },
    at,
    ...changes,
  }
}

const EXPIRED = {
  verified: false,
  verifiedBy: null,
  problem: {
    code: 'VOMS_AC_EXPIRED',
    message: 'the attributes of VO alice have expired',
    hint: 'ask for new ones',
  },
} as const

const failedTwice = row({
  state: {
    failures: 2,
    lastFailure: {
      at: asUnixSeconds(at - 120),
      code: 'MYPROXY_NO_CREDENTIAL',
      message: 'the server holds\u001b[2J no credential',
      hint: 'vobox-proxy myproxy init --for-vobox',
      persistence: 'permanent',
    },
  },
})

describe('showQueryTable', () => {
  it('aligns columns under their headings and leaves the last one as it is', () => {
    const plain = row({
      registration: registration('b', { voms: [] }),
      storedSecondsLeft: undefined,
    })
    expect(showQueryTable([row(), plain])).toBe(
      [
        'PROXY  STORED     NEXT RENEWAL                  ATTRIBUTES    IDENTITY',
        '47 h   10 d       in 30 min (fresh until then)  alice (none)  /CN=anna',
        '47 h   not known  in 30 min (fresh until then)  -             /CN=b',
        '',
      ].join('\n'),
    )
  })

  it('puts the last failure and its cure below the row, without control characters', () => {
    expect(showQueryTable([failedTwice]).split('\n').slice(2)).toEqual([
      '  ! failed 2 min ago, 2 times in a row: the server holds [2J no credential',
      '  !   vobox-proxy myproxy init --for-vobox',
      '',
    ])
  })

  it('says that a file cannot be used and that less was granted', () => {
    const problem = new VoboxError('FILE_MISSING', '/repository/anna is not there')
    const grantNote = { message: 'asked for 48 h and got 12 h', hint: 'store it again' }
    const text = showQueryTable([row({ proxy: { problem }, next: undefined, grantNote })])
    expect(text.split('\n').slice(1)).toEqual([
      'unusable  10 d    never: register again  alice       /CN=anna',
      '  ! /repository/anna is not there',
      '  ! asked for 48 h and got 12 h',
      '  !   store it again',
      '',
    ])
  })

  it.each([
    ['registered, verified, 23 h left', ['alice'], {}, 'alice (23 h)'],
    ['carried without being registered', [], {}, '/alice/Role=lcgadmin,/alice (23 h)'],
    ['expired', ['alice'], { ...EXPIRED, secondsLeft: 0 }, 'alice (expired)'],
    ['not verified', ['alice'], EXPIRED, 'alice (not verified)'],
  ])('shows attributes that are %s', (_name, voms, changes, cell) => {
    const attributes = [attributeReport(changes)]
    const text = showQueryTable([row({ registration: registration('anna', { voms }), attributes })])
    expect(text.split('\n')[1]).toContain(`  ${cell}  /CN=anna`)
  })

  it('puts why attributes are not verified below the row, with the cure', () => {
    const text = showQueryTable([row({ attributes: [attributeReport(EXPIRED)] })])
    expect(text.split('\n').slice(2)).toEqual([
      '  ! the attributes of VO alice have expired',
      '  !   ask for new ones',
      '',
    ])
  })

  it('says of a file of mode 0644 that it is renewed once it is mended, and how', () => {
    const problem = new VoboxError('FILE_UNSAFE', '/f has mode 0644', { hint: 'chmod 0600 /f' })
    const text = showQueryTable([row({ proxy: { problem }, next: undefined })])
    expect(text.split('\n').slice(1)).toEqual([
      'unusable  10 d    once its file is mended  alice       /CN=anna',
      '  ! /f has mode 0644',
      '  !   chmod 0600 /f',
      '',
    ])
  })

  it('prints nothing for no registration', () => {
    expect(showQueryTable([])).toBe('')
  })
})

describe('nextText', () => {
  const wait = (reason: Extract<RenewalDecision, { action: 'wait' }>['reason']) =>
    ({ action: 'wait', until: asUnixSeconds(at + 90), reason }) as const

  it.each<[RenewalDecision, string]>([
    [wait('fresh'), 'in 1 min 30 s (fresh until then)'],
    [wait('backing-off'), 'in 1 min 30 s (pause after a failure)'],
    [wait('capped'), 'in 1 min 30 s (nothing longer to get yet)'],
    [wait('min-interval'), 'in 1 min 30 s (tried a moment ago)'],
    [{ action: 'renew', reason: 'due' }, 'now (a third of its lifetime is left)'],
    [{ action: 'renew', reason: 'stale' }, 'now (to keep it fresh)'],
    [{ action: 'renew', reason: 'emergency' }, 'now (it is about to expire, or has)'],
    [{ action: 'give-up', reason: 'expired' }, 'never: expired, register again'],
  ])('%o is "%s"', (decision, text) => {
    expect(nextText(decision, at)).toBe(text)
  })

  it.each<[RenewalDecision | undefined, string]>([
    [undefined, 'never: its jobs need a fresh proxy'],
    [{ action: 'renew', reason: 'due' }, 'now (little of its lifetime is left)'],
    [{ action: 'give-up', reason: 'expired' }, 'never: expired, to be dropped'],
  ])('tells nobody to register a job proxy again: %o is "%s"', (decision, text) => {
    expect(nextText(decision, at, true)).toBe(text)
  })
})

describe('a job proxy', () => {
  const limited = registration('anna', { allowLimited: true })

  it('stands in the table with its 3 jobs, and says when it is limited', () => {
    const rows = [row(), row({ jobs: 3 }), row({ jobs: 1, registration: limited })]
    const ends = showQueryTable(rows)
      .trimEnd()
      .split('\n')
      .map((line) => /\S+(?: \[.*\])?$/.exec(line)?.[0])
    expect(ends).toEqual(['IDENTITY', '/CN=anna', '/CN=anna [3 jobs]', '/CN=anna [1 job, limited]'])
  })

  it('is of kind job in JSON, with the number of its jobs; any other is of kind vobox, with none', () => {
    const { registrations } = JSON.parse(encodeQuery('v', [row(), row({ jobs: 3 })]))
    expect(registrations).toMatchObject([
      { kind: 'vobox', jobs: null },
      { kind: 'job', jobs: 3 },
    ])
  })
})

describe('encodeQuery', () => {
  it('has a version, the settings, and null for what is not known', () => {
    const document = JSON.parse(encodeQuery('alice', [row(), failedTwice]))
    expect(document).toMatchObject({ version: 1, vo: 'alice' })
    expect(document.registrations[0]).toMatchObject({
      identity: '/CN=anna',
      file: '/repository/anna',
      proxy: { usable: true, secondsLeft: 169_200, end: at + 169_200 },
      storedCredential: {
        secondsLeft: 864_000,
        end: at + 864_000,
        learnedAt: at,
        from: 'chain',
        server: 'px.example.org:7512',
        infoFailure: null,
        lostSince: null,
      },
      behind: null,
      nextRenewal: { action: 'wait', reason: 'fresh', at: at + 1800 },
      renewedAt: null,
      lastFailure: null,
    })
    expect(document.registrations[0]).not.toHaveProperty('identityDer')
    expect(document.registrations[1].lastFailure.code).toBe('MYPROXY_NO_CREDENTIAL')
  })

  it('has no end and no seconds of a stored credential that is gone, and says since when', () => {
    const gone = row({ stored: { kind: 'gone', since: at }, storedSecondsLeft: 0 })
    expect(JSON.parse(encodeQuery('v', [gone])).registrations[0].storedCredential).toEqual({
      secondsLeft: 0,
      end: null,
      learnedAt: null,
      from: null,
      server: null,
      infoFailure: null,
      lostSince: at,
    })
    expect(showQueryTable([gone])).toMatch(/\n47 h +gone +in 30 min/)
  })

  it('says what is wrong with a file that cannot be used', () => {
    const problem = new VoboxError('FILE_UNSAFE', 'it is a link', { hint: 'remove it' })
    const [only] = JSON.parse(
      encodeQuery('v', [row({ proxy: { problem }, next: undefined })]),
    ).registrations
    expect(only.proxy).toEqual({
      usable: false,
      secondsLeft: 0,
      problem: { code: 'FILE_UNSAFE', message: 'it is a link', hint: 'remove it' },
    })
    expect(only.nextRenewal).toEqual({ action: 'give-up', reason: 'unusable', at: null })
  })
})
