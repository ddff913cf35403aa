import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { VoboxError } from '../../../../src/errors.js'
import { SeenCredentials } from '../../../../src/myproxy/server/replication/seen-credentials.js'
import { takeSnapshot } from '../../../../src/myproxy/server/replication/snapshot.js'
import { CredentialRepository } from '../../../../src/myproxy/server/store/credential-repository.js'
import { systemClock } from '../../../../src/node/ports/clock.js'
import { nodeFiles } from '../../../../src/node/ports/files.js'
import { asUnixSeconds } from '../../../../src/ports/clock.js'
import type { Files } from '../../../../src/ports/files.js'
import { silentJournal } from '../../../../src/ports/journal.js'
import { VALID_UNTIL } from '../../../support/pki.js'
import { STORED } from '../../../support/replication.js'
import { temporaryDirectory } from '../../../support/temporary-directory.js'

const SEEN = '.vobox-replication-seen.json'
const NOW = asUnixSeconds(VALID_UNTIL - 3600)

let directory: string
let repository: CredentialRepository
/** Stems whose key was read. */
let read: string[]
let log: string[]
/** How long after everything that was written a run takes place, by the clock of the disk. */
let laterMs: number
let refusal: VoboxError | undefined

beforeEach(async () => {
  directory = join(await temporaryDirectory(), 'store')
  read = []
  log = []
  laterMs = 60_000
  refusal = undefined
  const files: Files = {
    ...nodeFiles,
    read: (path, rules) => {
      if (path.endsWith('.creds')) read.push(path.slice(directory.length + 1, -'.creds'.length))
      return nodeFiles.read(path, rules)
    },
  }
  const owners = [process.getuid?.() ?? 0]
  const deps = { files, clock: systemClock, journal: silentJournal, directory, owners }
  repository = new CredentialRepository(deps)
  await repository.open()
  for (const username of ['alice', 'bob', 'carol']) await store(username)
})

const store = (username: string, creds = STORED.one) =>
  repository.store({ username, owner: '/CN=x', lifetimeSeconds: 60 }, creds, () => undefined)

/** A run of a process of its own: what it found, and whose keys it read for that. */
async function run(now = NOW) {
  read.length = 0
  const files: Files = {
    ...nodeFiles,
    async facts(path, options) {
      const facts = await nodeFiles.facts(path, options)
      if (facts === undefined || path !== directory) return facts
      return { ...facts, modifiedMs: facts.modifiedMs + laterMs }
    },
    async replace(...given) {
      if (refusal !== undefined) throw refusal
      await nodeFiles.replace(...given)
    },
  }
  const owners = [process.getuid?.() ?? 0]
  const journal = { write: (_level: string, event: string) => void log.push(event) }
  const source = new SeenCredentials({ repository, files, journal, directory, owners })
  const { present } = await takeSnapshot(source, now)
  return { present, read: [...read].sort() }
}

describe('a run of replication', () => {
  it('reads 3 credentials at first, none a minute later, and finds the same', async () => {
    const first = await run()
    expect([first.present.size, first.read]).toEqual([3, ['alice', 'bob', 'carol']])
    expect(await run()).toEqual({ present: first.present, read: [] })
    expect((await stat(join(directory, SEEN))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(directory, SEEN), 'utf8')).not.toContain('PRIVATE KEY')
  })

  it.each<[string, () => Promise<unknown>]>([
    ['stored again with another key', () => store('bob', STORED.two)],
    ['stored again, the same', () => store('bob')],
    ['locked', () => writeFile(join(directory, 'bob.lock'), 'stolen', { mode: 0o600 })],
    ['added', () => store('dave')],
  ])('reads 1 of 3 that was %s, and finds what a first run would', async (_what, change) => {
    await run()
    await change()
    const { present, read: again } = await run()
    expect(again).toHaveLength(1)
    await rm(join(directory, SEEN))
    expect(present).toEqual((await run()).present)
  })

  it('does not know any more what was removed', async () => {
    await run()
    await repository.remove('bob', undefined, () => undefined)
    expect((await run()).present.size).toBe(2)
    expect(await readFile(join(directory, SEEN), 'utf8')).not.toContain('bob')
    expect((await run()).read).toEqual([])
  })

  it('calls expired what it knows from before, an hour and a second later', async () => {
    const withheld = async (now: number) =>
      [...(await run(asUnixSeconds(now))).present.values()].map((one) => one.withheld)
    expect(await withheld(VALID_UNTIL - 1)).toEqual([undefined, undefined, undefined])
    expect(await withheld(VALID_UNTIL)).toEqual(['expired', 'expired', 'expired'])
    expect(read).toEqual([])
  })

  it('reads again what was written in the 3 s before: another key may follow in the same tick', async () => {
    laterMs = 0
    await run()
    expect((await run()).read).toEqual(['alice', 'bob', 'carol'])
    laterMs = 60_000
    await run()
    expect((await run()).read).toEqual([])
  })

  it.each<[string, (path: string) => Promise<unknown>]>([
    ['is gone', (path) => rm(path)],
    ['is cut off', async (path) => writeFile(path, (await readFile(path)).subarray(0, 90))],
    ['is of another version', (path) => writeFile(path, '{"version":2,"seen":[]}')],
    ['can be written by others', (path) => chmod(path, 0o666)],
  ])('reads everything when the file of the last run %s', async (_what, damage) => {
    const { present } = await run()
    await damage(join(directory, SEEN))
    expect(await run()).toEqual({ present, read: ['alice', 'bob', 'carol'] })
  })

  it('goes on where that file cannot be written, and says so', async () => {
    refusal = new VoboxError('FILE_UNWRITABLE', 'the disk is full')
    expect((await run()).present.size).toBe(3)
    expect(log).toEqual(['replication-seen-unwritable'])
  })
})
