/** The built package as another program uses it: the example of docs/library.md, run by plain Node. */
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { describeWithPrograms } from '../support/programs.js'
import { OPEN_POLICY, openClient } from '../support/real-client.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'

const root = join(import.meta.dirname, '../..')
const passPhrase = 'correct horse'

describeWithPrograms('the example of the library', MYPROXY_PROGRAMS, () => {
  let grid: RealGrid
  /** Inside the package, so that it finds itself by its name. */
  const script = join(root, 'dist', 'fetch-proxy-example.mjs')
  beforeAll(async () => {
    grid = await startRealGrid({ policy: OPEN_POLICY })
    const client = await openClient(grid)
    const { credential } = grid.users.alice
    const terms = { storedSeconds: 100_000, lifetimeSeconds: 50_000 }
    await client.put({ username: 'alice', credential, passPhrase, ...terms })
    const entry = join(root, 'docs/examples/fetch-proxy.ts')
    await build({ entryPoints: [entry], outfile: script, format: 'esm', logLevel: 'error' })
  })
  afterAll(async () => {
    await rm(script, { force: true })
    await grid?.stop()
  })

  const run = (username: string, out: string) =>
    execa(process.execPath, [script, username, out], {
      reject: false,
      input: `${passPhrase}\n`,
      timeout: 60_000,
      extendEnv: false,
      env: {
        HOME: grid.directory,
        X509_CERT_DIR: grid.trustDirectory,
        MYPROXY_SERVER: `localhost:${grid.server.port}`,
      },
    })

  it('writes a proxy of alice’s, for her alone, and says so in one line', async () => {
    const out = join(grid.directory, 'fetched.pem')
    const { exitCode, stdout, stderr } = await run('alice', out)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const { chain } = parseCredential(await readFile(out))
    expect(describeChain(chain).identity.oneLine).toBe(grid.users.alice.dn)
    expect(stdout).toBe(`${out}: ${chain[0]?.subject.oneLine}, from localhost`)
    expect((await stat(out)).mode & 0o777).toBe(0o600)
  })

  it('says code, sentence and cure of a refusal, and ends with 1', async () => {
    const { exitCode, stdout, stderr } = await run('nobody', join(grid.directory, 'none.pem'))
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toMatch(
      /^MYPROXY_NO_CREDENTIAL: localhost:\d+ .* holds no such credential.*\n.+/,
    )
  })
})
