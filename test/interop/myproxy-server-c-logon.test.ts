/** What `myproxy-logon` and `myproxy-get-trustroots` can do besides fetching a proxy. */
import { copyFile, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { addProxy } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'

const PROGRAMS = ['myproxy-init', 'myproxy-logon', 'myproxy-get-trustroots', 'myproxy-info']
const SECRET = 'secret-pass\n'

describeWithPrograms('myproxy-logon with a server of ours', PROGRAMS, () => {
  let grid: EmbeddedGrid
  let given: readonly string[]

  beforeAll(async () => {
    grid = await startEmbeddedGrid({
      key: 'rsa2048',
      config: (directory) =>
        `cert_dir ${join(directory, 'certificates')}\ncheck_multiple_credentials true\n`,
    })
    given = (await readdir(grid.trustDirectory)).toSorted()
    await upload(['-S', '-l', 'alice'], SECRET)
  })
  afterAll(() => grid?.stop())

  const upload = async (args: readonly string[], input = '') => {
    const { exitCode, stderr } = await grid.run('myproxy-init', args, {
      as: grid.users.alice,
      input,
    })
    expect(exitCode, stderr).toBe(0)
  }

  /** A CA directory of a client's own, with what it needs to trust the server, or nothing. */
  const clientDirectory = async (name: string, files: readonly string[] = []) => {
    const path = join(grid.directory, name)
    await mkdir(path)
    for (const file of files) await copyFile(join(grid.trustDirectory, file), join(path, file))
    return path
  }
  /** Without the log of the C client, which it keeps there. */
  const namesOf = async (directory: string) =>
    (await readdir(directory)).filter((name) => name !== 'myproxy-install-log').toSorted()
  const out = (name: string) => ['-o', join(grid.directory, name)]

  it('installs the CA files for a client without a certificate (myproxy-get-trustroots)', async () => {
    const hashed = given.filter((name) => /^[0-9a-f]{8}\.(0|signing_policy)$/.test(name))
    const directory = await clientDirectory('roots', hashed)
    const got = await grid.run('myproxy-get-trustroots', [], { env: { X509_CERT_DIR: directory } })
    expect(got.exitCode, got.stderr).toBe(0)
    expect(await namesOf(directory)).toEqual(given)
    for (const name of given) {
      const [theirs, ours] = [join(directory, name), join(grid.trustDirectory, name)]
      expect(await readFile(theirs)).toEqual(await readFile(ours))
    }
  })

  it('trusts the server for the first time (-b) and fetches a proxy with the CA files', async () => {
    const directory = join(grid.directory, 'bootstrapped')
    const args = ['-S', '-b', '-l', 'alice', ...out('bootstrap')]
    const got = await grid.run('myproxy-logon', args, {
      input: SECRET,
      env: { X509_CERT_DIR: directory },
    })
    expect(got.exitCode, got.stderr).toBe(0)
    expect(await namesOf(directory)).toEqual(expect.arrayContaining([...given]))
    const { identity } = describeChain(
      parseCredential(await readFile(join(grid.directory, 'bootstrap'))).chain,
    )
    expect(identity.oneLine).toBe(grid.users.alice.dn)
  })

  // With `-o` the C client fetches all the same.
  it('authenticates and fetches nothing (-N), for the right pass phrase alone', async () => {
    const ask = (input: string) =>
      grid.run('myproxy-logon', ['-S', '-N', '-l', 'alice'], {
        input,
        env: { X509_USER_PROXY: join(grid.directory, 'nothing') },
      })
    const right = await ask(SECRET)
    expect(right.exitCode, right.stderr).toBe(0)
    expect((await ask('wrong-pass\n')).exitCode).not.toBe(0)
    await expect(stat(join(grid.directory, 'nothing'))).rejects.toThrow()
    await expect
      .poll(() => grid.log.filter(({ fields }) => fields.fetchedNothing === true))
      .toHaveLength(1)
  })

  it('fetches the one of 3 credentials that the pass phrase opens, though none is named', async () => {
    await upload(['-n', '-l', 'many', '-R', 'vobox.example.org'])
    await upload(['-S', '-l', 'many', '-k', 'first'], 'first-pass\n')
    await upload(['-S', '-l', 'many', '-k', 'second'], SECRET)
    const got = await grid.run('myproxy-logon', ['-S', '-l', 'many', ...out('many')], {
      input: SECRET,
    })
    expect(got.exitCode, got.stderr).toBe(0)
    const shown = await grid.run('myproxy-info', ['-l', 'many'], { as: grid.users.alice })
    expect(shown.stdout).toMatch(/renewal policy:.*[\s\S]*name: first[\s\S]*name: second/)
  })

  it('fetches by user names of 300 characters that begin alike, and by one with slashes', async () => {
    const long = 'x'.repeat(299)
    for (const name of [`${long}1`, `${long}2`, '/DC=org/DC=example/a b/../c']) {
      await upload(['-S', '-l', name], SECRET)
      const got = await grid.run('myproxy-logon', ['-S', '-l', name, ...out('long')], {
        input: SECRET,
      })
      expect(got.exitCode, got.stderr).toBe(0)
    }
    expect(await grid.repository.list(`${long}1`)).toHaveLength(1)
  })

  it('gives a limited proxy to a client that comes with one', async () => {
    const { vobox } = grid.hosts
    const machine = addProxy(vobox.credential, { key: 'rsa2048', policy: 'limited' })
    const got = await grid.run('myproxy-logon', ['-S', '-l', 'alice', ...out('limited')], {
      input: SECRET,
      proxy: await grid.writeProxy('limited.proxy', machine),
    })
    expect(got.exitCode, got.stderr).toBe(0)
    const { chain } = parseCredential(await readFile(join(grid.directory, 'limited')))
    expect(describeChain(chain).limited).toBe(true)
  })
})
