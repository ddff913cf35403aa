/** What other parts of the server ask of the repository: a key rewritten, all that is stored, what changed. */
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { CredentialRepository } from '../../../../src/myproxy/server/store/credential-repository.js'
import { systemClock } from '../../../../src/node/ports/clock.js'
import { nodeFiles } from '../../../../src/node/ports/files.js'
import type { Files } from '../../../../src/ports/files.js'
import { silentJournal } from '../../../../src/ports/journal.js'
import { storedEntries } from '../../../support/stored-entries.js'
import { temporaryDirectory } from '../../../support/temporary-directory.js'

const uid = process.getuid?.() ?? 0
let directory: string
let repository: CredentialRepository

beforeEach(async () => {
  directory = join(await temporaryDirectory(), 'store')
  const deps = {
    files: nodeFiles,
    clock: systemClock,
    journal: silentJournal,
    directory,
    owners: [uid],
  }
  repository = new CredentialRepository(deps)
  await repository.open()
})

const store = (username: string, creds: string, lifetimeSeconds = 60) => {
  const data = { username, owner: '/DC=org/CN=alice', lifetimeSeconds }
  return repository.store(data, Buffer.from(creds), () => undefined)
}

const entryOf = async (username: string) => {
  const entry = await repository.find(username, undefined)
  if (entry === undefined) throw new Error(`nothing stored for ${username}`)
  return entry
}

describe('changeKey', () => {
  it('replaces the key and keeps what is known about it, its lock included', async () => {
    await store('alice', 'old')
    await writeFile(join(directory, 'alice.lock'), 'under review', { mode: 0o600 })
    const before = await entryOf('alice')
    expect(await repository.changeKey(before, Buffer.from('rewritten'))).toBe(true)
    const after = await entryOf('alice')
    expect(after.creds.toString()).toBe('rewritten')
    expect(after.data).toEqual({ ...before.data, fingerprint: after.data.fingerprint })
    expect(after.lockMessage).toBe('under review')
    expect((await readdir(directory)).filter((name) => name.startsWith('.alice'))).toEqual([])
  })

  it.each([
    ['its key', 'newer', 60],
    ['its lifetime alone', 'old', 120],
  ])('changes nothing when %s was stored anew in between', async (_name, creds, lifetime) => {
    await store('alice', 'old')
    const before = await entryOf('alice')
    await store('alice', creds, lifetime)
    expect(await repository.changeKey(before, Buffer.from('rewritten'))).toBe(false)
    expect((await entryOf('alice')).creds.toString()).toBe(creds)
  })

  it('brings nothing back that was removed in between', async () => {
    await store('alice', 'old')
    const before = await entryOf('alice')
    await repository.remove('alice', undefined, () => undefined)
    expect(await repository.changeKey(before, Buffer.from('rewritten'))).toBe(false)
    expect(await repository.find('alice', undefined)).toBeUndefined()
  })

  it('lets one of 2 changes made at once win, and tells the other', async () => {
    await store('alice', 'old')
    const before = await entryOf('alice')
    const results = await Promise.all(
      ['one', 'two'].map((creds) => repository.changeKey(before, Buffer.from(creds))),
    )
    expect(results.filter(Boolean)).toHaveLength(1)
    const winner = results[0] === true ? 'one' : 'two'
    expect((await entryOf('alice')).creds.toString()).toBe(winner)
  })
})

describe('at', () => {
  it('finds the 2 sound ones of 3 credentials, each with the stem of its files', async () => {
    for (const name of ['alice', 'bob', 'broken']) await store(name, `key of ${name}`)
    await chmod(join(directory, 'broken.creds'), 0o644)
    const seen: Record<string, string> = {}
    for await (const { stem, creds } of storedEntries(repository)) seen[stem] = creds.toString()
    expect(seen).toEqual({ alice: 'key of alice', bob: 'key of bob' })
  })
})

describe('stamps', () => {
  const change = async (what: string) => {
    const lock = join(directory, 'alice.lock')
    if (what === 'stored with another lifetime') await store('alice', 'key', 120)
    if (what === 'its key rewritten')
      await repository.changeKey(await entryOf('alice'), Buffer.from('k'))
    if (what === 'locked') await writeFile(lock, 'why', { mode: 0o600 })
    if (what === 'stored again, the same') await store('alice', 'key')
  }

  it.each([
    'stored with another lifetime',
    'its key rewritten',
    'locked',
    'stored again, the same',
  ])('differ for what was %s, and for nothing else', async (what) => {
    await store('alice', 'key')
    await store('bob', 'key')
    const before = await repository.stamps()
    expect(await repository.stamps()).toEqual(before)
    await change(what)
    const after = await repository.stamps()
    expect([...after.keys()].sort()).toEqual(['alice', 'bob'])
    expect(after.get('bob')).toEqual(before.get('bob'))
    expect(after.get('alice')?.text).not.toBe(before.get('alice')?.text)
  })

  it('hold no stem of what was removed', async () => {
    await store('alice', 'key')
    await repository.remove('alice', undefined, () => undefined)
    expect(await repository.stamps()).toEqual(new Map())
  })
})

/** `nodeFiles` that counts reads of files and of the directory. */
function countingFiles() {
  const counts = { read: 0, list: 0 }
  const files: Files = {
    ...nodeFiles,
    read: (...args) => {
      counts.read += 1
      return nodeFiles.read(...args)
    },
    list: (...args) => {
      counts.list += 1
      return nodeFiles.list(...args)
    },
  }
  return { files, counts }
}

describe('a store of 300 credentials', () => {
  it('costs GET, PUT and INFO of one user what one of 3 credentials costs', async () => {
    const costs: Record<string, { read: number; list: number }>[] = []
    for (const size of [3, 300]) {
      const { files, counts } = countingFiles()
      let nowMs = 0
      const own = join(directory, `of-${size}`)
      const clock = { monotonicMs: () => nowMs }
      const deps = { files, clock, journal: silentJournal, directory: own, owners: [uid] }
      const counted = new CredentialRepository(deps)
      await counted.open()
      for (let i = 0; i < size; i += 1) {
        const text = `OWNER=/DC=org/CN=user${i}\nLIFETIME=60\nUSERNAME=user${i}\nEND_OPTIONS\n`
        await writeFile(join(own, `user${i}.data`), text, { mode: 0o600 })
        await writeFile(join(own, `user${i}.creds`), 'key', { mode: 0o600 })
      }
      const cost = async (work: () => Promise<unknown>) => {
        const before = { ...counts }
        await work()
        return { read: counts.read - before.read, list: counts.list - before.list }
      }
      const data = { username: 'user1', owner: '/DC=org/CN=user1', lifetimeSeconds: 60 }
      const put = await cost(() => counted.store(data, Buffer.from('new'), () => undefined))
      // The directory is seen twice with some time between before what lies in it is remembered.
      await counted.list('user1')
      nowMs += 10_000
      await counted.list('user1')
      costs.push({
        put,
        get: await cost(() => counted.find('user1', undefined)),
        info: await cost(() => counted.list('user1')),
      })
    }
    expect(costs[1]).toEqual(costs[0])
    // `.data`, `.creds` and the look for an administrator's lock.
    expect(costs[1]).toMatchObject({ get: { read: 3, list: 0 }, info: { read: 3, list: 0 } })
  })
})

describe('a user whose name begins those of 250 others', () => {
  const data = (username: string) =>
    `OWNER=/DC=org/CN=a\nLIFETIME=60\nUSERNAME=${username}\nEND_OPTIONS\n`

  it('is found without a look at their keys, and 3 who ask are served one after the other', async () => {
    const { files, counts } = countingFiles()
    const own = join(directory, 'of-atlas')
    let reading = 0
    let most = 0
    const watched: Files = {
      ...files,
      async read(...args) {
        reading += 1
        most = Math.max(most, reading)
        return files.read(...args).finally(() => {
          reading -= 1
        })
      },
    }
    const deps = { clock: systemClock, journal: silentJournal, directory: own, owners: [uid] }
    const repository = new CredentialRepository({ ...deps, files: watched })
    await repository.open()
    for (const name of ['atlas', ...Array.from({ length: 250 }, (_, index) => `atlas-${index}`)]) {
      await writeFile(join(own, `${name}.data`), data(name), { mode: 0o600 })
      await writeFile(join(own, `${name}.creds`), 'key', { mode: 0o600 })
    }
    const asked = Array.from({ length: 3 }, () => repository.list('atlas'))
    const found = (await Promise.all(asked)).flat()
    expect(found.map(({ data: { username } }) => username)).toEqual(['atlas', 'atlas', 'atlas'])
    // The data of all, then the key and the look for a lock of the one.
    expect(counts.read).toBe(3 * (251 + 2))
    expect(most).toBe(1)
  })
})
