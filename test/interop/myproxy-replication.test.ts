/** A primary of ours and its secondaries: Debian's server twice, once behind a gate, and ours. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { requestRenewal } from '../../src/myproxy/client.js'
import { encodeStoredCredential } from '../../src/myproxy/server/store/stored-credential.js'
import { parseStoredData, type StoredData } from '../../src/myproxy/server/store/stored-data.js'
import { replicateRepository } from '../../src/node/myproxy-server/replicate.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import type { Replicated } from '../../src/report/replication-text.js'
import { spawnSync } from '../support/bounded.js'
import { type CServer, startCServer } from '../support/c-server.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { addProxy } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import {
  Gate,
  primaryEnvironment,
  secondaryConfig,
  startOurSecondary,
} from '../support/replication-grid.js'
import { admin } from '../support/repository-admin.js'

const GUARD = { random: systemRandom, passPhraseCost: 1 }
const PROGRAMS = [
  'myproxy-server',
  'myproxy-init',
  'myproxy-logon',
  'myproxy-destroy',
  'myproxy-change-pass-phrase',
  'myproxy-admin-query',
]
const PASS_PHRASE = 'a pass phrase of 12 words'

describeWithPrograms('a primary of ours', PROGRAMS, () => {
  let grid: EmbeddedGrid
  let [b, c]: CServer[] = []
  let ours: Awaited<ReturnType<typeof startOurSecondary>>
  let gate: Gate
  let configFile: string

  beforeAll(async () => {
    grid = await startEmbeddedGrid({ key: 'rsa2048' })
    b = await startCServer(grid, 'b', secondaryConfig(grid))
    c = await startCServer(grid, 'c', secondaryConfig(grid))
    ours = await startOurSecondary(grid, 'ours')
    gate = new Gate(c.port)
    configFile = join(grid.directory, 'primary.config')
    const ports = [b.port, await gate.start(), ours.port]
    const servers = ports.map((port) => `localhost:${port}`).join(';')
    await writeFile(configFile, `slave_servers ${servers}\n`, { mode: 0o600 })
  })
  afterAll(async () => {
    b?.stop()
    c?.stop()
    gate.stop()
    await ours.stop()
    await grid.stop()
  })

  const stores = () => [b?.storeDirectory ?? '', c?.storeDirectory ?? '', ours.storeDirectory]

  function run(): Promise<Replicated> {
    return replicateRepository({
      storage: grid.storeDirectory,
      config: configFile,
      environment: primaryEnvironment(grid),
      onWarning: (sentence) => expect.fail(sentence),
      signal: new AbortController().signal,
    })
  }

  /** The same by the program, under the name of the C tool. */
  function runProgram() {
    const tool = join(import.meta.dirname, '../../compat/myproxy-replicate')
    const words = ['-r', grid.storeDirectory, '-c', configFile]
    const env = { PATH: process.env.PATH, ...primaryEnvironment(grid) }
    return spawnSync(tool, words, { env, encoding: 'utf8' })
  }

  /** Stored, destroyed and behind, for each secondary. */
  const did = ({ secondaries }: Replicated) =>
    secondaries.map(({ stored, destroyed, behind }) => [stored, destroyed, behind])

  async function put(data: Partial<StoredData> & { username: string }, passPhrase = '') {
    const { credential, dn: owner } = grid.users.alice
    const creds = await encodeStoredCredential(credential, passPhrase, GUARD)
    await grid.repository.store({ owner, lifetimeSeconds: 5400, ...data }, creds, () => undefined)
  }

  /** Where `username` and `name` lie in a store, and what stands there. */
  async function storedIn(directory: string, username: string, name?: string) {
    for (const file of await readdir(directory)) {
      if (!file.endsWith('.data') || file.startsWith('.')) continue
      const data = parseStoredData(await readFile(join(directory, file)))
      if (data.username !== username || data.name !== name) continue
      const creds = await readFile(join(directory, file.replace(/\.data$/, '.creds')), 'utf8')
      return { data, creds }
    }
    return undefined
  }

  const keyIn = (stored: { creds: string } | undefined) =>
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*PRIVATE KEY-----/.exec(stored?.creds ?? 'none')?.[0]
  const asAlice = (program: string, args: string[], port: number, input = '') =>
    grid.run(program, args, {
      as: grid.users.alice,
      input,
      env: { MYPROXY_SERVER_PORT: String(port) },
    })
  const logon = async (port: number, name: string, passPhrase: string) => {
    const out = join(grid.directory, 'fetched')
    await rm(out, { force: true })
    const args = ['-S', '-l', name, '-t', '1', '-o', out]
    return (await asAlice('myproxy-logon', args, port, `${passPhrase}\n`)).exitCode
  }

  it('hands 3 credentials with all their terms to each of 3 secondaries, and then nothing', async () => {
    const { exitCode } = await asAlice('myproxy-init', ['-d', '-n', '-A', '-t', '48'], grid.port)
    expect(exitCode).toBe(0)
    await put({ username: 'named', name: 'a/b', description: 'é, two words' }, PASS_PHRASE)
    await put({
      username: 'terms',
      retriever: '*/CN=r',
      renewer: '/DC=org/CN=re new',
      trustedRetriever: '*/CN=t',
      keyRetriever: '*',
    })
    expect(did(await run())).toEqual([
      [3, 0, 0],
      [3, 0, 0],
      [3, 0, 0],
    ])
    for (const directory of stores()) {
      for (const [username, name] of [
        [grid.users.alice.dn],
        ['named', 'a/b'],
        ['terms'],
      ] as const) {
        const here = await storedIn(grid.storeDirectory, username, name)
        const there = await storedIn(directory, username, name)
        const { fingerprint: _ours, ...terms } = here?.data ?? {}
        const { fingerprint: _theirs, ...got } = there?.data ?? {}
        expect(got).toEqual({ ...terms, owner: grid.hosts.server.dn })
        expect(keyIn(there)).toBe(keyIn(here))
      }
    }
    expect(did(await run())).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ])
  })

  it('hands on a pass phrase that the C client changed: the old one opens nothing any more', async () => {
    await put({ username: 'changing' }, PASS_PHRASE)
    await run()
    const words = `${PASS_PHRASE}\nanother one of 9\n`
    const changed = await asAlice(
      'myproxy-change-pass-phrase',
      ['-S', '-l', 'changing'],
      grid.port,
      words,
    )
    expect(changed.stderr + changed.stdout).toContain('Pass phrase changed')
    expect(did(await run())).toEqual([
      [1, 0, 0],
      [1, 0, 0],
      [1, 0, 0],
    ])
    const key = keyIn(await storedIn(grid.storeDirectory, 'changing'))
    for (const directory of stores()) expect(keyIn(await storedIn(directory, 'changing'))).toBe(key)
    // Debian's server would take seconds for each: it derives the key several times.
    expect(await logon(ours.port, 'changing', PASS_PHRASE)).toBe(1)
    expect(await logon(ours.port, 'changing', 'another one of 9')).toBe(0)
  })

  it('takes back what the C tool of the administrator locks, and gives it again unlocked', async () => {
    await put({ username: 'locked' })
    await run()
    const query = (...args: string[]) =>
      admin('myproxy-admin-query', grid.storeDirectory, ['-l', 'locked', ...args]).exitCode
    expect(query('-L', 'stolen')).toBe(0)
    const locked = await run()
    expect(locked.withheld).toEqual([{ username: 'locked', reason: 'locked' }])
    expect(did(locked)).toEqual([
      [0, 1, 0],
      [0, 1, 0],
      [0, 1, 0],
    ])
    for (const directory of stores()) expect(await storedIn(directory, 'locked')).toBeUndefined()
    expect(query('-U')).toBe(0)
    expect(did(await run())).toEqual([
      [1, 0, 0],
      [1, 0, 0],
      [1, 0, 0],
    ])
  })

  it('is held up by no secondary that is down, says its lag, and gives it the rest later', async () => {
    await put({ username: 'kept' })
    await put({ username: 'going' })
    await run()
    gate.isShut = true
    await put({ username: 'kept', description: 'changed' })
    const destroyed = await asAlice('myproxy-destroy', ['-l', 'going'], grid.port)
    expect(destroyed.exitCode).toBe(0)
    const lagging = await run()
    expect(did(lagging)).toEqual([
      [1, 1, 0],
      [0, 0, 2],
      [1, 1, 0],
    ])
    const [, behind] = lagging.secondaries
    expect(behind?.failure).toMatchObject({ code: 'ALL_SERVERS_FAILED', persistence: 'transient' })
    expect(behind?.behindSince).toBeGreaterThan(0)
    expect(behind?.completeAt).toBeLessThanOrEqual(behind?.behindSince ?? 0)
    expect(await storedIn(c?.storeDirectory ?? '', 'going')).toBeDefined()
    const program = runProgram()
    expect(program.stdout).toMatch(
      /^localhost:\d+ lags in 2 credentials for \d+ s, up to date last: /m,
    )
    expect(program).toMatchObject({ status: 1, stderr: '' })

    gate.isShut = false
    expect(did(await run())).toEqual([
      [0, 0, 0],
      [1, 1, 0],
      [0, 0, 0],
    ])
    for (const directory of stores()) {
      expect(await storedIn(directory, 'going')).toBeUndefined()
      expect((await storedIn(directory, 'kept'))?.data.description).toBe('changed')
    }
  })

  it('leaves to its secondaries, when it is stopped, the renewal of what a C client stored', async () => {
    await run()
    await grid.server.stop()
    const [machine, current] = [grid.hosts.vobox, grid.users.alice].map(({ credential }) =>
      addProxy(credential, { key: 'rsa2048' }),
    )
    if (machine === undefined || current === undefined) throw new Error('two proxies were made')
    for (const port of [b?.port, ours.port]) {
      const { credential, server } = await requestRenewal(grid.myproxy, {
        servers: [...grid.servers, { host: 'localhost', port: port ?? 0 }],
        username: grid.users.alice.dn,
        lifetimeSeconds: 36 * 3600,
        machine,
        current,
      })
      expect(server.port).toBe(port)
      const { identity, effectiveEnd, notBefore } = describeChain(credential.chain)
      expect(identity.oneLine).toBe(grid.users.alice.dn)
      expect(effectiveEnd - notBefore).toBeGreaterThanOrEqual(36 * 3600)
    }
  })
})
