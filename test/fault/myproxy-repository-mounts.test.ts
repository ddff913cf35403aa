/**
 * A store of credentials that two hosts share, as over a network: two mounts of one directory, each
 * with names, sizes and times of its own in the cache of the kernel, and locks that only the file
 * system below them knows.
 *
 * The mounts are FUSE (bindfs), which every container may have and NFS not. One thing it cannot show:
 * NFS looks again for a name that it knows not to exist when the directory is opened, and FUSE never
 * does before its time, so that names that are not there are not cached here.
 */
import { existsSync } from 'node:fs'
import { appendFile, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CredentialRepository } from '../../src/myproxy/server/store/credential-repository.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { spawnSync } from '../support/bounded.js'
import { bundleScript } from '../support/bundled-script.js'
import { rejectionOf } from '../support/failure.js'
import { mayMount } from '../support/may-mount.js'
import { describeWithPrograms, findProgram } from '../support/programs.js'
import { stateOf, storedOf } from '../support/repository-changes.js'
import { repositoryWorkers } from '../support/repository-workers.js'
import { storedEntries } from '../support/stored-entries.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

const OPTIONS = [
  ...['--enable-lock-forwarding', '--multithreaded'],
  ...['-o', 'attr_timeout=60,entry_timeout=60,negative_timeout=0'],
]

const mayUseFuse = mayMount && existsSync('/dev/fuse')
if (!mayUseFuse) process.stderr.write('!! NOT RUN, for lack of FUSE: two mounts of one store\n')

describe.runIf(mayUseFuse)('over a network', () =>
  describeWithPrograms('two mounts of one store', ['bindfs'], () => {
    let temporary: Awaited<ReturnType<typeof makeTemporaryDirectory>> | undefined
    let script: string
    /** The directory of the store as each host sees it. */
    let seen: [string, string]
    let repositories: CredentialRepository[]
    const broken: string[] = []

    const mounts = () => ['a', 'b'].map((name) => join(temporary?.path ?? '', name))

    beforeAll(async () => {
      temporary = await makeTemporaryDirectory()
      script = await bundleScript('repository-in-process.ts', temporary.path)
      const real = join(temporary.path, 'real')
      await mkdir(real)
      for (const mount of mounts()) {
        await mkdir(mount)
        const bindfs = findProgram('bindfs') ?? 'bindfs'
        expect(spawnSync(bindfs, [...OPTIONS, real, mount]).status).toBe(0)
      }
      seen = mounts().map((mount) => join(mount, 'store')) as [string, string]
      repositories = seen.map(
        (directory) =>
          new CredentialRepository({
            ...{
              files: nodeFiles,
              clock: systemClock,
              directory,
              owners: [process.getuid?.() ?? 0],
            },
            journal: { write: (_level, event) => void broken.push(event) },
          }),
      )
      for (const repository of repositories) await repository.open()
    })
    afterAll(async () => {
      if (temporary === undefined) return
      for (const mount of mounts()) spawnSync('umount', ['-l', mount])
      await temporary.remove()
    })

    const [A, B] = [0, 1] as const
    const on = (host: number) => repositories[host] as CredentialRepository

    it('is cached for 60 s: a host sees 3 bytes where the other has made 8 of them', async () => {
      const [here, there] = mounts().map((mount) => join(mount, 'cached')) as [string, string]
      await writeFile(here, 'old')
      expect((await stat(there)).size).toBe(3)
      await appendFile(here, ' new!')
      expect([(await stat(here)).size, (await stat(there)).size]).toEqual([8, 3])
    })

    it('keeps a lock of one host from the other', async () => {
      const lock = await nodeFiles.lock(join(seen[A], '.lock'), 1000)
      expect((await rejectionOf(nodeFiles.lock(join(seen[B], '.lock'), 100))).code).toBe(
        'LOCK_TIMEOUT',
      )
      await lock.release()
      await (await nodeFiles.lock(join(seen[B], '.lock'), 5000)).release()
    })

    it('loses none of 20 credentials that 4 processes store and remove, and shows no half of a pair', async () => {
      let working = true
      const watching = [A, B].map(async (host) => {
        const keys = new Set<string>()
        while (working) {
          for await (const { creds } of storedEntries(on(host))) keys.add(String(creds))
        }
        return keys
      })
      const outputs = await repositoryWorkers(script, seen, 'store', 5)
      working = false
      expect(outputs).toEqual(['done', 'done', 'done', 'done'])
      const expected = ['a', 'b', 'c', 'd'].flatMap((name) =>
        [1, 3, 5].map((i) => `key ${name} ${i}`),
      )
      for (const host of [A, B]) {
        const stored: string[] = []
        for await (const { creds } of storedEntries(on(host))) stored.push(String(creds))
        expect(stored.sort()).toEqual(expected)
      }
      for (const keys of await Promise.all(watching)) {
        for (const key of keys) expect(key).toMatch(/^key [abcd] \d$/)
      }
      expect(broken).toEqual([])
    })

    it('shows each host at once what the other stored, replaced and removed', async () => {
      for (const [here, there] of [
        [A, B],
        [B, A],
      ] as const) {
        expect(await stateOf(on(there), 'alice')).toBeUndefined()
        await on(here).store(storedOf('alice'), Buffer.from('first'), () => undefined)
        expect(await stateOf(on(there), 'alice')).toMatch(/^first /)
        await on(here).store(
          storedOf('alice', 777),
          Buffer.from('another, longer'),
          () => undefined,
        )
        expect(await stateOf(on(there), 'alice')).toBe('another, longer 777')
        expect(await on(there).list('alice')).toHaveLength(1)
        await on(here).remove('alice', undefined, () => undefined)
        expect(await stateOf(on(there), 'alice')).toBeUndefined()
        expect(await on(there).list('alice')).toEqual([])
      }
    })
  }),
)
