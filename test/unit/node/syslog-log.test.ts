import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
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

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

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

  it('counts no line as lost that only has in it what logger says of lost ones', async () => {
    const { socket, lines } = await syslogSink()
    const log = new SyslogLog(1, { socket })
    for (const event of ['one', 'two']) {
      log.send({ ...named(event), message: 'user name : send message failed' }, nothing)
      await lines(event === 'one' ? 1 : 2)
    }
    await log.close()
    expect((await lines(2)).map((line) => /: ([\w-]+): /.exec(line)?.[1])).toEqual(['one', 'two'])
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

describe('a logger that has exited and not closed its standard error', () => {
  it('keeps no end waiting, and its 1 line is handed to another', { timeout: 20_000 }, async () => {
    const directory = await temporaryDirectory()
    const [program, pids, got] = ['logger', 'pids', 'got'].map((name) => join(directory, name))
    // What it leaves behind holds the pipe open: `exit` comes, and `close` does not.
    const first = `sleep 60 & echo $$ $! >${pids}.new; mv ${pids}.new ${pids}; exit 0`
    const lines = `#!/bin/sh\nif test -e ${pids}; then exec cat >${got}; fi\n${first}\n`
    writeFileSync(program ?? '', lines, { mode: 0o755 })
    const log = new SyslogLog(1, { program: program ?? '' })
    log.send(named('crashed'), nothing)
    const written = () =>
      readFileSync(pids ?? '', 'utf8')
        .split(' ')
        .map(Number)
    await expect.poll(() => existsSync(pids ?? ''), { timeout: 10_000 }).toBe(true)
    const [shell = 0, left = 0] = written()
    onTestFinished(() => void process.kill(left, 'SIGKILL'))
    // Node takes it away and says `exit` in one go.
    await expect.poll(() => isRunning(shell), { timeout: 10_000 }).toBe(false)
    const ended = await Promise.race([log.close().then(() => 'closed'), delay(5000, 'waits')])
    expect(ended).toBe('closed')
    expect(readFileSync(got ?? '', 'utf8')).toContain('crashed: no server could be used')
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
