import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import type { Files } from '../../../src/ports/files.js'
import {
  type EventFields,
  FileEventLog,
  formatEvent,
  instant,
} from '../../../src/renewal/events.js'
import { FakeClock } from '../../support/fake-clock.js'

const at = asUnixSeconds(Date.UTC(2026, 10, 22, 7) / 1000)
const line = (fields: EventFields) => formatEvent(at, 'renewed', fields)

describe('formatEvent', () => {
  it.each([
    ['writes an instant, a word and nothing else', {}, ''],
    [
      'leaves a server bare and writes an end as UTC',
      { server: 'px.cern.ch:7512', end: instant(at) },
      ' server=px.cern.ch:7512 end=2026-11-22T07:00:00Z',
    ],
    [
      'leaves a file name of the contract bare',
      { file: '+2fDC+3dch+2fCN+3dx' },
      ' file=+2fDC+3dch+2fCN+3dx',
    ],
    [
      'quotes a DN, which holds = and spaces',
      { dn: '/DC=ch/CN=Alice A' },
      ' dn="/DC=ch/CN=Alice A"',
    ],
    [
      'escapes quotes and backslashes inside quotes',
      { dn: '/CN=a "b" \\c' },
      ' dn="/CN=a \\"b\\" \\\\c"',
    ],
    [
      'turns line feeds and escape sequences into spaces',
      { reason: 'a\nb\u001b[2Jc' },
      ' reason="a b [2Jc"',
    ],
    ['leaves absent values out', { dn: undefined, failures: 3 }, ' failures=3'],
    ['quotes an empty value', { reason: '' }, ' reason=""'],
  ])('%s', (_name, fields, rest) => {
    expect(line(fields)).toBe(`2026-11-22T07:00:00Z renewed${rest}\n`)
  })
})

describe('FileEventLog', () => {
  const clock = new FakeClock(at)

  it('appends one line a call, mode 0640', async () => {
    const appended: [string, string, number][] = []
    const files = {
      append: async (path: string, bytes: Uint8Array, mode: number) => {
        appended.push([path, Buffer.from(bytes).toString(), mode])
        return true
      },
    } as Partial<Files> as Files
    const journal = { write: () => expect.unreachable() }
    const log = new FileEventLog({ files, clock, journal, path: '/vo/log/events.log' })
    await log.write('capped', { server: 'px' })
    expect(appended).toEqual([
      ['/vo/log/events.log', '2026-11-22T07:00:00Z capped server=px\n', 0o640],
    ])
  })

  it('tells the journal about a full disk and resolves all the same', async () => {
    const told: unknown[] = []
    const files = {
      append: async () => {
        throw new VoboxError('FILE_UNWRITABLE', 'No space left on device')
      },
    } as Partial<Files> as Files
    const journal = { write: (...entry: unknown[]) => told.push(entry) }
    await new FileEventLog({ files, clock, journal, path: '/f' }).write('renewed', {})
    expect(told).toEqual([
      [
        'warn',
        'event-log-unwritable',
        '/f takes no lines: No space left on device',
        { code: 'FILE_UNWRITABLE' },
      ],
    ])
  })
})
