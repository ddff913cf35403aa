import { createHash } from 'node:crypto'
import { chmod, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { VoboxError } from '../../../../src/errors.js'
import { CredentialRepository } from '../../../../src/myproxy/server/store/credential-repository.js'
import {
  parseStoredData,
  type StoredData,
} from '../../../../src/myproxy/server/store/stored-data.js'
import { systemClock } from '../../../../src/node/ports/clock.js'
import { nodeFiles } from '../../../../src/node/ports/files.js'
import type { Files } from '../../../../src/ports/files.js'
import { silentJournal } from '../../../../src/ports/journal.js'
import { rejectionOf } from '../../../support/failure.js'
import { temporaryDirectory } from '../../../support/temporary-directory.js'

const ALICE = '/DC=org/CN=alice'
const uid = process.getuid?.() ?? 0
const welcome = () => undefined

const data = (username: string, name?: string, more: Partial<StoredData> = {}) => ({
  username,
  owner: ALICE,
  lifetimeSeconds: 3600,
  ...(name !== undefined && { name }),
  ...more,
})

let directory: string
let repository: CredentialRepository

const repositoryWith = (files: Files) =>
  new CredentialRepository({
    files,
    clock: systemClock,
    journal: silentJournal,
    directory,
    owners: [uid],
  })

beforeEach(async () => {
  directory = join(await temporaryDirectory(), 'store')
  repository = repositoryWith(nodeFiles)
  await repository.open()
})

/** Stores text where PEM would be: the repository does not look inside. */
const store = (
  who: ReturnType<typeof data>,
  creds: string,
  into: CredentialRepository = repository,
) => into.store(who, Buffer.from(creds), welcome)

const found = async (username: string, name?: string) =>
  (await repository.find(username, name))?.creds.toString()

/** Names of the files but for the lock and the lists of the quota. */
const filesThere = async () =>
  (await readdir(directory)).filter((name) => name !== '.lock' && name !== '.owners').sort()

const mode = async (path: string) => (await stat(path)).mode & 0o777

describe('CredentialRepository', () => {
  it('makes its directory 0700 and keeps its files 0600', async () => {
    await store(data('alice'), 'key')
    expect(await mode(directory)).toBe(0o700)
    expect(await mode(join(directory, 'alice.creds'))).toBe(0o600)
    expect(await mode(join(directory, 'alice.data'))).toBe(0o600)
  })

  it('refuses a directory that others can look into', async () => {
    await chmod(directory, 0o750)
    const error = await rejectionOf(repository.open())
    expect(error.code).toBe('FILE_UNSAFE')
    expect(error.data).toMatchObject({ path: directory, mode: 0o750 })
    expect(error.hint).toContain('chmod 700')
  })

  it('finds each credential of a user by its name, and nothing under another', async () => {
    await store(data('alice'), 'default')
    await store(data('alice', 'grid'), 'named')
    expect(await found('alice')).toBe('default')
    expect(await found('alice', 'grid')).toBe('named')
    expect(await found('alice', 'Grid')).toBeUndefined()
    expect(await found('bob')).toBeUndefined()
  })

  it('tells user `a` with `b-c` from user `a-b` with `c`, though their files are called alike', async () => {
    await store(data('a', 'b-c'), 'first')
    expect(await found('a-b', 'c')).toBeUndefined()
    await store(data('a-b', 'c'), 'second')
    expect(await found('a', 'b-c')).toBe('first')
    expect(await found('a-b', 'c')).toBe('second')
    expect((await repository.list('a')).map((entry) => entry.creds.toString())).toEqual(['first'])
    expect((await repository.list('a-b')).map((entry) => entry.creds.toString())).toEqual([
      'second',
    ])
    expect(await repository.remove('a', 'b-c', welcome)).toBe(true)
    expect(await found('a-b', 'c')).toBe('second')
  })

  it.each([
    ['an absurd lifetime', { lifetimeSeconds: 999_999_999_999_999 }],
    ['an end in its description', { description: 'x\u2028END_OPTIONS' }],
  ])('lets nobody take the file name of another DN with %s', async (_name, more) => {
    // The C server's name for what alice stores under her DN; eve asks for it literally.
    const taken = createHash('md5').update(ALICE).digest('hex')
    await store(data(taken, undefined, { owner: '/DC=org/CN=eve', ...more }), 'of eve')
    await store(data(ALICE), 'of alice')
    expect(await found(ALICE)).toBe('of alice')
    expect(await found(taken)).toBe('of eve')
  })

  it('refuses a credential of 600,000 bytes, which could not be read again', async () => {
    const error = await rejectionOf(store(data('alice'), 'x'.repeat(600_000)))
    expect(error.code).toBe('MESSAGE_TOO_LARGE')
    expect(error.data).toEqual({ bytes: 600_000, maxBytes: 524_288 })
    expect(await filesThere()).toEqual([])
  })

  it('lists a user’s credentials, the default one first, then by name', async () => {
    for (const name of ['z', undefined, 'a']) await store(data('alice', name), name ?? '')
    await store(data('alice-smith'), 'somebody else’s')
    expect((await repository.list('alice')).map((entry) => entry.data.name)).toEqual([
      undefined,
      'a',
      'z',
    ])
  })

  it('replaces what its owner stores again, and keeps no copy of the old key', async () => {
    await store(data('alice'), 'old')
    await store(data('alice', undefined, { lifetimeSeconds: 7200 }), 'new')
    const entry = await repository.find('alice', undefined)
    expect(entry?.creds.toString()).toBe('new')
    expect(entry?.data.lifetimeSeconds).toBe(7200)
    expect(await filesThere()).toEqual(['alice.creds', 'alice.data'])
  })

  it('changes nothing when it is not admitted', async () => {
    await store(data('alice'), 'old')
    const refuse = (existing: StoredData | undefined) => {
      throw new VoboxError('MYPROXY_NOT_OWNER', `owned by ${existing?.owner}`)
    }
    const stored = rejectionOf(repository.store(data('alice'), Buffer.from('new'), refuse))
    expect(await stored).toMatchObject({ code: 'MYPROXY_NOT_OWNER', message: `owned by ${ALICE}` })
    const removed = rejectionOf(repository.remove('alice', undefined, refuse))
    expect((await removed).code).toBe('MYPROXY_NOT_OWNER')
    expect(await found('alice')).toBe('old')
  })

  it('removes key and data, and says whether there was something', async () => {
    await store(data('alice'), 'key')
    expect(await repository.remove('alice', undefined, welcome)).toBe(true)
    expect(await repository.remove('alice', undefined, welcome)).toBe(false)
    expect(await filesThere()).toEqual([])
  })

  it('loses none of 20 credentials stored at once', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`)
    await Promise.all(names.map((name) => store(data('alice', name), name)))
    expect(await repository.list('alice')).toHaveLength(20)
  })

  it('reads what the C server wrote, and binds it to its key before it replaces it', async () => {
    const text = `OWNER=${ALICE}\nLIFETIME=60\nUSERNAME=alice\nEND_OPTIONS\n`
    await writeFile(join(directory, 'alice.data'), text, { mode: 0o600 })
    await writeFile(join(directory, 'alice.creds'), 'from the C server', { mode: 0o600 })
    expect(await found('alice')).toBe('from the C server')
    await store(data('alice'), 'ours')
    expect(await found('alice')).toBe('ours')
    const written = parseStoredData(await readFile(join(directory, 'alice.data')))
    expect(written.fingerprint).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('CredentialRepository, with a hand in its directory', () => {
  it('does not follow a link that stands where a key should', async () => {
    await store(data('alice'), 'key')
    await writeFile(join(directory, 'elsewhere'), 'other key', { mode: 0o600 })
    await nodeFiles.remove(join(directory, 'alice.creds'))
    await symlink('elsewhere', join(directory, 'alice.creds'))
    const error = await rejectionOf(repository.find('alice', undefined))
    expect(error.code).toBe('FILE_UNSAFE')
  })

  it('does not believe a key that others could have read', async () => {
    await store(data('alice'), 'key')
    await chmod(join(directory, 'alice.creds'), 0o644)
    expect((await rejectionOf(repository.find('alice', undefined))).code).toBe('FILE_UNSAFE')
  })

  it('does not pair data with a key that is not its own', async () => {
    await store(data('alice'), 'key')
    await writeFile(join(directory, 'alice.creds'), 'another key', { mode: 0o600 })
    const error = await rejectionOf(repository.find('alice', undefined))
    expect(error.code).toBe('MYPROXY_STORE_MALFORMED')
    expect(error.data).toEqual({ stem: 'alice' })
  })

  it('lists the sound credentials of a user beside a broken one, and says so in the log', async () => {
    const events: string[] = []
    const journal = { write: (_level: string, event: string) => void events.push(event) }
    await store(data('alice'), 'sound')
    await store(data('alice', 'broken'), 'key')
    await writeFile(join(directory, 'alice-broken.data'), 'OWNER=', { mode: 0o600 })
    const deps = { files: nodeFiles, clock: systemClock, journal, directory, owners: [uid] }
    const listed = await new CredentialRepository(deps).list('alice')
    expect(listed.map((entry) => entry.creds.toString())).toEqual(['sound'])
    expect(events).toEqual(['stored-credential-broken'])
  })

  it('stores nothing over a broken file, since nobody knows whose it was', async () => {
    await writeFile(join(directory, 'alice.data'), 'garbage', { mode: 0o600 })
    const error = await rejectionOf(store(data('alice'), 'key'))
    expect(error.code).toBe('MYPROXY_STORE_MALFORMED')
    expect(await readFile(join(directory, 'alice.data'), 'utf8')).toBe('garbage')
    expect(await readdir(directory)).not.toContain('alice.creds')
  })
})

/** `nodeFiles` that stops, as a killed process does, at its n-th change. */
function filesThatStopAt(change: number): Files {
  let changes = 0
  const counted =
    <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      changes += 1
      if (changes >= change) throw new VoboxError('FILE_UNWRITABLE', 'no space left on device')
      return work(...args)
    }
  return {
    ...nodeFiles,
    replace: counted(nodeFiles.replace),
    remove: counted(nodeFiles.remove),
  }
}

describe('CredentialRepository, stopped between two steps', () => {
  it.each([
    ['before the new key is written', 1, 'old', 60],
    ['between the new key and its data', 2, 'old', 60],
    ['before the old key is removed', 3, 'new', 120],
  ])('shows one whole credential when stopped %s', async (_name, change, creds, lifetime) => {
    await store(data('alice', undefined, { lifetimeSeconds: 60 }), 'old')
    const stopping = repositoryWith(filesThatStopAt(change))
    const replacement = data('alice', undefined, { lifetimeSeconds: 120 })
    expect((await rejectionOf(store(replacement, 'new', stopping))).code).toBe('FILE_UNWRITABLE')
    const entry = await repository.find('alice', undefined)
    expect([entry?.creds.toString(), entry?.data.lifetimeSeconds]).toEqual([creds, lifetime])
  })

  it('still shows the old credential when it is stopped at the same place a second time', async () => {
    await store(data('alice'), 'old')
    for (const attempt of ['new', 'newer']) {
      await rejectionOf(store(data('alice'), attempt, repositoryWith(filesThatStopAt(2))))
      expect(await found('alice')).toBe('old')
    }
    await store(data('alice'), 'newest')
    expect(await found('alice')).toBe('newest')
    expect(await filesThere()).toEqual(['alice.creds', 'alice.data'])
  })

  it.each([1, 2, 3, 4])(
    'shows the old credential of the C server or the new one, stopped at change %i',
    async (change) => {
      const text = `OWNER=${ALICE}\nLIFETIME=60\nUSERNAME=alice\nEND_OPTIONS\n`
      await writeFile(join(directory, 'alice.data'), text, { mode: 0o600 })
      await writeFile(join(directory, 'alice.creds'), 'old', { mode: 0o600 })
      const stopping = repositoryWith(filesThatStopAt(change))
      await rejectionOf(store(data('alice', undefined, { lifetimeSeconds: 120 }), 'new', stopping))
      const entry = await repository.find('alice', undefined)
      const pair = [entry?.creds.toString(), entry?.data.lifetimeSeconds]
      expect(pair).toEqual(change < 4 ? ['old', 60] : ['new', 120])
    },
  )

  it('leaves no key behind a removal that is stopped after its first step', async () => {
    await store(data('alice'), 'key')
    const stopping = repositoryWith(filesThatStopAt(2))
    await rejectionOf(stopping.remove('alice', undefined, welcome))
    expect(await readdir(directory)).not.toContain('alice.creds')
    expect(await found('alice')).toBeUndefined()
    expect(await repository.list('alice')).toEqual([])
    await store(data('alice'), 'new')
    expect(await found('alice')).toBe('new')
  })
})

describe('a quota of 3 credentials an owner', () => {
  const BOB = '/DC=org/CN=bob'
  const withQuota = () =>
    new CredentialRepository({
      files: nodeFiles,
      clock: systemClock,
      journal: silentJournal,
      directory,
      owners: [uid],
      maxPerOwner: 3,
    })
  const fill = async (into: CredentialRepository) => {
    for (const name of ['one', 'two', 'three']) await store(data(name), name, into)
  }

  it('counts what an owner stores under any name, and nothing of others', async () => {
    const limited = withQuota()
    await fill(limited)
    await store(data('bob', undefined, { owner: BOB }), 'of bob', limited)
    const error = await rejectionOf(store(data('four'), 'four', limited))
    expect(error).toMatchObject({ code: 'MYPROXY_REFUSED', persistence: 'permanent' })
    expect(error.message).toContain('You have 3 credentials stored here')
    expect(await found('four')).toBeUndefined()
    expect((await rejectionOf(limited.requireRoom(ALICE))).code).toBe('MYPROXY_REFUSED')
    await limited.requireRoom(BOB)
  })

  it('lets whoever may have any number store a fourth, and counts it for nobody', async () => {
    const limited = withQuota()
    for (const name of ['one', 'two', 'three', 'four']) {
      const options = { anyNumber: true }
      await limited.store(data(name), Buffer.from(name), welcome, options)
    }
    expect(await found('four')).toBe('four')
    await limited.requireRoom(ALICE)
  })

  it('lets what is there be replaced, and leaves room for what was removed', async () => {
    const limited = withQuota()
    await fill(limited)
    await store(data('two'), 'anew', limited)
    expect(await found('two')).toBe('anew')
    expect(await limited.remove('one', undefined, welcome)).toBe(true)
    await store(data('four'), 'four', limited)
    expect((await rejectionOf(store(data('five'), 'five', limited))).code).toBe('MYPROXY_REFUSED')
  })

  it('counts what was there when the server started, and sees what others removed', async () => {
    await fill(repository)
    const limited = withQuota()
    expect((await rejectionOf(store(data('four'), 'four', limited))).code).toBe('MYPROXY_REFUSED')
    await repository.remove('three', undefined, welcome)
    await store(data('four'), 'four', limited)
    expect(await found('four')).toBe('four')
  })
})
