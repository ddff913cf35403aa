/**
 * The main job with VOMS attributes, against Debian's `myproxy-server` and `voms` at once: a login
 * proxy of the C client is registered, renewed by the service with its role, read by the C and the
 * Java client, and kept when a role is taken back or a VOMS server is down.
 */
import { copyFileSync, cpSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { addProxy, realNow } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { type RealVoms, startRealVoms, VOMS_PROGRAMS } from '../support/real-voms.js'
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.js'
import { HOUR } from '../support/time.js'
import { codeOf, type RunningService, VoBox } from '../support/vo-box.js'

const ROLE = '/alice/Role=lcgadmin'

describeWithPrograms('the whole line with VOMS', [...MYPROXY_PROGRAMS, ...VOMS_PROGRAMS], () => {
  let grid: RealGrid
  let voms: RealVoms
  let sink: SmtpSink
  let box: VoBox
  let login: string
  let service: RunningService | undefined
  const files = (name: string) => join(grid.directory, `of-the-box-${name}`)

  beforeAll(async () => {
    grid = await startRealGrid()
    voms = await startRealVoms(grid)
    sink = await startSmtpSink()
    await grid.upload({ as: grid.users.alice })
    // The database's directory, which they lie in, is root's alone.
    cpSync(voms.vomsdir, files('vomsdir'), { recursive: true })
    cpSync(voms.vomses, files('vomses'), { recursive: true })
    box = new VoBox(grid.directory, { vo: `whole-voms-${process.pid}`, config: configFor() })
    const { certificatePath, keyPath } = grid.hosts.vobox
    const words = ['machine-proxy', '--cert', certificatePath, '--key', keyPath]
    const made = await box.call([...words, '--owner', box.admin.name], { asRoot: true })
    expect(made).toMatchObject({ status: 0, stderr: '' })
    const file = join(grid.directory, 'made-by-voms-proxy-init')
    const init = ['-voms', `alice:${ROLE}`, '-valid', '1:00', '-bits', '2048', '-out', file]
    const { exitCode, stdout, stderr } = await voms.run('voms-proxy-init2', init, {
      as: grid.users.alice,
    })
    if (exitCode !== 0) throw new Error(`${stdout}${stderr}`)
    login = box.put('login', readFileSync(file))
  })
  afterAll(async () => {
    await box?.close()
    await sink?.stop()
    await voms?.stop()
    await grid?.stop()
  })

  function configFor(): string {
    return `
[limits]
min_interval_seconds = 1
[keys]
pool = 1
[trust]
directory = "${grid.trustDirectory}"
[voms]
directory = "${files('vomsdir')}"
vomses = ["${files('vomses')}"]
[myproxy]
servers = ["${grid.server.host}:${grid.server.port}"]
[mail]
transport = "smtp"
smtp.host = "${sink.host}"
smtp.port = ${sink.port}
`
  }

  const asUser = () => ({ env: { X509_USER_PROXY: login } })
  const newest = async () => {
    const glob = `ls -t ${box.paths.repository}/*lcgadmin | sed q`
    return (await grid.run('sh', ['-c', glob])).stdout.trim()
  }
  const bytes = async () => readFileSync(await newest())
  const renewed = () => box.events('renewed').length
  const failed = (code: string) => box.events('renewal-failed').filter((it) => it.includes(code))
  const row = async () => {
    const { stdout } = await box.call(['query', '--dn', 'all', '--json'])
    return JSON.parse(stdout).registrations[0]
  }
  const reload = () => service?.child.kill('SIGHUP')
  const mailAbout = (words: string) => sink.mails.find(({ subject }) => subject.includes(words))

  it('wants to hear --no-voms of a proxy without attributes, and registers nothing', async () => {
    const plain = box.putLogin('plain', addProxy(grid.users.alice.credential, { hours: 1 }))
    const env = { X509_USER_PROXY: plain }
    const refused = await box.call(['register', '--json'], { env })
    expect([refused.status, refused.stdout, codeOf(refused)]).toEqual([1, '', 'ATTRIBUTES_MISSING'])
  })

  it('says at registration, in the words of the server, that a role is not granted', async () => {
    const words = ['register', '--voms', 'alice:/alice/Role=production', '--json']
    const refused = await box.call(words, asUser())
    expect([refused.status, codeOf(refused)]).toEqual([1, 'VOMS_ATTRIBUTE_NOT_GRANTED'])
    expect((await box.call(['query-dn', '--dn', 'all'])).stdout).toBe('')
  })

  it('registers what the login proxy of voms-proxy-init carries, under a name that ends in the role', async () => {
    const settings = ['-t', '48', '--refresh', '2s', '--myproxy-safe', '3600']
    settings.push('--email', 'alice@example.org')
    const { status, stdout, stderr } = await box.call(['register', ...settings], asUser())
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^successfully registered /)
    expect(stdout).toContain(`  voms     alice:${ROLE}, alice`)
    expect(await newest()).toMatch(/proxy-voms\+20alice\+3a\+2falice\+2fRole\+3dlcgadmin$/)
  })

  it('renews it by itself, with a file that both clients accept with the role first', async () => {
    service = await box.startService()
    await box.until(() => renewed() >= 2)
    expect(box.events('renewal-failed')).toEqual([])
    const file = await newest()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const copy = join(grid.directory, 'copy')
    copyFileSync(file, copy)
    for (const client of ['voms-proxy-info2', 'voms-proxy-info3']) {
      const { exitCode, stdout } = await voms.run(client, ['-file', copy, '-all'])
      expect([client, exitCode]).toEqual([client, 0])
      expect(stdout.match(/^attribute : .*/m)?.[0]).toContain(`attribute : ${ROLE}`)
      const fqan = await voms.run(client, ['-file', copy, '-fqan'])
      expect(fqan.stdout.split('\n')[0]).toContain(ROLE)
    }
    const arc = await voms.run('arcproxy', ['-P', copy, '-I', '-T', grid.trustDirectory])
    expect(arc.stdout).toContain(ROLE)
    const { chain } = parseCredential(readFileSync(file))
    expect(describeChain(chain).effectiveEnd - realNow()).toBeGreaterThan(47 * HOUR)
  })

  it('shows the attributes in query, verified, and ends with them', async () => {
    const { voms: registered, attributes, proxy } = await row()
    expect(registered[0]).toBe(`alice:${ROLE}`)
    expect(attributes).toMatchObject([{ vo: 'alice', verified: true, verifiedBy: 'lsc' }])
    expect(attributes[0].fqans[0]).toBe(ROLE)
    expect(proxy.end).toBeLessThanOrEqual(attributes[0].notAfter)
  })

  it('keeps the old proxy when the role is revoked, and mails what VOMS says', async () => {
    await voms.revoke('alice', '/alice', 'lcgadmin')
    await box.until(() => failed('code=VOMS_ATTRIBUTE_NOT_GRANTED stage=attributes').length > 0)
    const before = await bytes()
    await box.until(() => mailAbout('VOMS attributes alice: no longer granted') !== undefined)
    expect(mailAbout('no longer granted')?.text).toContain('The MyProxy server renews, but VOMS')
    expect(await bytes()).toEqual(before)
    expect(await row()).toMatchObject({
      lastFailure: { code: 'VOMS_ATTRIBUTE_NOT_GRANTED', stage: 'attributes' },
      proxy: { usable: true },
    })
  })

  it('renews it again when the role is back, and sends the all-clear', async () => {
    const before = renewed()
    await voms.grant('alice', '/alice', 'lcgadmin')
    reload()
    await box.until(() => renewed() > before)
    await box.until(() => mailAbout('VOMS attributes alice: all clear') !== undefined)
  })

  it('tells a VOMS server that is down from MyProxy, and renews as soon as it is back', async () => {
    await voms.stopServer('alice')
    await box.until(() => failed('code=VOMS_SERVERS_FAILED stage=attributes').length > 0)
    const { stdout } = await box.call(['query', '--table'])
    expect(stdout).toContain('VOMS attributes: no VOMS server of alice could be used')
    const before = renewed()
    await voms.startServer('alice')
    reload()
    await box.until(() => renewed() > before)
  })

  it('reads vomsdir and vomses again when they change, without a restart', async () => {
    const lsc = join(files('vomsdir'), 'alice', 'localhost.lsc')
    const vomses = join(files('vomses'), 'alice-localhost')
    const contents = [lsc, vomses].map((path) => readFileSync(path))
    rmSync(lsc)
    reload()
    await box.until(() => failed('code=VOMS_TRUST_MISSING stage=attributes').length > 0)
    rmSync(vomses)
    reload()
    await box.until(() => failed('code=VOMS_VO_UNKNOWN stage=attributes').length > 0)
    const before = renewed()
    for (const [index, path] of [lsc, vomses].entries()) {
      writeFileSync(path, contents[index] ?? '', { mode: 0o644 })
    }
    reload()
    await box.until(() => renewed() > before)
  })

  it('names a credential that was uploaded with VOMS, and heals when it is uploaded without', async () => {
    const { alice } = grid.users
    const proxy = join(grid.directory, 'to-upload')
    const init = ['-voms', 'alice', '-valid', '48:00', '-bits', '2048', '-out', proxy]
    await voms.run('voms-proxy-init2', init, { as: alice })
    const upload = ['-d', '-n', '-A', '-c', '40', '-t', '40']
    const env = { X509_USER_CERT: proxy, X509_USER_KEY: proxy }
    const stored = await grid.run('myproxy-init', upload, { env })
    expect(stored).toMatchObject({ exitCode: 0 })
    await box.until(() => failed('code=CREDENTIAL_CARRIES_ATTRIBUTES').length > 0)
    const refused = await box.call(['register', '--json'], asUser())
    expect(codeOf(refused)).toBe('CREDENTIAL_CARRIES_ATTRIBUTES')
    expect(refused.stderr).toContain('vobox-proxy myproxy init --for-vobox -s ')
    const before = renewed()
    await grid.upload({ as: alice })
    reload()
    await box.until(() => renewed() > before)
  })

  it('unregisters, and the service ends without a word on stderr', async () => {
    const { status, stdout } = await box.call(['unregister'], asUser())
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^successfully unregistered /)])
    expect(await newest()).toBe('')
    const ended = await service?.stop()
    expect([ended?.status, ended?.stderr]).toEqual([0, ''])
  })
})
