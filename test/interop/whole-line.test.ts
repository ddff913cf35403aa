/**
 * The main job with the programs that a site installs, as processes of their own: machine proxy,
 * register, renewal by the service, queries, `env`, `renew --force`, unregister, against Debian's
 * `myproxy-server`, with its proxies read by the programs that sites use.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { proxyFileName } from '../../src/repository/proxy-file-name.js'
import { encodePem } from '../../src/x509/pem.js'
import { spawnSync } from '../support/bounded.js'
import { addProxy, realNow } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import {
  type GridIdentity,
  MYPROXY_PROGRAMS,
  type RealGrid,
  startRealGrid,
} from '../support/real-peers.js'
import { deadPort } from '../support/scripted-peer.js'
import { HOUR } from '../support/time.js'
import { type RunningService, VoBox } from '../support/vo-box.js'

const PROGRAMS = [
  ...MYPROXY_PROGRAMS,
  'grid-proxy-init',
  'grid-proxy-info',
  'voms-proxy-info2',
  'openssl',
]

interface Line {
  keys: 'rsa2048' | 'p256'
  tls: 'TLSv1.2' | 'TLSv1.3'
  host(grid: RealGrid): GridIdentity
  /** Servers as given to `--server`; the last one is alive. */
  servers(alive: string): Promise<string>
  /** Writes a login proxy that lives for an hour; returns its path. */
  login(grid: RealGrid, box: VoBox): Promise<string>
}

const lines: [string, Line][] = [
  [
    'RSA-2048 keys, TLS 1.2, a login proxy of grid-proxy-init and a dead first server',
    {
      keys: 'rsa2048',
      tls: 'TLSv1.2',
      host: (grid) => grid.hosts.vobox,
      servers: async (alive) => `localhost:${await deadPort()},${alive}`,
      async login(grid, box) {
        const made = join(grid.directory, 'made-by-grid-proxy-init')
        const args = ['-valid', '1:00', '-bits', '2048', '-out', made]
        const { exitCode, stdout } = await grid.run('grid-proxy-init', args, {
          as: grid.users.alice,
        })
        if (exitCode !== 0) throw new Error(stdout)
        return box.put('login-rsa', readFileSync(made))
      },
    },
  ],
  [
    'P-256 keys, TLS 1.3 and one server',
    {
      keys: 'p256',
      tls: 'TLSv1.3',
      host: (grid) => grid.hosts.voboxEc,
      servers: async (alive) => alive,
      login: async (grid, box) =>
        box.putLogin('login-ec', addProxy(grid.users.alice.credential, { hours: 1 })),
    },
  ],
]

describeWithPrograms('the whole line, in processes of their own', PROGRAMS, () => {
  let grid: RealGrid
  beforeAll(async () => {
    grid = await startRealGrid()
    await grid.upload({ as: grid.users.alice })
  })
  afterAll(() => grid?.stop())

  describe.each(lines)('with %s', (_name, line) => {
    let box: VoBox
    let login: string
    let file: string
    let alive: string
    let service: RunningService | undefined
    const serial = () => parseCredential(readFileSync(file)).chain[0]?.serialHex
    const renewed = () => box.events('renewed').length
    const asUser = () => ({ env: { X509_USER_PROXY: login } })

    beforeAll(async () => {
      box = new VoBox(grid.directory, {
        vo: `whole-${line.keys}-${process.pid}`,
        config: configFor(grid, line),
      })
      login = await line.login(grid, box)
      file = box.repository.path(proxyFileName(grid.users.alice.dn, undefined))
      alive = `${grid.server.host}:${grid.server.port}`
    })
    afterAll(() => box?.close())

    it('makes the machine proxy of 24 h from the host certificate, 0400, the VO admin’s', async () => {
      const { certificatePath, keyPath, dn } = line.host(grid)
      const args = ['machine-proxy', '--cert', certificatePath, '--key', keyPath]
      const made = await box.call([...args, '--owner', box.admin.name], { asRoot: true })
      expect(made).toMatchObject({ status: 0, stderr: '' })
      const { mode, uid } = statSync(box.paths.machineProxy)
      expect([mode & 0o777, uid]).toEqual([0o400, box.admin.uid])
      const facts = describeChain(parseCredential(readFileSync(box.paths.machineProxy)).chain)
      expect(facts.identity.oneLine).toBe(dn)
      expect(facts.effectiveEnd - realNow()).toBeGreaterThan(23.9 * HOUR)
    })

    it('registers a login proxy of an hour: successfully, and with no word on stderr', async () => {
      const servers = await line.servers(alive)
      const settings = ['--refresh', '2s', '--myproxy-safe', '86400', '--no-voms']
      const args = ['register', '-t', '48', ...settings, '--server', servers]
      const { status, stdout, stderr } = await box.call(args, asUser())
      expect([status, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(/^successfully registered /)
      expect(stdout).toContain(`on ${alive}, ends `)
      expect(statSync(file).mode & 0o777).toBe(0o600)
      const left = describeChain(parseCredential(readFileSync(file)).chain).effectiveEnd - realNow()
      expect(left).toBeLessThanOrEqual(HOUR)
    })

    it('renews it twice by itself, to 48 h, from the server that lives', async () => {
      const before = serial()
      service = await box.startService()
      await box.until(() => renewed() >= 2)
      expect(serial()).not.toBe(before)
      const { chain, privateKey } = parseCredential(readFileSync(file))
      const { identity, effectiveEnd } = describeChain(chain)
      expect(identity.oneLine).toBe(grid.users.alice.dn)
      expect(effectiveEnd - realNow()).toBeGreaterThan(48 * HOUR - 60)
      expect(privateKey.asymmetricKeyType).toBe(line.keys === 'p256' ? 'ec' : 'rsa')
      expect(box.events('renewed').at(-1)).toContain(` server=${alive} end=`)
      expect(box.events('renewal-failed')).toEqual([])
      expect((await box.askService('status')).stdout).toBe(
        `Service running in pid ${service.child.pid}\n`,
      )
    })

    it('takes another rhythm for what is registered, and keeps the proxy that lives longer', async () => {
      const settings = ['--refresh', '1h', '--no-voms', '--no-check']
      const { status, stdout } = await box.call(['register', ...settings], asUser())
      expect(status).toBe(0)
      expect(stdout).toMatch(/^successfully updated /)
      expect(stdout).toContain('every 1 h')
    })

    it('answers every form of query as scripts expect it', async () => {
      const dn = grid.users.alice.dn
      const legacy = await box.callBare(['--vo', box.vo, '--dn', 'all', 'query'])
      expect(legacy.stdout).toMatch(
        new RegExp(
          `^DN: ${escaped(dn)} \nFile: ${escaped(file)} \nProxy Time Left \\(seconds\\): 17[12]\\d{3} \n` +
            'Myproxy Time Left \\(seconds\\): 60\\d{4} \n' +
            'Stored Credential Seen: (by INFO of|in the chain of the last renewal, from) \\S+ .* \n$',
        ),
      )
      const mine = [['query'], ['query', '-dn', dn], ['query', '--dn', `'${dn}'`]]
      for (const { stdout } of await Promise.all(mine.map((args) => box.call(args, asUser())))) {
        expect(stdout).toMatch(/^DN: .*\nFile: .*\nProxy Time /)
      }
      const values = {
        'query-dn': new RegExp(`^${escaped(dn)}\n$`),
        'query-proxy-filename': new RegExp(`^${escaped(file)}\n$`),
        'query-proxy-timeleft': /^17[12]\d{3}\n$/,
        'query-myproxy-timeleft': /^60\d{4}\n$/,
      }
      await Promise.all(
        Object.entries(values).map(async ([command, value]) => {
          const answer = await box.callBare(['-vo', box.vo, `-dn=${dn}`, command])
          expect(answer).toEqual({ status: 0, stdout: expect.stringMatching(value), stderr: '' })
        }),
      )
      // Of the login proxy itself, which nobody renewed.
      const own = await box.callBare(['query-proxy-timeleft'], asUser())
      expect(Number(own.stdout)).toBeLessThanOrEqual(HOUR)

      const { stdout: json } = await box.call(['query', '--dn', 'all', '--json'])
      expect(JSON.parse(json).registrations).toMatchObject([
        { identity: dn, file, lifetimeSeconds: 48 * HOUR, renewedFrom: alive, failures: 0 },
      ])
      const { stdout: table } = await box.call(['query', '--table'])
      expect(table).toMatch(/^PROXY .*\n(48 h|47 h \d+ min) .*\/CN=alice\n$/)
    })

    it('gives service scripts the path by env, in a form that a shell evaluates', async () => {
      const { status, stdout } = await box.call(['env'])
      expect(status).toBe(0)
      const script = join(grid.directory, 'service.sh')
      writeFileSync(script, `${stdout}printf %s "$X509_USER_PROXY"\n`)
      expect((await grid.run('sh', [script])).stdout).toBe(file)
    })

    it('renews at once with renew --force, and says so in a line', async () => {
      const before = serial()
      const { status, stdout, stderr } = await box.call(['renew', '--all', '--force'])
      expect([status, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(new RegExp(`^renewed +${grid.users.alice.dn}: .* from ${alive}\n$`))
      expect(serial()).not.toBe(before)
    })

    it('renews though the first address of the server’s name is dead', async (context) => {
      const under = firstAddressDead(grid.directory)
      if (under === undefined) return context.skip('needs root and mount namespaces')
      const options = { asRoot: true, under }
      const { status, stdout, stderr } = await box.call(['renew', '--all', '--force'], options)
      expect([status, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(/^renewed /)
    })

    it('makes proxies that grid-proxy-info, voms-proxy-info and openssl accept', async () => {
      const proxy = join(grid.directory, `copy-of-${line.keys}`)
      writeFileSync(proxy, readFileSync(file), { mode: 0o600 })
      const run = (program: string, ...args: string[]) => grid.run(program, args)
      const globus = await run('grid-proxy-info', '-f', proxy, '-exists', '-valid', '47:00')
      expect(globus).toMatchObject({ exitCode: 0 })
      const identity = await run('grid-proxy-info', '-f', proxy, '-identity')
      expect(identity.stdout.trim()).toBe(grid.users.alice.dn)

      const voms = await run('voms-proxy-info2', '-file', proxy, '-all')
      expect(voms.exitCode).toBe(0)
      expect(voms.stdout).toMatch(/^type +: RFC compliant proxy$/m)
      expect(voms.stdout).toMatch(/^timeleft +: (48:00|47:[2-5]\d):\d\d$/m)

      const [leaf, ...above] = parseCredential(readFileSync(file)).chain.map(({ der }) =>
        encodePem('CERTIFICATE', der),
      )
      const [leafFile, aboveFile] = [`${proxy}.leaf`, `${proxy}.above`]
      writeFileSync(leafFile, leaf ?? '')
      writeFileSync(aboveFile, above.join(''))
      const trust = ['-CApath', grid.trustDirectory, '-untrusted', aboveFile]
      const verified = await run('openssl', 'verify', '-allow_proxy_certs', ...trust, leafFile)
      expect(verified.stdout).toBe(`${leafFile}: OK`)
    })

    it('unregisters: the file goes, the service forgets it, and queries end with 3', async () => {
      const { status, stdout } = await box.call(['unregister'], asUser())
      expect([status, stdout]).toEqual([0, expect.stringMatching(/^successfully unregistered /)])
      expect(existsSync(file)).toBe(false)
      expect(await box.call(['query', '--dn', 'all'])).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
      })
      const gone = await box.call(['query', '--dn', grid.users.alice.dn])
      expect([gone.status, gone.stdout]).toEqual([3, ''])

      const count = renewed()
      const ended = await service?.stop()
      expect(ended?.status).toBe(0)
      expect(ended?.stderr).toBe('')
      expect(renewed()).toBe(count)
      expect(existsSync(file)).toBe(false)
      expect((await box.askService('status')).stdout).toBe('Service not running\n')
    })
  })
})

/**
 * A command line below which `localhost` is `::1`, where Debian's server does not listen, and then
 * 127.0.0.1; undefined where this machine lets nobody have a view of their own of `/etc/hosts`.
 */
function firstAddressDead(directory: string): string[] | undefined {
  const hosts = join(directory, 'hosts')
  writeFileSync(hosts, '::1 localhost\n127.0.0.1 localhost\n', { mode: 0o644 })
  const under = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && "$@"', hosts]
  const [program = '', ...words] = [...under, 'getent', 'ahosts', 'localhost']
  const { stdout } = spawnSync(program, words, { encoding: 'utf8' })
  return /^::1\s.*^127\.0\.0\.1\s/ms.test(stdout ?? '') ? under : undefined
}

function configFor(grid: RealGrid, { keys, tls }: Line): string {
  return `
[limits]
min_interval_seconds = 1
[keys]
kind = "${keys}"
pool = 2
[trust]
directory = "${grid.trustDirectory}"
[myproxy]
tls_max_version = "${tls}"
[mail]
transport = "none"
`
}

function escaped(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')
}
