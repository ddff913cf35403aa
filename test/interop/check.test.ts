/**
 * `check` and `forecast` through the built program, against Debian's `myproxy-server`: a line that is
 * well, and the ways in which one breaks, each told in one sentence.
 */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { encodePem } from '../../src/x509/pem.js'
import { type CheckReport, type Stage, Stages } from '../support/check-stage.js'
import { hostName, realNow, TestAuthority } from '../support/pki.js'
import { makeCrl, writeTrustFiles } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { deadPort } from '../support/scripted-peer.js'
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.js'
import { DAY } from '../support/time.js'

describeWithPrograms('check, against real servers', MYPROXY_PROGRAMS, () => {
  let grid: RealGrid
  let strict: RealGrid
  let sink: SmtpSink
  let dead: number
  let stages: Stages

  beforeAll(async () => {
    grid = await startRealGrid()
    // Its CA has the same name and key; it lets no machine of these renew.
    strict = await startRealGrid({
      policy: { authorized_renewers: '"/DC=org/DC=example/OU=None/*"' },
    })
    sink = await startSmtpSink()
    stages = new Stages(grid, sink.port)
    dead = await deadPort()
    await grid.upload({ as: grid.users.alice })
  })
  afterEach(() => stages?.close())
  afterAll(async () => {
    await sink?.stop()
    await strict?.stop()
    await grid?.stop()
  })

  const stage = (change?: (stage: Stage) => void | Promise<void>) => stages.make(change)

  async function check({ box, hostKey }: Stage, ...options: string[]): Promise<CheckReport> {
    const args = ['check', '--cert', grid.hosts.vobox.certificatePath, '--key', hostKey, '--json']
    const { stdout, stderr } = await box.call([...args, ...options], { asRoot: true })
    expect(stderr).toBe('')
    return JSON.parse(stdout)
  }

  const trouble = ({ findings }: CheckReport) =>
    findings
      .filter(({ verdict }) => verdict === 'bad' || verdict === 'doubtful')
      .map(({ check: name, verdict, sentence }) => `${verdict} ${name}: ${sentence}`)

  it('finds nothing on a line that is well, service and all, and ends with 0', async () => {
    const well = await stage()
    const service = await well.box.startService()
    const report = await check(well)
    await service.stop()
    expect(trouble(report)).toEqual([])
    expect(report.ok).toBe(true)
    const seen = new Set(report.findings.map((one) => one.check))
    expect([...seen].sort()).toEqual([
      'chain',
      'clock',
      'crl',
      'disk',
      'host-certificate',
      'lifetime',
      'machine-proxy',
      'mail',
      'registry',
      'renewer',
      'repository',
      'server',
      'service',
      'stored-credential',
      'trust',
      'user-proxy',
    ])
    // What a sixth of the tests depend on: the real server shows its clock by what it signs.
    expect(report.findings.find((one) => one.check === 'clock')?.sentence).toContain('localhost:')
  })

  /** Each breaks one thing; the service does not run in any of them, which is said apart. */
  const broken: [string, (stage: Stage) => void | Promise<void>, RegExp, RegExp][] = [
    [
      'an expired CRL',
      ({ trust }) => {
        const now = realNow()
        const crl = makeCrl(grid.ca, { thisUpdate: now - 3 * DAY, nextUpdate: now - DAY })
        const file = readdirSync(trust).find((name) => name.endsWith('.crl')) ?? ''
        writeFileSync(join(trust, file), encodePem('X509 CRL', crl))
      },
      /^bad crl: the CRL of .*Real Grid CA has expired; nothing signed by that CA is accepted$/,
      /fetch-crl/,
    ],
    [
      'a CA that is missing',
      async ({ trust }) => {
        rmSync(trust, { recursive: true })
        await writeTrustFiles(trust, new TestAuthority({ name: hostName('another.ca') }))
      },
      /^bad trust: /,
      /CA/,
    ],
    [
      'a host key that others can read',
      ({ hostKey }) => chmodSync(hostKey, 0o444),
      /^bad host-certificate: others than its owner can get at the host key .*: it has mode 0444$/,
      /chmod 0400/,
    ],
    [
      'a machine proxy that has expired',
      (made) => stages.putMachineProxy(made, -1),
      /^bad machine-proxy: The machine proxy expired .* No proxy of this VO is renewed without it$/,
      /box-proxyrenewal proxy/,
    ],
    [
      'a server that is down',
      (made) => {
        made.servers = [`localhost:${dead}`]
      },
      /^bad server: localhost:\d+: cannot connect to 127.0.0.1:\d+/,
      /port/,
    ],
    [
      'a server that does not let this machine renew',
      async (made) => {
        await strict.upload({ as: grid.users.alice })
        made.servers = [`localhost:${strict.server.port}`]
      },
      /^bad renewer: .*does not let .*vobox.example.org renew/,
      /authorized_renewers/,
    ],
    [
      'a stored credential that is gone',
      (made) => {
        made.settings = { settings: { username: 'nobody-stored-this' } }
      },
      /^bad stored-credential: localhost:\d+ holds no credential of this registration$/,
      /vobox-proxy myproxy init --for-vobox /,
    ],
    [
      'a credential that was stored with -t 12',
      async (made) => {
        const options = ['-l', 'short', '-n', '-A', '-c', '168', '-t', '12']
        await grid.upload({ as: grid.users.alice, options })
        made.settings = { settings: { username: 'short' } }
      },
      /^doubtful lifetime: asked for 48 h and got 12 h, because the credential was stored with a shorter -t$/,
      /vobox-proxy myproxy init --for-vobox .*-l short$/,
    ],
    [
      'a repository that cannot be written',
      ({ box }) => {
        mkdirSync(box.paths.repository, { mode: 0o700 })
        box.put('never', '')
      },
      /^bad repository: /,
      /df|ls/,
    ],
    [
      'mail that cannot leave',
      (made) => {
        made.mail = `transport = "smtp"\n[mail.smtp]\nhost = "127.0.0.1"\nport = ${dead}`
      },
      /^bad mail: 127\.0\.0\.1:\d+ does not answer as a mail server/,
      /\[mail\]/,
    ],
    [
      'a service that is dead',
      () => {},
      /^bad service: the renewal service does not run/,
      /start$/,
    ],
  ]

  it.each(broken)(
    'tells %s in one sentence, with its cure',
    async (name, change, sentence, cure) => {
      const made = await stage(change)
      if (name.startsWith('a repository')) chmodSync(made.box.paths.repository, 0o500)
      const report = await check(made)
      const isService = name === 'a service that is dead'
      const found = trouble(report).filter((one) => isService || !one.startsWith('bad service:'))
      expect(found, found.join('\n')).toHaveLength(1)
      expect(found[0]).toMatch(sentence)
      const finding = report.findings.find((one) => found[0]?.endsWith(`: ${one.sentence}`))
      expect(finding?.cure).toMatch(cure)
      expect(report.ok).toBe(false)
    },
  )

  it('tells a server that is not the one it is named', async () => {
    const impostor = await grid.another({
      serverCredential: ({ ca }) => ca.issueHost('other.example.org', { key: 'rsa2048' }),
    })
    const made = await stage((one) => {
      one.servers = [`localhost:${impostor.server.port}`]
    })
    const { findings } = await check(made)
    const server = findings.find((one) => one.check === 'server')
    expect(server).toMatchObject({ verdict: 'bad', code: 'PEER_NAME_MISMATCH' })
    expect(server?.sentence).toContain('other.example.org')
    expect(server?.cure).toContain('server_dn')
    const others = findings.filter((one) => ['stored-credential', 'renewer'].includes(one.check))
    expect(others.filter((one) => one.verdict === 'bad')).toEqual([])
    await impostor.stop()
  })

  it('says in what two servers of one list differ', async () => {
    const other = await grid.another()
    const options = ['-d', '-n', '-A', '-c', '100', '-t', '12']
    const env = { MYPROXY_SERVER_PORT: String(other.server.port) }
    const stored = await grid.run('myproxy-init', options, { as: grid.users.alice, env })
    expect(stored.exitCode, stored.stderr).toBe(0)
    const made = await stage((one) => {
      one.servers = [`localhost:${grid.server.port}`, `localhost:${other.server.port}`]
    })
    const { findings } = await check(made)
    const alike = findings.filter((one) => one.check === 'alike')
    expect(alike.map((one) => one.verdict)).toEqual(['doubtful', 'doubtful'])
    expect(alike[0]?.sentence).toMatch(/has a credential that ends in \d+ d.* ends in 4 d/)
    expect(alike[1]?.sentence).toMatch(
      /^localhost:\d+ has proxies of up to 48 h, and localhost:\d+ has proxies of up to 12 h$/,
    )
    await other.stop()
  })

  it.each([
    ['without a copy: nobody is known', false, 'bad'],
    ['with the copy in use', true, 'doubtful'],
  ])('tells a registry that was edited badly, %s', async (_name, withCopy, verdict) => {
    const made = await stage()
    const { registry, registryPrevious } = made.box.paths
    if (withCopy) {
      copyFileSync(registry, registryPrevious)
      chownSync(registryPrevious, made.box.admin.uid, made.box.admin.gid)
    }
    writeFileSync(registry, '{ "version": 1, "registrations": [ oops', { mode: 0o600 })
    const { findings } = await check(made)
    const found = findings.filter((one) => one.check === 'registry')
    expect(found).toMatchObject([{ verdict, sentence: expect.stringContaining('registry.json') }])
    expect(found[0]?.cure).toMatch(/registry\.json/)
    const known = findings.some((one) => one.check === 'user-proxy' && one.verdict === 'good')
    expect(known).toBe(withCopy)
  })

  describe('with a second server, which refuses', () => {
    it('rehearses on both, says which one would fail, and leaves nothing behind', async () => {
      await strict.upload({ as: grid.users.alice })
      const made = await stage((one) => {
        one.servers = [`localhost:${grid.server.port}`, `localhost:${strict.server.port}`]
      })
      const before = made.box.picture()
      const { findings } = await check(made, '--rehearse')
      const rehearsed = findings.filter((one) => one.check === 'rehearsal')
      expect(rehearsed).toMatchObject([
        {
          verdict: 'good',
          server: `localhost:${grid.server.port}`,
          sentence: expect.stringMatching(/renews it for 47 h 59 min|48 h/),
        },
        {
          verdict: 'bad',
          server: `localhost:${strict.server.port}`,
          code: 'MYPROXY_NOT_AUTHORISED_RENEWER',
        },
      ])
      expect(made.box.picture()).toEqual(before)
      expect(readdirSync(made.box.paths.directory).filter((one) => /rehears/.test(one))).toEqual([])
    })
  })

  it('sends a mail with --send-mail, and says to whom', async () => {
    const made = await stage((one) => {
      one.mail = `admin = "boss@example.org"\n${one.mail}`
    })
    const { findings } = await check(made, '--send-mail')
    expect(findings.find((one) => one.check === 'mail')?.sentence).toContain('boss@example.org')
    await made.box.until(() => sink.mails.length > 0)
    expect(sink.mails.at(-1)?.to).toEqual(['boss@example.org'])
  })

  it('is a plugin of Nagios: one line, performance data, and 2 for what fails', async () => {
    const { box, hostKey } = await stage()
    const host = ['--cert', grid.hosts.vobox.certificatePath, '--key', hostKey]
    const { status, stdout } = await box.call(['check', '--nagios', ...host], { asRoot: true })
    expect(status).toBe(2)
    expect(stdout).toMatch(
      /^VOBOX CRITICAL - check-\d+-\d+: the renewal service does not run[^|\n]* \| user_proxy=\d+s;;;0 stored_credential=\d+s;;;0 machine_proxy=\d+s;;;0 host_certificate=\d+s;;;0 failed=1;;;0 doubtful=0;;;0\n$/,
    )
  })

  it('ends with 0, 1 and 3 for Nagios where all is well, where something is to be looked at, and where it cannot look', async () => {
    const made = await stage()
    const host = ['--cert', grid.hosts.vobox.certificatePath, '--key', made.hostKey]
    const ask = () => made.box.call(['check', '--nagios', ...host], { asRoot: true })
    const service = await made.box.startService()
    const well = await ask()
    expect([well.status, well.stderr]).toEqual([0, ''])
    expect(well.stdout).toMatch(
      /^VOBOX OK - check-[^|\n]* \| user_proxy=\d+s;[^\n]* failed=0;;;0 doubtful=0;;;0\n$/,
    )
    const options = ['-l', 'short', '-n', '-A', '-c', '168', '-t', '12']
    await grid.upload({ as: grid.users.alice, options })
    const short = await stage((one) => {
      one.settings = { settings: { username: 'short' } }
    })
    const other = await short.box.startService()
    const doubtful = await short.box.call(['check', '--nagios', ...host], { asRoot: true })
    await Promise.all([service.stop(), other.stop()])
    expect(doubtful.status).toBe(1)
    expect(doubtful.stdout).toMatch(
      /^VOBOX WARNING - check-[^|]*shorter -t[^|]* \| .* failed=0;;;0 doubtful=1;;;0\n$/,
    )
    const nowhere = await made.box.callBare(['--vo', 'no-such-vo', 'check', '--nagios'])
    expect(nowhere.status).toBe(3)
    expect(nowhere.stdout).toMatch(/^VOBOX UNKNOWN - .*no-such-vo[^\n]*\n$/)
  })

  it('marks in ASCII where the locale is not UTF-8, and prints only what is wrong with --quiet', async () => {
    const { box, hostKey } = await stage()
    const host = ['--cert', grid.hosts.vobox.certificatePath, '--key', hostKey]
    const env = { LC_ALL: 'C' }
    const { status, stdout } = await box.call(['check', '--quiet', ...host], { asRoot: true, env })
    expect(status).toBe(1)
    const lines = stdout.split('\n').filter(Boolean)
    expect(lines).toEqual([
      `VO ${box.vo}`,
      '  x  the renewal service does not run, so that no proxy is kept alive',
      expect.stringMatching(/^ {5}As the VO admin or root: \/etc\/init\.d\/.* start$/),
    ])
  })

  it('forecast names certificate, stored credential and CA, in the order in which they end', async () => {
    const { box, hostKey } = await stage((one) => {
      const now = realNow()
      one.settings = {
        state: {
          failures: 0,
          storedEnd: { at: (now + 5 * DAY) as never, learnedAt: now, from: 'info' },
        },
      }
    })
    const host = ['--cert', grid.hosts.vobox.certificatePath, '--key', hostKey]
    const args = ['forecast', '--days', '9999', '--json', ...host]
    const { stdout, stderr } = await box.call(args, { asRoot: true })
    expect(stderr).toBe('')
    const { endings, gaps } = JSON.parse(stdout)
    expect(gaps).toEqual([])
    const ends = endings.map(({ end }: { end: number }) => end)
    expect(ends).toEqual([...ends].sort((a, b) => a - b))
    expect(endings.slice(0, 3).map(({ kind }: { kind: string }) => kind)).toEqual([
      'machine-proxy',
      'user-proxy',
      'stored-credential',
    ])
    const kinds = new Set(endings.map(({ kind }: { kind: string }) => kind))
    expect(kinds).toContain('user-certificate')
    expect(kinds).toContain('host-certificate')
    expect(kinds).toContain('ca-certificate')
    const file = join(box.paths.directory, 'calendar.ics')
    await box.call(['forecast', '--days', '9999', '--ics', file, ...host], { asRoot: true })
    expect(readFileSync(file, 'utf8')).toMatch(/^BEGIN:VCALENDAR\r\n[\s\S]*END:VCALENDAR\r\n$/)
  })
})
