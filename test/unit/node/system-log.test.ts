import { chmodSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openJournal } from '../../../src/node/ports/journal.js'
import {
  JournaldLog,
  journalEntry,
  type LogEntry,
  syslogLine,
  writesToJournal,
} from '../../../src/node/ports/system-log.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const entry: LogEntry = {
  level: 'warn',
  event: 'renewal-failed',
  message: 'no server could be used',
  fields: {
    vo: 'alice',
    dn: '/CN=a "b"',
    failures: 2,
    none: undefined,
    mailTo: 'x',
    stack: 'a\nb',
  },
}

const reading = (path: string) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** A program that keeps what it is given. */
async function recorder(more = '') {
  const directory = await temporaryDirectory()
  const [program, kept] = [join(directory, 'logger'), join(directory, 'kept')]
  writeFileSync(program, `#!/bin/sh\necho "$@" >>'${kept}'\ncat >>'${kept}'\n${more}\n`)
  chmodSync(program, 0o755)
  return { program, kept: () => reading(kept) }
}

describe('an entry of the log', () => {
  it('is a field a line for the journal, with severity 4 for a warning', () => {
    expect(journalEntry(entry)).toBe(
      [
        'MESSAGE=no server could be used',
        'PRIORITY=4',
        'SYSLOG_IDENTIFIER=vobox-renewd',
        'VOBOX_EVENT=renewal-failed',
        'VOBOX_VO=alice',
        'VOBOX_DN=/CN=a "b"',
        'VOBOX_FAILURES=2',
        'VOBOX_MAIL_TO=x',
        'VOBOX_STACK=a | b',
        '',
      ].join('\n'),
    )
  })

  it('is one line for syslog', () => {
    expect(syslogLine(entry)).toBe(
      '<4>renewal-failed: no server could be used vo="alice" dn="/CN=a \\"b\\"" failures=2 mailTo="x" stack="a\\nb"\n',
    )
  })
})

describe('JournaldLog', () => {
  it('hands over one entry after the other', async () => {
    const { program, kept } = await recorder()
    const log = new JournaldLog(program)
    const lost: string[] = []
    log.send(entry, () => lost.push('first'))
    log.send({ ...entry, event: 'second' }, () => lost.push('second'))
    await log.close()
    expect(lost).toEqual([])
    expect(kept().match(/^(--journald|VOBOX_EVENT=.*)$/gm)).toEqual([
      '--journald',
      'VOBOX_EVENT=renewal-failed',
      '--journald',
      'VOBOX_EVENT=second',
    ])
  })

  it.each([
    ['cannot', 'exit 1'],
    ['is not there', undefined],
  ])('gives every entry back, and tries no more, where logger %s', async (_name, more) => {
    const { program, kept } = await recorder(more)
    const log = new JournaldLog(more === undefined ? `${program}-none` : program)
    const lost: number[] = []
    for (const number of [1, 2, 3]) log.send(entry, () => lost.push(number))
    await log.close()
    expect(lost).toEqual([1, 2, 3])
    expect(kept().match(/--journald/g) ?? []).toHaveLength(more === undefined ? 0 : 1)
  })

  it('takes the place of the descriptor, which gets what is lost', async () => {
    const directory = await temporaryDirectory()
    const [good, bad] = [await recorder(), await recorder('exit 1')]
    for (const { program, kept } of [good, bad]) {
      const path = join(directory, `${program.length}-${kept === good.kept}`)
      const descriptor = openSync(path, 'w')
      const journald = new JournaldLog(program)
      const journal = await openJournal({ descriptor, base: { vo: 'alice' }, journald })
      journal.write('info', 'renewed', 'done', { dn: '/CN=a' })
      journal.write('debug', 'capped', 'not shown')
      await journal.close()
      expect(kept()).toContain('VOBOX_VO=alice\nVOBOX_DN=/CN=a\n')
      expect(kept()).not.toContain('capped')
      expect(reading(path).split('\n').length - 1).toBe(kept === good.kept ? 0 : 1)
    }
  })
})

describe('writesToJournal', () => {
  it('compares device and inode of the descriptor', async () => {
    const descriptor = openSync(join(await temporaryDirectory(), 'out'), 'w')
    const { dev, ino } = fstatSync(descriptor)
    expect(writesToJournal(`${dev}:${ino}`, descriptor)).toBe(true)
    expect(writesToJournal(`${dev}:${ino + 1}`, descriptor)).toBe(false)
    expect(writesToJournal(undefined, descriptor)).toBe(false)
    expect(writesToJournal('8:1', 999_999)).toBe(false)
  })
})
