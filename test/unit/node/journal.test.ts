import { closeSync, constants, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openJournal } from '../../../src/node/ports/journal.js'
import { LineSink } from '../../../src/node/ports/line-sink.js'
import { execFileSync } from '../../support/bounded.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

/** A journal on a file, and what stands in it by now. */
async function journalOnFile(level?: 'debug' | 'warn') {
  const path = join(await temporaryDirectory(), 'journal')
  const descriptor = openSync(path, 'a')
  onTestFinished(() => closeSync(descriptor))
  const journal = await openJournal({
    descriptor,
    base: { vo: 'alice' },
    ...(level === undefined ? {} : { level }),
  })
  const entries = async () => {
    await journal.close()
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }
  return { journal, entries }
}

describe('openJournal', () => {
  it('writes one JSON object a line with level, time, event and fields', async () => {
    const { journal, entries } = await journalOnFile()
    journal.write('info', 'proxy-renewed', 'Renewed', { secondsLeft: 172_800, forced: false })
    journal.write('error', 'renewal-failed', 'Failed')

    expect(await entries()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        vo: 'alice',
        event: 'proxy-renewed',
        message: 'Renewed',
        secondsLeft: 172_800,
        forced: false,
      },
      expect.objectContaining({ level: 'error', event: 'renewal-failed' }),
    ])
  })

  it('leaves out what is below its level', async () => {
    const { journal, entries } = await journalOnFile('warn')
    for (const level of ['debug', 'info', 'warn', 'error'] as const) journal.write(level, 'e', 'm')

    expect((await entries()).map(({ level }) => level)).toEqual(['warn', 'error'])
  })

  it('strips control characters from message and fields', async () => {
    const { journal, entries } = await journalOnFile()
    journal.write('info', 'event', 'a\u001b[31mb\nc', { serverMessage: 'x\r\ny\u0000' })

    expect((await entries())[0]).toMatchObject({ message: 'a [31mb c', serverMessage: 'x y ' })
  })

  it('neither fails nor hangs when its reader is gone', async () => {
    const journal = await openJournal({ descriptor: 999_999 })
    for (let i = 0; i < 100; i++) journal.write('info', 'event', 'nobody reads this')
    await journal.close()
  })
})

describe('LineSink', () => {
  it('gives a full pipe that nobody reads up, and drops what is too much', async () => {
    // A pipe that does not block: its reading end is ours and is never read.
    const fifo = join(await temporaryDirectory(), 'fifo')
    execFileSync('mkfifo', [fifo])
    // It stays open: the sink goes on trying, and its number must not become that of another file.
    const descriptor = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
    const sink = new LineSink(descriptor)
    const line = `${'x'.repeat(99)}\n`
    for (let i = 0; i < 9000; i++) sink.write(line)
    await sink.drain(50)
    for (let i = 0; i < 10_100; i++) sink.write(line)
    await sink.drain(100)
    expect(sink.dropped).toBe(100)
  })

  it('keeps the order of 1000 lines written at once', async () => {
    const path = join(await temporaryDirectory(), 'lines')
    const descriptor = openSync(path, 'a')
    onTestFinished(() => closeSync(descriptor))
    const sink = new LineSink(descriptor)
    const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`)
    for (const line of lines) sink.write(line)
    await sink.drain(5000)

    expect(readFileSync(path, 'utf8')).toBe(lines.join(''))
    expect(sink.dropped).toBe(0)
  })
})
