/** `proxy-init --voms` against Debian's VOMS server, read by the C, the Java and the ARC client. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { type RealVoms, startRealVoms, VOMS_PROGRAMS } from '../support/real-voms.js'

const HOME = join(import.meta.dirname, '..', '..')
const PROGRAM = join(HOME, 'bin', 'vobox-proxy')
const COMPAT = join(HOME, 'compat')

let grid: RealGrid
let voms: RealVoms

const at = (name: string) => join(grid.directory, name)
const out = () => at('login-proxy')

/** As alice, with her certificate. */
const init = (...words: string[]) =>
  voms.run(PROGRAM, ['proxy-init', '--out', out(), ...words], { as: grid.users.alice })

/** What a client prints for `-fqan`, one FQAN a line; it verifies them. */
async function fqansBy(client: string, file = out()): Promise<string[]> {
  const { stdout, exitCode } = await voms.run(client, ['-file', file, '-fqan'])
  expect([client, exitCode]).toEqual([client, 0])
  return stdout.split('\n').map((line) => line.replace(/\/(Role|Capability)=NULL/g, ''))
}

const lines = (text: string) => text.trimEnd().split('\n')

describeWithPrograms(
  'proxy-init with a VOMS server',
  [...MYPROXY_PROGRAMS, ...VOMS_PROGRAMS],
  () => {
    beforeAll(async () => {
      grid = await startRealGrid()
      voms = await startRealVoms(grid)
    }, 60_000)
    afterAll(async () => {
      await voms?.stop()
      await grid?.stop()
    })

    it('carries a role first, then the groups, in one proxy that every client verifies', async () => {
      const { exitCode, stdout, stderr } = await init(
        '--voms',
        'alice:/alice/Role=lcgadmin',
        '--verify',
      )
      expect([exitCode, stderr]).toEqual([0, ''])
      expect(lines(stdout)).toEqual([
        `Your identity: ${grid.users.alice.dn}`,
        'Asking for alice:/alice/Role=lcgadmin',
        expect.stringMatching(/^Attributes of VO alice from localhost:\d+, until 20.* UTC:$/),
        '  /alice/Role=lcgadmin',
        '  /alice',
        '  /alice/team',
        'Proxy verified: services that trust these CAs accept it',
        `Created proxy in ${out()}`,
        expect.stringContaining('Your proxy is valid until'),
      ])
      expect(describeChain(parseCredential(readFileSync(out())).chain).depth).toBe(1)
      const wanted = ['/alice/Role=lcgadmin', '/alice', '/alice/team']
      expect(await fqansBy('voms-proxy-info2')).toEqual(wanted)
      expect((await fqansBy('voms-proxy-info3')).filter((line) => line !== '')).toEqual(wanted)
      const arc = await voms.run('arcproxy', ['-P', out(), '-I'])
      expect(arc.stdout).toContain('attribute : /alice/Role=lcgadmin')
      const { stdout: ours } = await voms.run(PROGRAM, ['info', '--fqan', '--file', out()])
      expect(ours.split('\n')[0]).toMatch(/^\/alice\/Role=lcgadmin/)
    })

    it('carries two VOs in the order asked for, and FQANs in the order that --order wants', async () => {
      const vos = ['--voms', 'bob.example.org:/bob.example.org/Role=pilot', '--voms', 'alice']
      await init(...vos, '--order', '/alice/team')
      expect(await fqansBy('voms-proxy-info2')).toEqual([
        '/alice/team',
        '/alice',
        '/bob.example.org/Role=pilot',
        '/bob.example.org',
      ])
    })

    it('gives the attributes 8 h and the proxy 24 h', async () => {
      const words = ['--voms', 'alice', '--valid', '24:00', '--vomslife', '8:00']
      const { stdout } = await init(...words, '--json')
      const { end, attributes } = JSON.parse(stdout)
      expect(end - attributes[0].notAfter).toBeGreaterThan(15.5 * 3600)
      const { stdout: left } = await voms.run('voms-proxy-info2', ['-file', out(), '-actimeleft'])
      expect(Math.abs(Number(left) - 8 * 3600)).toBeLessThan(600)
    })

    it('dresses the proxy that grid-proxy-init made, without a pass phrase', async () => {
      const plain = at('plain')
      const { alice } = grid.users
      await voms.run('grid-proxy-init', ['-rfc', '-out', plain], { as: alice })
      const words = ['proxy-init', '--noregen', '--voms', 'alice:/alice/team', '--out', out()]
      expect((await voms.run(PROGRAM, words, { proxy: plain })).exitCode).toBe(0)
      expect(await fqansBy('voms-proxy-info2')).toEqual(['/alice/team', '/alice'])
    })

    it('says that a proxy with attributes gets no others, and gets those', async () => {
      await init('--voms', 'alice:/alice/team')
      const words = ['proxy-init', '--noregen', '--voms', 'alice:/alice/team', '--out', at('again')]
      const { exitCode, stderr } = await voms.run(PROGRAM, words, { proxy: out() })
      expect(exitCode).toBe(0)
      expect(stderr).toContain('carries VOMS attributes already')
      expect((await fqansBy('voms-proxy-info2', at('again')))[0]).toBe('/alice/team')
    })

    it('does under the name of voms-proxy-init what that does', async () => {
      const words = ['-voms', 'alice:/alice/Role=lcgadmin', '-valid', '10:00', '-q', '-rfc']
      const ours = join(COMPAT, 'voms-proxy-init')
      const made: string[][] = []
      for (const tool of ['voms-proxy-init2', ours]) {
        const file = at(`by-${made.length}`)
        await voms.run(tool, [...words, '-out', file], { as: grid.users.alice })
        const info = tool === ours ? join(COMPAT, 'voms-proxy-info') : 'voms-proxy-info2'
        made.push(await fqansBy(info, file))
      }
      expect(made[1]).toEqual(made[0])
    })

    it.each([
      [
        'a role that is not granted',
        ['--voms', 'alice:/alice/Role=production'],
        'VOMS_ATTRIBUTE_NOT_GRANTED',
        /production/,
      ],
      ['a VO that is not known', ['--voms', 'nosuch'], 'VOMS_VO_UNKNOWN', /nosuch/],
      ['an FQAN that is none', ['--voms', 'alice:lcgadmin'], 'FQAN_INVALID', /lcgadmin/],
      [
        'servers that nobody vouches for',
        ['--voms', 'alice', '--vomsdir', '/nowhere'],
        'VOMS_TRUST_MISSING',
        /alice/,
      ],
      [
        'a warning with --failonwarn',
        ['--voms', 'alice', '--no-verify', '--failonwarn', '--vomsdir', '/nowhere'],
        'NOT_PERMITTED',
        /cannot be verified/,
      ],
    ])('refuses %s, and leaves the proxy that is there', async (_what, words, code, message) => {
      writeFileSync(out(), 'the old one', { mode: 0o600 })
      const { exitCode, stdout, stderr } = await init(...words, '--json')
      expect([exitCode, stdout]).toEqual([code === 'FQAN_INVALID' ? 2 : 1, ''])
      expect(JSON.parse(stderr).error.code).toBe(code)
      expect(JSON.parse(stderr).error.message).toMatch(message)
      expect(readFileSync(out(), 'utf8')).toBe('the old one')
    })

    it('tells a stranger in the words of the server that it does not know them', async () => {
      const words = ['proxy-init', '--voms', 'alice', '--out', out(), '--json']
      const { stderr } = await voms.run(PROGRAM, words, { as: grid.users.eve })
      const { code, message, data } = JSON.parse(stderr).error
      expect(code).toBe('VOMS_NO_SUCH_USER')
      expect(message).toContain(data.serverText)
    })

    it('takes attributes that cannot be verified with --no-verify alone, and says so', async () => {
      const words = ['--voms', 'alice', '--vomsdir', '/nowhere', '--no-verify']
      const { exitCode, stdout, stderr } = await init(...words)
      expect(exitCode).toBe(0)
      expect(stdout).toContain('NOT VERIFIED')
      expect(stderr).toContain('warning: the attributes of VO alice cannot be verified')
    })

    it('asks the next server where one is down, and says which failed', async () => {
      const line = (port: number) => `"alice" "localhost" "${port}" "${voms.serverDn}" "alice"\n`
      const vomses = at('two-servers')
      const { ports } = voms
      // The other VO's server listens, and does not know alice's VO.
      writeFileSync(vomses, line(ports['bob.example.org']) + line(ports.alice), { mode: 0o644 })
      for (let tries = 0; tries < 12; tries++) {
        const { exitCode, stderr } = await init('--voms', 'alice', '--vomses', vomses)
        expect(exitCode).toBe(0)
        if (!stderr.includes(`localhost:${ports['bob.example.org']}`)) continue
        expect(stderr).toContain('vobox-proxy: warning: ')
        return
      }
      throw new Error('in 12 tries the server that fails was never the first')
    })
  },
)
