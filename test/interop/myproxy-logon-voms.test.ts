/** The README's cron job as it stands, with real MyProxy and VOMS servers. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { describeWithPrograms } from '../support/programs.js'
import {
  MYPROXY_PROGRAMS,
  type ProgramResult,
  type RealGrid,
  startRealGrid,
} from '../support/real-peers.js'
import { type RealVoms, startRealVoms, VOMS_PROGRAMS } from '../support/real-voms.js'

const HOME = join(import.meta.dirname, '..', '..')
const README = readFileSync(join(HOME, 'README.md'), 'utf8')

/** What stands below the mark, but for the name of a server that is not there. */
function recipe(server: string): string {
  const [, script = ''] = /<!-- cron job -->\n```sh\n([\s\S]*?)```/.exec(README) ?? []
  expect(script).toContain('MYPROXY_SERVER=myproxy.example.org\n')
  return script.replace('myproxy.example.org', server)
}

const PASS_PHRASE = 'a robot’s pass phrase'

describeWithPrograms('the cron job of the README', [...MYPROXY_PROGRAMS, ...VOMS_PROGRAMS], () => {
  let grid: RealGrid
  let voms: RealVoms
  let home: string
  beforeAll(async () => {
    grid = await startRealGrid()
    voms = await startRealVoms(grid)
    home = join(grid.directory, 'robot')
    mkdirSync(home, { mode: 0o700 })
    writeFileSync(join(home, '.alice-robot'), `${PASS_PHRASE}\n`, { mode: 0o600 })
    const options = ['-a', '-l', 'alice-robot', '-c', '100', '-t', '24']
    await grid.upload({ as: grid.users.alice, options, passPhrase: PASS_PHRASE })
  }, 60_000)
  afterAll(async () => {
    await voms?.stop()
    await grid?.stop()
  })

  const proxy = () => join(home, 'robot-proxy')

  const job = (): Promise<ProgramResult> => {
    const PATH = `${join(HOME, 'bin')}:${process.env.PATH}`
    const script = recipe(`localhost:${grid.server.port}`)
    return voms.run('sh', ['-c', script], { env: { HOME: home, PATH } })
  }

  it('fetches a proxy whose role every client verifies, and says nothing', async () => {
    expect(await job()).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    const facts = describeChain(parseCredential(readFileSync(proxy())).chain)
    expect(facts.identity.oneLine).toBe(grid.users.alice.dn)
    for (const client of ['voms-proxy-info2', 'voms-proxy-info3']) {
      const { exitCode, stdout } = await voms.run(client, ['-file', proxy(), '-fqan'])
      expect([client, exitCode]).toEqual([client, 0])
      expect(stdout).toMatch(/^\/alice\/Role=lcgadmin/)
    }
  })

  it('leaves that proxy, says why and fails where the role is not granted any more', async () => {
    const before = readFileSync(proxy())
    await voms.revoke('alice', '/alice', 'lcgadmin')
    try {
      const { exitCode, stdout, stderr } = await job()
      expect([exitCode, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^vobox-proxy: .*lcgadmin/)
      expect(readFileSync(proxy())).toEqual(before)
    } finally {
      await voms.grant('alice', '/alice', 'lcgadmin')
    }
  })

  it('does so too where others can read the pass phrase in a file that it is to open', async () => {
    const phrase = join(home, '.alice-robot')
    chmodSync(phrase, 0o644)
    const words = ['-l', 'alice-robot', '--pass-phrase-file', phrase, '-o', join(home, 'none')]
    const { exitCode, stderr } = await grid.run(join(HOME, 'bin', 'vobox-proxy'), [
      'myproxy',
      'logon',
      ...words,
    ])
    expect([exitCode, existsSync(join(home, 'none'))]).toEqual([1, false])
    expect(stderr).toContain('has mode 0644, which lets others at it')
    expect(stderr).not.toContain(PASS_PHRASE)
  })

  it('is what myproxy init -m makes needless, with a warning that it narrows later ones', async () => {
    const words = ['myproxy', 'init', '-nA', '-l', 'dressed', '-m', 'alice:/alice/Role=lcgadmin']
    const program = join(HOME, 'bin', 'vobox-proxy')
    const { exitCode, stdout, stderr } = await voms.run(program, words, { as: grid.users.alice })
    expect(exitCode).toBe(0)
    expect(stdout).toContain('  /alice/Role=lcgadmin\n')
    expect(stderr).toContain('what is stored carries VOMS attributes')
    const stored = readFileSync(join(grid.storeDirectory, 'dressed.creds'))
    const { acBytes, depth } = describeChain(parseCredential(stored).chain)
    expect([acBytes === undefined, depth]).toEqual([false, 2])
  })
})
