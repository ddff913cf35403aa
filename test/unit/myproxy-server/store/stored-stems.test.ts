import { describe, expect, it } from 'vitest'
import { StoredStems } from '../../../../src/myproxy/server/store/stored-stems.js'
import type { FileFacts } from '../../../../src/ports/files.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { MemoryFiles } from '../../../support/memory-files.js'

const DIRECTORY = '/store'

/** A directory whose time of change moves in ticks of a second, as on old file systems. */
class TickingDirectory extends MemoryFiles {
  listed = 0
  #changedMs = 0
  readonly #clock: FakeClock

  constructor(clock: FakeClock) {
    super(clock)
    this.#clock = clock
  }

  override async facts(): Promise<FileFacts> {
    const tickMs = this.#changedMs
    const times = { modifiedMs: tickMs, changedMs: tickMs }
    return { kind: 'directory', sizeBytes: 0, uid: 0, gid: 0, mode: 0o700, inode: 1, ...times }
  }

  override async list(directory: string): Promise<string[]> {
    this.listed += 1
    const names = await super.list(directory)
    await new Promise((resolve) => setImmediate(resolve))
    return names
  }

  async put(...names: string[]): Promise<void> {
    this.#changedMs = Math.floor(this.#clock.monotonicMs() / 1000) * 1000
    for (const name of names) {
      await this.replace(`${DIRECTORY}/${name}`, Buffer.from(''), { mode: 0o600 })
    }
  }
}

const scene = async (...names: string[]) => {
  const clock = new FakeClock()
  const files = new TickingDirectory(clock)
  await files.put(...names)
  return { clock, files, stems: new StoredStems({ files, clock, directory: DIRECTORY }) }
}

describe('StoredStems', () => {
  it('finds what starts with a name and a dash, and nothing that only starts alike', async () => {
    const names = ['a.data', 'a-x.data', 'a-y.data', 'a-y.creds', 'ab.data', 'a.lock', '.a.data']
    const { stems, clock } = await scene(...names)
    for (const ms of [0, 3000, 1]) {
      await clock.advance(ms)
      expect((await stems.of(['a'])).sort()).toEqual(['a', 'a-x', 'a-y'])
      expect(await stems.of(['b'])).toEqual([])
    }
    expect([...(await stems.all())].sort()).toEqual(['a', 'a-x', 'a-y', 'ab'])
  })

  it('knows the places that C programs cannot find by an ending of their own', async () => {
    const unique = `+${'0f'.repeat(32)}`
    const { stems } = await scene(`${unique}.about`, `${unique}-x.data`, '+plus.data', 'b.about')
    expect((await stems.of([unique, '+plus'])).sort()).toEqual([unique, '+plus'].sort())
  })

  it('reads the names once for 50 questions when nothing changed for 3 s', async () => {
    const { stems, files, clock } = await scene('a.data')
    await stems.of(['a'])
    await clock.advance(3000)
    files.listed = 0
    for (let question = 0; question < 50; question += 1) {
      expect(await stems.of(['a'])).toEqual(['a'])
    }
    expect(files.listed).toBe(1)
  })

  it('sees a change within the same tick as one that it read the names after', async () => {
    const { stems, files, clock } = await scene('a.data')
    expect(await stems.of(['a'])).toEqual(['a'])
    await clock.advance(1)
    await files.put('a-2.data')
    expect((await stems.of(['a'])).sort()).toEqual(['a', 'a-2'])
  })

  it('sees each change of another server at once, kept names or not', async () => {
    const { stems, files, clock } = await scene('a.data')
    for (const [pauseMs, name] of [
      [5000, 'a-1'],
      [10, 'a-2'],
      [9000, 'a-3'],
    ] as const) {
      await stems.of(['a'])
      await clock.advance(pauseMs)
      await stems.of(['a'])
      await files.put(`${name}.data`)
      expect(await stems.of(['a'])).toContain(name)
    }
  })

  it('reads the names twice for 50 questions at once, and misses nothing stored before the last', async () => {
    const { stems, files } = await scene('a.data')
    const first = stems.of(['a'])
    // The first reading runs; it knows nothing of what comes now.
    while (files.listed === 0) await Promise.resolve()
    await files.put('a-2.data')
    const others = Array.from({ length: 49 }, () => stems.of(['a']))
    await first
    for (const found of await Promise.all(others)) expect([...found].sort()).toEqual(['a', 'a-2'])
    expect(files.listed).toBe(2)
  })

  it('believes times with parts of a second after 0.1 s', async () => {
    const { stems, files, clock } = await scene('a.data')
    const facts = await files.facts()
    files.facts = async () => ({ ...facts, modifiedMs: 1234.5 })
    await stems.of(['a'])
    await clock.advance(100)
    files.listed = 0
    for (let question = 0; question < 3; question += 1) await stems.of(['a'])
    expect(files.listed).toBe(1)
  })

  it('asks again after a reading that failed', async () => {
    const { stems, files } = await scene('a.data')
    const list = files.list.bind(files)
    files.list = async () => {
      throw new Error('out of order')
    }
    await expect(stems.of(['a'])).rejects.toThrow('out of order')
    files.list = list
    expect(await stems.of(['a'])).toEqual(['a'])
  })
})
