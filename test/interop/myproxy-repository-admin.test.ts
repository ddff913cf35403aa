/** Debian's `myproxy-admin-*` programs at work on the store of a server of ours that runs. */
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CredentialRepository } from '../../src/myproxy/server/store/credential-repository.js'
import { encodeStoredCredential } from '../../src/myproxy/server/store/stored-credential.js'
import type { StoredData } from '../../src/myproxy/server/store/stored-data.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { makeFiles, nodeFiles } from '../../src/node/ports/files.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { silentJournal } from '../../src/ports/journal.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { faultyDisk, systemError } from '../support/faulty-disk.js'
import { describeWithPrograms } from '../support/programs.js'
import { ADMIN_PROGRAMS, admin, adminLoad } from '../support/repository-admin.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const GUARD = { random: systemRandom, passPhraseCost: 1 }
const PASS_PHRASE = 'secret-pass'
const welcome = () => undefined
const owners = [process.getuid?.() ?? 0]

/** A store of ours in `directory`, on a disk of the test's. */
const repositoryIn = (directory: string, files = nodeFiles) =>
  new CredentialRepository({ files, clock: systemClock, journal: silentJournal, directory, owners })

describeWithPrograms('the C tools of an administrator', ADMIN_PROGRAMS, () => {
  let grid: EmbeddedGrid
  /** alice's end-entity certificate with her key as it is, or encrypted. */
  let plain: Buffer
  let encrypted: Buffer

  beforeAll(async () => {
    grid = await startEmbeddedGrid({ key: 'rsa2048' })
    const { credential } = grid.users.alice
    plain = await encodeStoredCredential(credential, '', GUARD)
    encrypted = await encodeStoredCredential(credential, PASS_PHRASE, GUARD)
  })
  afterAll(() => grid.stop())

  const store = (
    username: string,
    name?: string,
    more: Partial<StoredData> = {},
    creds = plain,
  ) => {
    const { dn: owner } = grid.users.alice
    const data = { username, owner, lifetimeSeconds: 3600, ...(name && { name }), ...more }
    return grid.repository.store(data, creds, welcome)
  }
  const query = (...args: string[]) => {
    const { trustDirectory } = grid
    return admin('myproxy-admin-query', grid.storeDirectory, args, { trustDirectory }).said
  }
  const asAlice = async (program: string, args: readonly string[], input = '') => {
    const { exitCode, stdout, stderr } = await grid.run(program, args, {
      as: grid.users.alice,
      input,
    })
    return { exitCode, said: `${stdout}\n${stderr}` }
  }
  const logon = (username: string, passPhrase: string) => {
    const args = ['-S', '-l', username, '-t', '1', '-o', join(grid.directory, 'got')]
    return asAlice('myproxy-logon', args, passPhrase)
  }

  it('are shown everything that is stored, by user, name, owner and time', async () => {
    await store('shown', undefined, { description: 'a first one' })
    await store('shown', 'grid/x', { renewer: '*/CN=vobox.example.org' })
    await store('other', undefined, { owner: grid.users.eve.dn })
    const all = query()
    expect(all).toMatch(/username: shown\n {2}description: a first one/)
    expect(all).toMatch(/name: grid\/x\s+renewal policy: \*\/CN=vobox\.example\.org/)
    expect(all).toContain('username: other')

    expect(query('-l', 'other')).toContain(`owner: ${grid.users.eve.dn}`)
    expect(query('-l', 'other')).not.toContain('shown')
    expect(query('-k', 'grid/x').match(/username:/g)).toHaveLength(1)
    expect(query('-o', grid.users.eve.dn).match(/username:/g)).toHaveLength(1)
    expect(query('-l', 'shown', '-t', '1').match(/username:/g)).toHaveLength(2)
    expect(query('-l', 'shown', '-e', '1')).toContain('No credentials found')
    expect(query('-l', 'shown', '-i')).toContain('No credentials found')
    expect(query('-l', 'nobody')).toContain('No credentials found')
  })

  it('lock a credential, which the server then gives to nobody in their words, and unlock it', async () => {
    await store('locked', undefined, {}, encrypted)
    expect(query('-l', 'locked', '-L', 'under review')).toContain('locked.')
    const refused = await logon('locked', PASS_PHRASE)
    expect(refused.exitCode).not.toBe(0)
    expect(refused.said).toContain('under review')
    expect((await asAlice('myproxy-info', ['-l', 'locked'])).said).toContain('under review')
    expect(query('-l', 'locked', '-U')).toContain('unlocked.')
    const got = await logon('locked', PASS_PHRASE)
    expect(got.exitCode, got.said).toBe(0)
  })

  it('remove a credential, which the server then has no more', async () => {
    await store('removed', 'a')
    await store('removed', 'b')
    expect(query('-l', 'removed', '-k', 'a', '-r')).toContain('removed.')
    const left = await grid.repository.list('removed')
    expect(left.map(({ data }) => data.name)).toEqual(['b'])
    const shown = await asAlice('myproxy-info', ['-l', 'removed'])
    expect(shown.said).not.toContain('name: a')
  })

  it('change a pass phrase, take it away and set one, as the server then asks for it', async () => {
    await store('changed', undefined, { description: 'kept' }, encrypted)
    const change = (from: string, to: string) =>
      admin('myproxy-admin-change-pass', grid.storeDirectory, ['-l', 'changed', '-S'], {
        input: `${from}\n${to}\n`,
      })
    const steps = [
      [PASS_PHRASE, 'second-secret'],
      ['second-secret', ''],
      ['', 'third-secret'],
    ] as const
    for (const [from, to] of steps) {
      const changed = change(from, to)
      expect(changed.exitCode, changed.said).toBe(0)
      const entry = await grid.repository.find('changed', undefined)
      expect(entry?.data).toMatchObject({ description: 'kept', lifetimeSeconds: 3600 })
    }
    expect((await logon('changed', PASS_PHRASE)).said).toContain('invalid')
    const got = await logon('changed', 'third-secret')
    expect(got.exitCode, got.said).toBe(0)
    // And what they wrote can be replaced by us.
    await store('changed', undefined, { description: 'anew' }, encrypted)
    expect(query('-l', 'changed')).toContain('description: anew')
  })

  it('load a credential, which the server then serves', async () => {
    const { certificatePath, keyPath } = grid.users.alice
    const pair = ['-c', certificatePath, '-y', keyPath]
    const options = [
      '-l',
      'loaded',
      '-k',
      'n',
      '-K',
      'by hand',
      '-t',
      '24',
      '-R',
      'vobox.example.org',
    ]
    const loaded = await adminLoad(grid.storeDirectory, [...pair, ...options])
    expect(loaded.exitCode, loaded.said).toBe(0)
    const entry = await grid.repository.find('loaded', 'n')
    expect(entry?.data).toMatchObject({
      owner: grid.users.alice.dn,
      lifetimeSeconds: 86_400,
      renewer: '*/CN=vobox.example.org',
    })
    const shown = await asAlice('myproxy-info', ['-l', 'loaded'])
    expect(shown.said).toMatch(/name: n\s+description: by hand/)
  })

  it('never take the credential of one user for that of another with the same file name', async () => {
    await store('a', 'b-c', { owner: grid.users.alice.dn })
    await store('a-b', 'c', { owner: grid.users.eve.dn })
    expect(query('-o', grid.users.eve.dn, '-k', 'c', '-r')).toContain('No credentials found')
    expect(query('-l', 'a', '-k', 'b-c')).toContain('name: b-c')
    const both = [await grid.repository.find('a', 'b-c'), await grid.repository.find('a-b', 'c')]
    expect(both.map((entry) => entry?.data.owner)).toEqual([grid.users.alice.dn, grid.users.eve.dn])
  })

  it('see a whole credential at every step at which ours is cut short', async () => {
    const parent = await temporaryDirectory()
    const data = { username: 'cut', owner: grid.users.alice.dn, lifetimeSeconds: 3600 }
    const looks: string[] = []
    for (let step = 1, died = true; died && step < 200; step += 1) {
      const directory = join(parent, String(step))
      const before = repositoryIn(directory)
      await before.open()
      await before.store(data, plain, welcome)
      let made = 0
      const disk = faultyDisk(() => {
        made += 1
        if (made >= step) throw systemError('EIO')
      })
      await repositoryIn(directory, makeFiles(disk))
        .store(data, encrypted, welcome)
        .catch(() => undefined)
      died = made >= step
      looks.push(admin('myproxy-admin-query', directory, []).said)
    }
    expect(looks.length).toBeGreaterThan(15)
    for (const look of looks) {
      expect(look).toContain(`owner: ${grid.users.alice.dn}\nusername: cut\n  timeleft:`)
    }
  })

  it('pass over what is ours alone: the lock, the lists of owners and a key that was kept', async () => {
    await store('beside')
    await writeFile(join(grid.storeDirectory, '.beside.previous'), 'kept', { mode: 0o600 })
    expect(await readdir(grid.storeDirectory)).toEqual(
      expect.arrayContaining(['.lock', '.owners', '.beside.previous']),
    )
    expect(query('-l', 'beside').match(/username:/g)).toHaveLength(1)
    expect(query()).not.toMatch(/rror|nable/)
  })
})
