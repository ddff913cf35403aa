/**
 * One directory of stored credentials, used by Debian's server and by ours in turn: each finds,
 * opens, replaces and removes what the other stored.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CredentialRepository } from '../../src/myproxy/server/store/credential-repository.js'
import {
  encodeStoredCredential,
  openStoredCredential,
} from '../../src/myproxy/server/store/stored-credential.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { silentJournal } from '../../src/ports/journal.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'

const GUARD = { random: systemRandom, passPhraseCost: 1 }
const PASS_PHRASE = 'secret-pass'
const OTHER_PASS_PHRASE = 'other-secret'
const HOUR = 3600
const welcome = () => undefined
const md5 = (text: string) => createHash('md5').update(text).digest('hex')
const long = (letter: string, bytes: number) => letter.repeat(bytes)

describeWithPrograms('one store of the C server and of ours', MYPROXY_PROGRAMS, () => {
  let grid: RealGrid
  let repository: CredentialRepository

  beforeAll(async () => {
    grid = await startRealGrid({ policy: { default_retrievers: '"*"' } })
    repository = new CredentialRepository({
      files: nodeFiles,
      clock: systemClock,
      journal: silentJournal,
      directory: grid.storeDirectory,
      owners: [process.getuid?.() ?? 0],
    })
    await repository.open()
  })
  afterAll(() => grid.stop())

  const c = async (program: string, args: readonly string[], input = '') => {
    const result = await grid.run(program, args, { as: grid.users.alice, input })
    return { ...result, said: `${result.stdout}\n${result.stderr}` }
  }
  const named = (name: string | undefined) => (name === undefined ? [] : ['-k', name])
  const filesOf = async (stem: string) =>
    (await readdir(grid.storeDirectory)).filter((file) => file.includes(stem)).sort()

  /** Stores as our server does; alice's own certificate, which costs no new key. */
  const storeOurs = async (username: string, name: string | undefined, lifetimeSeconds: number) => {
    const { credential, dn: owner } = grid.users.alice
    const creds = await encodeStoredCredential(credential, OTHER_PASS_PHRASE, GUARD)
    const data = { username, owner, lifetimeSeconds, ...(name !== undefined && { name }) }
    await repository.store({ ...data, description: 'put by ours' }, creds, welcome)
  }

  it.each([
    ['a plain user', 'alice', undefined, 'alice'],
    ['a name with a slash', 'alice', 'second/x', `alice-${md5('second/x')}`],
    [
      'a DN',
      '/DC=org/DC=example/OU=Users/CN=alice',
      undefined,
      md5('/DC=org/DC=example/OU=Users/CN=alice'),
    ],
    [
      'names of 80 and 81 bytes',
      long('u', 80),
      long('n', 81),
      `${long('u', 80)}-${md5(long('n', 81))}`,
    ],
    ['spaces, a plus and letters of other scripts', '+ümlaut x', 'ä y', '+ümlaut x-ä y'],
  ])('hands %s from one to the other and back', async (_title, username, name, stem) => {
    const options = ['-S', '-l', username, ...named(name), '-c', '24', '-t', '7']
    const stored = await c('myproxy-init', options, PASS_PHRASE)
    expect(stored.exitCode, stored.said).toBe(0)
    expect(await filesOf(stem)).toEqual([`${stem}.creds`, `${stem}.data`])

    const entry = await repository.find(username, name)
    if (entry === undefined) throw new Error(`ours finds nothing for ${username}`)
    expect(entry.data).toMatchObject({ owner: grid.users.alice.dn, lifetimeSeconds: 7 * HOUR })
    const opened = await openStoredCredential(entry, PASS_PHRASE)
    expect(describeChain(opened.chain).identity.oneLine).toBe(grid.users.alice.dn)

    await storeOurs(username, name, 2 * HOUR)
    expect(await filesOf(stem)).toEqual([`${stem}.creds`, `${stem}.data`])
    const shown = await c('myproxy-info', ['-l', username])
    expect(shown.said).toContain('description: put by ours')
    const destroyed = await c('myproxy-destroy', ['-l', username, ...named(name)])
    expect(destroyed.exitCode, destroyed.said).toBe(0)
    expect(await repository.find(username, name)).toBeUndefined()
    expect(await filesOf(stem)).toEqual([])
  })

  it('lets the C server open for 2 h, with the new pass phrase alone, what ours replaced', async () => {
    const options = ['-S', '-l', 'replaced', '-c', '24', '-t', '7']
    expect((await c('myproxy-init', options, PASS_PHRASE)).exitCode).toBe(0)
    await storeOurs('replaced', undefined, 2 * HOUR)
    const output = join(grid.directory, 'got')
    const logon = ['-S', '-l', 'replaced', '-t', '24', '-o', output]
    expect((await c('myproxy-logon', logon, PASS_PHRASE)).said).toContain('invalid')
    const got = await c('myproxy-logon', logon, OTHER_PASS_PHRASE)
    expect(got.exitCode, got.said).toBe(0)
    const { notBefore, effectiveEnd } = describeChain(parseCredential(await readFile(output)).chain)
    // The C server backdates by five minutes.
    expect(effectiveEnd - notBefore).toBeLessThanOrEqual(2 * HOUR + 300)
  })

  it('removes what the C server stored, so that its INFO shows one of two and then none', async () => {
    for (const name of ['one', 'two']) {
      const options = ['-n', '-l', 'leaving', '-k', name, '-R', 'vobox.example.org']
      expect((await c('myproxy-init', options)).exitCode).toBe(0)
    }
    expect(await repository.remove('leaving', 'one', welcome)).toBe(true)
    const shown = await c('myproxy-info', ['-l', 'leaving'])
    expect(shown.stdout).toMatch(/name: two\s+renewal policy: \*\/CN=vobox/)
    expect(shown.stdout).not.toContain('name: one')
    expect(await repository.remove('leaving', 'two', welcome)).toBe(true)
    expect((await c('myproxy-info', ['-l', 'leaving'])).said).toContain('no credentials found')
  })

  it.each([
    ['no USERNAME and no LIFETIME', 'old', 'OWNER=@\nEND_OPTIONS\n'],
    ['no USERNAME beside a NAME', 'older-named', 'OWNER=@\nLIFETIME=60\nNAME=named\nEND_OPTIONS\n'],
    [
      'an empty NAME, as `-k ""` stores it',
      'empty-',
      'OWNER=@\nLIFETIME=60\nNAME=\nUSERNAME=empty\nEND_OPTIONS\n',
    ],
    [
      'empty policies',
      'open',
      'OWNER=@\nLIFETIME=60\nRETRIEVERS=\nRENEWERS=\nUSERNAME=open\nEND_OPTIONS\n',
    ],
    [
      'our line behind its end',
      'ours',
      'OWNER=@\nLIFETIME=60\nUSERNAME=ours\nEND_OPTIONS\nCREDS_SHA256=@@\n',
    ],
  ])('is read alike by both with %s', async (_title, stem, text) => {
    const creds = await encodeStoredCredential(grid.users.alice.credential, '', GUARD)
    const sha256 = createHash('sha256').update(creds).digest('hex')
    const data = text.replace('@@', sha256).replace('@', grid.users.alice.dn)
    await writeFile(join(grid.storeDirectory, `${stem}.creds`), creds, { mode: 0o600 })
    await writeFile(join(grid.storeDirectory, `${stem}.data`), data, { mode: 0o600 })
    const [username = '', name] = stem.split('-')
    const shown = await c('myproxy-info', ['-l', username])
    expect(shown.stdout).toContain(`owner: ${grid.users.alice.dn}`)
    const listed = await repository.list(username)
    expect(listed.map((entry) => entry.data.name ?? '')).toEqual([name ?? ''])
    expect((await repository.find(username, name || undefined))?.data.username).toBe(username)
  })

  it.each([
    ['a line of an unknown kind', 'OWNER=@\nLIFETIME=60\nUSERNAME=torn\nHOLDERS=x\nEND_OPTIONS\n'],
    ['no end', 'OWNER=@\nLIFETIME=60\nUSERNAME=torn\n'],
    ['an end without its line break', 'OWNER=@\nLIFETIME=60\nUSERNAME=torn\nEND_OPTIONS'],
    ['a comment', '# by hand\nOWNER=@\nLIFETIME=60\nUSERNAME=torn\nEND_OPTIONS\n'],
    ['line ends of another system', 'OWNER=@\r\nLIFETIME=60\r\nUSERNAME=torn\r\nEND_OPTIONS\r\n'],
  ])('is refused by both with %s', async (_title, text) => {
    const creds = await encodeStoredCredential(grid.users.alice.credential, '', GUARD)
    const data = text.replace('@', grid.users.alice.dn)
    await writeFile(join(grid.storeDirectory, 'torn.creds'), creds, { mode: 0o600 })
    await writeFile(join(grid.storeDirectory, 'torn.data'), data, { mode: 0o600 })
    const shown = await c('myproxy-info', ['-l', 'torn'])
    expect(shown.exitCode).not.toBe(0)
    expect(shown.stdout).not.toContain('timeleft')
    await expect(repository.find('torn', undefined)).rejects.toMatchObject({
      code: 'MYPROXY_STORE_MALFORMED',
    })
  })
})
