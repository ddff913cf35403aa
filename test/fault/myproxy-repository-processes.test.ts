/** A store of credentials that several processes share, of which some are killed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { CredentialRepository } from '../../src/myproxy/server/store/credential-repository.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import type { Journal } from '../../src/ports/journal.js'
import { spawnSync } from '../support/bounded.js'
import { bundleScript } from '../support/bundled-script.js'
import {
  REPOSITORY_CHANGES,
  STATES,
  stateOf,
  storedOf,
  workOn,
} from '../support/repository-changes.js'
import { repositoryWorkers } from '../support/repository-workers.js'
import { storedEntries } from '../support/stored-entries.js'
import { makeTemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.js'

const DEADLINE_MS = 60_000

let script: string
let scripts: { path: string; remove(): Promise<void> }
let directory: string
let repository: CredentialRepository
/** What our own repository found broken. */
let broken: string[]

beforeAll(async () => {
  scripts = await makeTemporaryDirectory()
  script = await bundleScript('repository-in-process.ts', scripts.path)
})
afterAll(() => scripts.remove())

const repositoryIn = (path: string) => {
  const journal: Journal = { write: (_level, event) => void broken.push(event) }
  const owners = [process.getuid?.() ?? 0]
  const deps = { files: nodeFiles, clock: systemClock, journal, owners }
  return new CredentialRepository({ ...deps, directory: path })
}

beforeEach(async () => {
  broken = []
  directory = join(await temporaryDirectory(), 'store')
  repository = repositoryIn(directory)
  await repository.open()
})

describe('4 processes on one store', () => {
  it('lose none of 40 credentials stored and 20 removed at once, which a fifth one watches', async () => {
    let working = true
    const watching = (async () => {
      const seen = new Set<string>()
      while (working)
        for await (const { creds } of storedEntries(repository)) seen.add(String(creds))
      return seen
    })()
    const outputs = await repositoryWorkers(script, [directory], 'store', 10)
    working = false
    expect(outputs).toEqual(['done', 'done', 'done', 'done'])

    const odd = [1, 3, 5, 7, 9]
    const expected = ['a', 'b', 'c', 'd'].flatMap((name) => odd.map((i) => `key ${name} ${i}`))
    const stored: string[] = []
    for await (const { creds } of storedEntries(repository)) stored.push(String(creds))
    expect(stored.sort()).toEqual(expected.sort())
    // No half of a pair was ever read.
    for (const key of await watching) expect(key).toMatch(/^key [abcd] \d+$/)
    expect(broken).toEqual([])
  })

  it('take 15 credentials of one owner in all, which is as many as each of them allows', async () => {
    const taken = await repositoryWorkers(script, [directory], 'fill', 6)
    expect(taken.map(Number).reduce((sum, count) => sum + count)).toBe(15)
    expect(await repository.stamps()).toHaveProperty('size', 15)
  })

  it('see what another one stored, replaced and removed with the next look', async () => {
    const other = repositoryIn(directory)
    expect(await repository.list('alice')).toEqual([])
    await workOn(other, 'create', 'alice')
    expect(await repository.list('alice')).toHaveLength(1)
    await other.store(storedOf('alice', 777), Buffer.from('newer'), () => undefined)
    expect(await stateOf(repository, 'alice')).toBe('newer 777')
    await workOn(other, 'remove', 'alice')
    expect(await repository.list('alice')).toEqual([])
    expect(await stateOf(repository, 'alice')).toBeUndefined()
  })
})

describe('a process killed by SIGKILL', () => {
  it('holds up others by its lock as long as it lives, and frees it within 5 s', async () => {
    const holder = spawn(process.execPath, [script, 'hold', directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: DEADLINE_MS,
    })
    onTestFinished(() => void holder.kill('SIGKILL'))
    await once(holder.stdout, 'data')
    const waiting = workOn(repository, 'create', 'alice')
    await Promise.race([waiting, sleep(200)])
    expect(await stateOf(repository, 'alice')).toBeUndefined()
    const killedAt = performance.now()
    holder.kill('SIGKILL')
    await waiting
    expect(performance.now() - killedAt).toBeLessThan(5000)
    expect(await stateOf(repository, 'alice')).toBe(STATES.create[1])
  })

  // Each single step is walked through in test/unit, within a process; here it really dies.
  it.each(REPOSITORY_CHANGES)(
    'in the middle of `%s` leaves the old or the new one',
    async (change) => {
      const [before, after] = STATES[change]
      const seen = new Set<string | undefined>()
      for (const step of [5, 17, 29, 41]) {
        const name = `alice${step}`
        if (before !== undefined) {
          await repository.store(storedOf(name), Buffer.from('old'), () => undefined)
        }
        const args = [script, change, directory, name, String(step)]
        const { signal, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
        const found = await stateOf(repository, name)
        expect([before, after]).toContain(found)
        if (signal === 'SIGKILL') seen.add(found)
        else expect([String(stdout), found]).toEqual(['done', after])
        await workOn(repositoryIn(directory), found === before ? change : 'remove', name)
      }
      expect(seen.has(before)).toBe(true)
    },
  )
})
