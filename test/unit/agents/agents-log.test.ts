import { describe, expect, it } from 'vitest'
import { AgentsLog } from '../../../src/agents/agents-log.js'
import { OutputLines } from '../../../src/agents/output-lines.js'
import { silentJournal } from '../../../src/ports/journal.js'
import { FakeClock } from '../../support/fake-clock.js'
import { diskFull, MemoryFiles } from '../../support/memory-files.js'

const PATH = '/vo/log/agents.log'

function logWith(maxBytes?: number) {
  const clock = new FakeClock()
  const files = new MemoryFiles(clock)
  const log = new AgentsLog({
    files,
    clock,
    journal: silentJournal,
    path: PATH,
    ...(maxBytes !== undefined && { maxBytes }),
  })
  const lines = () =>
    files
      .text(PATH)
      .split('\n')
      .slice(0, -1)
      .map((line) => line.replace('2026-01-01T00:00:00Z ', ''))
  return { clock, files, log, lines }
}

async function* chunks(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text, 'latin1')
}

describe('AgentsLog', () => {
  it('puts the time and the name before each line, however the output is cut into chunks', async () => {
    const { files, log } = logWith()
    await log.record('monitor', chunks('on', 'e\ntwo\n\nfo', 'ur'))
    expect(files.text(PATH)).toBe(
      ['one', 'two', '', 'four'].map((line) => `2026-01-01T00:00:00Z monitor: ${line}\n`).join(''),
    )
    expect((await files.facts(PATH))?.mode).toBe(0o640)
  })

  it('a name with a line feed makes no line of its own', async () => {
    const { log, lines } = logWith()
    await log.note('a\nb', 'started in\npid 1')
    expect(lines()).toEqual(['a b started in pid 1'])
  })

  it('loses what a full disk does not take, says how many lines, and goes on', async () => {
    const { files, log, lines } = logWith()
    files.refuse = () => diskFull(PATH)
    await log.record('monitor', chunks('1\n2\n', '3\n'))
    await log.note('monitor', 'ended with status 0')
    files.refuse = () => undefined
    await log.note('other', 'started in pid 2')
    await log.note('other', 'ended with status 0')
    expect(lines()).toEqual([
      'agents.log lost 4 lines before this',
      'other started in pid 2',
      'other ended with status 0',
    ])
  })

  it('takes nothing more once it has 20 bytes, until it was moved away', async () => {
    const { files, log, lines } = logWith(20)
    await log.note('a', 'started in pid 1')
    await log.note('a', 'ended with status 0')
    expect(lines()).toEqual(['a started in pid 1'])
    await files.remove(PATH)
    await log.note('a', 'started in pid 3')
    expect(lines()).toEqual(['agents.log lost 1 lines before this', 'a started in pid 3'])
  })

  it('keeps 6 of 9 bytes where 6 are the limit, and reads the rest', async () => {
    const { log, lines } = logWith()
    let read = 0
    async function* output() {
      for (const text of ['ab\n', 'cdef', 'gh']) {
        read++
        yield Buffer.from(text)
      }
    }
    await log.record('hook', output(), 6)
    expect(lines()).toEqual([
      'hook: ab',
      'hook: cde',
      'hook wrote more than 6 bytes; the rest is not kept',
    ])
    expect(read).toBe(3)
  })
})

describe('OutputLines', () => {
  const cut = (...texts: Uint8Array[]) => {
    const lines = new OutputLines()
    return [...texts.flatMap((text) => lines.push(text)), ...lines.end()]
  }

  it('decodes a character that two chunks share', () => {
    const bytes = Buffer.from('schön\n')
    expect(cut(bytes.subarray(0, 5), bytes.subarray(5))).toEqual(['schön'])
  })

  it('breaks a line of 4500 characters into 2000, 2000 and 500, with or without an end', () => {
    const line = 'x'.repeat(4500)
    const parts = [2000, 2000, 500]
    expect(cut(Buffer.from(line)).map((part) => part.length)).toEqual(parts)
    expect(cut(Buffer.from(`${line}\n`)).map((part) => part.length)).toEqual(parts)
  })

  it('holds no more than a line of what never ends', () => {
    const lines = new OutputLines()
    const all = Array.from({ length: 100 }, () => lines.push(Buffer.alloc(1000, 'y'))).flat()
    expect(all.join('').length).toBeGreaterThanOrEqual(98_000)
    expect(all.join('').length + lines.end().join('').length).toBe(100_000)
  })

  it('makes escapes and carriage returns harmless', () => {
    expect(cut(Buffer.from('\u001b[2Jgone\u0000\r\nred\u009b31m'))).toEqual([' [2Jgone', 'red 31m'])
  })
})
