import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeFiles } from '../../src/node/ports/files.js'
import { spawnSync } from '../support/bounded.js'
import { bundleScript } from '../support/bundled-script.js'
import { faultyDisk, systemError } from '../support/faulty-disk.js'
import { registration, registryBelow } from '../support/registry.js'
import { makeTemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.js'

let scripts: { path: string; remove(): Promise<void> }
let script: string

beforeAll(async () => {
  scripts = await makeTemporaryDirectory()
  script = await bundleScript('killed-in-process.ts', scripts.path)
})
afterAll(() => scripts.remove())

/** A registry of `alice` and `bob` in a directory of its own. */
async function registryOfTwo() {
  const root = await temporaryDirectory()
  const made = registryBelow(root)
  await made.registry.update('alice', () => registration('alice'))
  await made.registry.update('bob', () => registration('bob'))
  return { ...made, root }
}

const namesBelow = async (root: string) => [...(await registryBelow(root).registry.all()).keys()]

describe('a registry whose writer is killed', () => {
  it('before any step holds the registrations before or after, and its lock is free', async () => {
    const seen = new Set<string>()
    for (let step = 1; ; step++) {
      const { root } = await registryOfTwo()
      const args = [script, 'register', root, String(step)]
      const { stdout, signal } = spawnSync(process.execPath, args, { encoding: 'utf8' })
      const names = (await namesBelow(root)).join(' ')
      seen.add(names)

      const { registry } = registryBelow(root)
      await registry.update('carol', () => registration('carol'))
      expect(await namesBelow(root)).toEqual([...names.split(' '), 'carol'])
      expect(registry.takeWarnings()).toEqual([])
      if (stdout === 'done') break
      expect(signal).toBe('SIGKILL')
      expect(step).toBeLessThan(40)
    }
    expect([...seen].sort()).toEqual(['alice bob', 'alice bob new'])
  }, 120_000)
})

describe('a registry on a disk that fails', () => {
  it.each([
    ['writeFile', 'ENOSPC'],
    ['sync', 'EIO'],
    ['rename', 'EIO'],
  ])(
    'is unchanged in memory and on disk when %s fails with %s, and works again later',
    async (step, errno) => {
      const { root, paths } = await registryOfTwo()
      const before = readFileSync(paths.registry)
      let broken = false
      const files = makeFiles(
        faultyDisk(({ name }) => {
          if (broken && name === step) throw systemError(errno)
        }),
      )
      const { registry } = registryBelow(root, files)
      expect((await registry.all()).size).toBe(2)

      broken = true
      await expect(registry.update('carol', () => registration('carol'))).rejects.toMatchObject({
        code: 'FILE_UNWRITABLE',
        data: { path: paths.registry, errno },
      })
      expect([...(await registry.all()).keys()]).toEqual(['alice', 'bob'])
      expect(readFileSync(paths.registry)).toEqual(before)

      broken = false
      await registry.update('carol', () => registration('carol'))
      expect(await namesBelow(root)).toEqual(['alice', 'bob', 'carol'])
    },
  )
})
