import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SyslogLog, type SyslogPlace } from '../../../src/node/ports/syslog-log.js'
import type { LogEntry } from '../../../src/node/ports/system-log.js'
import { describeWithPrograms } from '../../support/programs.js'
import { syslogSink } from '../../support/syslog-sink.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const entry: LogEntry = {
  level: 'warn',
  event: 'renewal-failed',
  message: 'no server could be used',
  fields: { vo: 'alice', none: undefined },
}
const named = (event: string): LogEntry => ({ ...entry, event, fields: {} })
const nothing = () => undefined

describeWithPrograms('SyslogLog and the real logger', ['logger', 'perl'], () => {
  /** What a syslog gets of two entries. */
  async function written(place: SyslogPlace): Promise<string> {
    const { socket, lines } = await syslogSink()
    const log = new SyslogLog(process.pid, { ...place, socket })
    log.send(entry, nothing)
    log.send({ ...entry, level: 'error', event: 'crashed' }, nothing)
    await log.close()
    return (await lines(2)).join('\n')
  }

  it('writes lines as another program and with facility local3 where that is wanted', async () => {
    const got = await written({ tag: 'myproxy-replicate', facility: 'local3' })
    // 19 * 8 + 4: RFC 5424, 6.2.1.
    expect(got).toMatch(
      new RegExp(`^<156>.* myproxy-replicate\\[${process.pid}\\]: renewal-failed`),
    )
  })

  it('writes lines with facility daemon, severity, program and pid', async () => {
    const got = await written({})
    // 3 * 8 + 4, 3 * 8 + 3: RFC 5424, 6.2.1.
    expect(got).toMatch(
      new RegExp(
        `^<28>.* vobox-renewd\\[${process.pid}\\]: renewal-failed: no server .*vo="alice"`,
      ),
    )
    expect(got.split('\n')[1]).toMatch(/^<27>.*: crashed: /)
  })

  it('keeps what is said while syslog is gone, and writes it once, in order, when it is back', async () => {
    const directory = await temporaryDirectory()
    const first = await syslogSink(directory)
    const log = new SyslogLog(1, { socket: first.socket, firstRetryMs: 20 })
    log.send(named('one'), nothing)
    await first.lines(1)
    await first.stop()
    for (const event of ['two', 'three', 'four']) log.send(named(event), nothing)
    const second = await syslogSink(directory)
    await second.lines(3)
    log.send(named('five'), nothing)
    const got = await second.lines(4)
    await log.close()
    expect(got.map((line) => /: (\w+): /.exec(line)?.[1])).toEqual(['two', 'three', 'four', 'five'])
  })

  it('counts what is more than the 3 lines it keeps, and says it when lines are taken again', async () => {
    const directory = await temporaryDirectory()
    const socket = join(directory, 'log')
    const log = new SyslogLog(1, { socket, firstRetryMs: 20, maxWaiting: 3 })
    let lost = 0
    for (let line = 1; line <= 5; line++) log.send(named(`line-${line}`), () => (lost += 1))
    expect(lost).toBe(2)
    const sink = await syslogSink(directory)
    const got = await sink.lines(4)
    await log.close()
    expect(got.slice(0, 3).join()).toMatch(/line-1.*line-2.*line-3/)
    expect(got[3]).toMatch(/^<28>.*: log-lines-lost: syslog took no lines .* lost=2$/)
  })

  it('writes a line of 20,000 bytes as one of 8,000', async () => {
    const { socket, lines } = await syslogSink()
    const log = new SyslogLog(1, { socket })
    log.send({ ...named('long'), message: 'é'.repeat(10_000) }, nothing)
    log.send(named('next'), nothing)
    const [long, next] = await lines(2)
    await log.close()
    expect(long?.length).toBeLessThan(8200)
    expect(next).toContain(': next: ')
  })

  it('does no harm where logger is not there', async () => {
    const log = new SyslogLog(1, { program: '/nowhere/logger' })
    for (let turn = 0; turn < 3; turn++) log.send(entry, nothing)
    await expect(log.close()).resolves.toBeUndefined()
  })
})

describe('a logger that cannot run', () => {
  it('is tried again later and later, not for each line', async () => {
    const directory = await temporaryDirectory()
    const program = join(directory, 'logger')
    const tries = join(directory, 'tries')
    writeFileSync(program, `#!/bin/sh\necho x >> ${tries}\nexit 1\n`)
    chmodSync(program, 0o755)
    const log = new SyslogLog(1, { program, firstRetryMs: 50 })
    const count = () => {
      try {
        return readFileSync(tries, 'utf8').length / 2
      } catch {
        return 0
      }
    }
    for (let line = 0; line < 100; line++) log.send(entry, nothing)
    await expect.poll(count, { timeout: 10_000 }).toBeGreaterThanOrEqual(2)
    expect(count()).toBeLessThan(10)
    await log.close()
    await rm(tries)
  })
})
