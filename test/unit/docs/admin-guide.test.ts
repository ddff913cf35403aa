/** The guide against the tables that it speaks of. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ALERT_TITLES, KIND_WORDS } from '../../../src/alerts/condition-texts.js'
import { ERROR_CODES, type ErrorCode } from '../../../src/errors.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import {
  type EventFields,
  type EventName,
  formatEvent,
  instant,
} from '../../../src/renewal/events.js'
import { METRICS } from '../../../src/report/metric-table.js'
import { documentedFields, documentedOnly } from '../../support/documented-events.js'

const SOURCES = join(import.meta.dirname, '../../../src')

const TEXT = readFileSync(join(import.meta.dirname, '../../../docs/admin-guide.md'), 'utf8')

/** From one heading to the next of the same level. */
const section = (title: string) =>
  TEXT.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? ''
const rowsOf = (text: string) => text.split('\n').filter((line) => line.startsWith('| `'))

describe('docs/admin-guide.md, failures by code', () => {
  const rows = rowsOf(section('Failures by code'))
  const namesOf = (row: string) => [...(row.split('|')[1] ?? '').matchAll(/`([A-Z0-9_]+)`/g)]
  const codes = Object.entries(ERROR_CODES) as [ErrorCode, string][]

  it.each(codes)('has %s in exactly one row, which says whether it is %s', (code, persistence) => {
    const found = rows.filter((row) => namesOf(row).some(([, name]) => name === code))
    expect(found).toHaveLength(1)
    // Nobody retries what was cancelled; the other one has two sides, and its row says both.
    if (code === 'CANCELLED' || code === 'PROXY_LIFE_TOO_SHORT') return
    expect(/\bwaits\b/.test(found[0] ?? '')).toBe(persistence === 'transient')
  })

  it('has no code that does not exist', () => {
    const known = new Set<string>(codes.map(([code]) => code))
    const named = rows.flatMap((row) => namesOf(row).map(([, name]) => name ?? ''))
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })
})

describe('docs/admin-guide.md, mail', () => {
  const mail = rowsOf(section('Mail')).join('\n')

  it.each([...Object.values(ALERT_TITLES), ...Object.values(KIND_WORDS)])(
    'has the words of a subject: %s',
    (words) => expect(mail).toContain(words),
  )
})

describe('docs/admin-guide.md, events.log', () => {
  const events = section('events.log')
  const about = { dn: '/DC=ch/CN=alice', file: '+2fDC+3dch+2fCN+3dalice+2fCN+3dproxy' }
  const at = (text: string) => asUnixSeconds(Date.parse(text) / 1000)
  const examples: [EventName, string, EventFields][] = [
    [
      'registered',
      '2026-11-22T07:00:00Z',
      { ...about, as: 'registered', end: instant(at('2026-11-22T19:00:00Z')) },
    ],
    [
      'renewed',
      '2026-11-22T08:00:00Z',
      {
        ...about,
        server: 'myproxy.example.org:7512',
        end: instant(at('2026-11-24T08:00:00Z')),
      },
    ],
    [
      'renewal-failed',
      '2026-11-22T09:00:00Z',
      {
        ...about,
        code: 'ALL_SERVERS_FAILED',
        persistence: 'transient',
        failures: 1,
        retry: instant(at('2026-11-22T09:01:03Z')),
        reason: 'no server could be used: localhost:7512 cut the connection',
        cure: 'Its log says why',
      },
    ],
  ]

  it.each(examples)('shows %s as it is written', (event, time, fields) => {
    expect(events).toContain(`\n${formatEvent(at(time), event, fields)}`)
  })

  const words: Record<EventName, true> = {
    'service-started': true,
    'service-stopped': true,
    registered: true,
    unregistered: true,
    renewed: true,
    capped: true,
    'renewal-failed': true,
    expired: true,
    warning: true,
    'alert-began': true,
    'alert-reminded': true,
    'alert-ended': true,
    'hook-failed': true,
    'job-proxy-dropped': true,
  }

  it.each(Object.keys(words))('explains the word %s', (word) => {
    const rows = rowsOf(events).filter((row) => row.split('|')[1]?.includes(`\`${word}\``))
    expect(rows).toHaveLength(1)
  })
})

describe('docs/admin-guide.md, the fields of events.log', () => {
  const documented = documentedFields()
  const write = (event: EventName, fields: EventFields) =>
    documentedOnly({ write: async () => undefined }).write(event, fields)

  it('are the same without retry where a proxy has expired', () => {
    const failed = documented.get('renewal-failed') ?? []
    expect(failed).toContain('persistence')
    expect(documented.get('expired')).toEqual(failed.filter((name) => name !== 'retry'))
  })

  it('are each written somewhere', () => {
    const sources = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(SOURCES, name), 'utf8'))
      .filter((text) => /events\.write\(/.test(text))
      .join('\n')
    const names = [...new Set([...documented.values()].flat())]
    const unwritten = names.filter((name) => !new RegExp(`\\b${name}\\b[:,\\s]`).test(sources))
    expect(unwritten).toEqual([])
  })

  it('are all that tests of renewals may write: another one is refused', async () => {
    await write('capped', { dn: '/CN=x', server: 'px:7512', offered: 1, end: undefined })
    expect(() => write('capped', { granted: 1 })).toThrow('the guide has no granted of capped')
    expect(() => write('expired', { retry: 1 })).toThrow('the guide has no retry of expired')
  })
})

describe('docs/admin-guide.md, metrics', () => {
  const rows = rowsOf(section('Metrics'))
  const cell = (row: string, at: number) =>
    [...(row.split('|')[at] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '')

  it.each(Object.entries(METRICS))('has %s in one row, with its labels', (name, { labels }) => {
    const at = rows.findIndex((row) => cell(row, 1).includes(name))
    expect(at).toBeGreaterThanOrEqual(0)
    const same = rows[at]?.split('|')[2]?.trim() === 'the same'
    expect(cell(rows[same ? 0 : at] ?? '', 2)).toEqual([...labels])
  })

  it('has no metric that does not exist', () => {
    expect(rows.flatMap((row) => cell(row, 1)).filter((name) => !(name in METRICS))).toEqual([])
  })
})

describe('docs/admin-guide.md, what the log of the service says of jobs', () => {
  const rows = rowsOf(section('Jobs of workload managers'))
  const written = readdirSync(join(SOURCES, 'jobs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(SOURCES, 'jobs', name), 'utf8'))
    .flatMap((text) => [...text.matchAll(/write\(\s*'(?:warn|error)',\s*'([a-z-]+)'/g)])
    .map(([, name = '']) => name)
    .filter((name) => name !== 'job-proxy-dropped')

  it.each([...new Set(written), 'jobs-left', 'service-lacking'])('explains %s once', (name) => {
    expect(rows.filter((row) => row.split('|')[1]?.trim() === `\`${name}\``)).toHaveLength(1)
  })

  it('has job-proxy-dropped where the words of events.log are', () => {
    expect(written.length).toBeGreaterThanOrEqual(6)
    expect(rowsOf(section('events.log')).join('\n')).toContain('| `job-proxy-dropped` |')
  })
})

/** What it says of itself, which goes through no journal. */
function eventsOfTheLogItself(): string[] {
  const text = readFileSync(join(SOURCES, 'node/ports/syslog-log.ts'), 'utf8')
  return [...text.matchAll(/event: '([a-z-]+)'/g)].map(([, name = '']) => name)
}

describe('docs/admin-guide.md, the log of the MyProxy server', () => {
  const rows = rowsOf(section('A MyProxy server of your own')).map((row) => row.split('|')[1])
  const documented = [...rows.join(' ').matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => name)
  const shared = ['service-signals.ts', 'systemd-notify.ts']
  const written = ['myproxy/server', 'node/myproxy-server']
    .map((room) => join(SOURCES, room))
    .flatMap((room) =>
      readdirSync(room, { recursive: true, encoding: 'utf8' }).map((name) => join(room, name)),
    )
    .concat(shared.map((name) => join(SOURCES, 'node/service', name)))
    .filter((path) => path.endsWith('.ts') && !/replicat/.test(path))
    .flatMap((path) => [
      ...readFileSync(path, 'utf8').matchAll(
        /write\(\s*(?:'(?:info|warn|error)'|levelOf\([^\n]*\)),\s*'([a-z-]+)'/g,
      ),
    ])
    .map(([, name = '']) => name)
    .concat(eventsOfTheLogItself())

  it('has each event that an administrator sees, and none that nothing writes', () => {
    expect(written.length).toBeGreaterThan(10)
    expect([...documented].sort()).toEqual([...new Set(written)].sort())
  })
})
