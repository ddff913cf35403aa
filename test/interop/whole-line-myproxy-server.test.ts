/**
 * The main job on a MyProxy server of ours: what the C client stores, the service of a VO-Box renews,
 * also when Debian's server takes the directory over and gives it back, and from a secondary while the
 * primary is stopped. Every party is a program of its own, started as a site starts it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { proxyFileName } from '../../src/repository/proxy-file-name.js'
import { spawnSync } from '../support/bounded.js'
import { withoutHostCredential } from '../support/host-credential.js'
import { addProxy, realNow } from '../support/pki.js'
import { writeCredentialPair } from '../support/pki-files.js'
import { describeWithPrograms, findProgram } from '../support/programs.js'
import * as program from '../support/server-program.js'
import { HOUR } from '../support/time.js'
import { type RunningService, VoBox } from '../support/vo-box.js'

const PROGRAMS = ['myproxy-server', 'myproxy-init', 'myproxy-info']
const HOME = join(import.meta.dirname, '../..')
const VOBOX = 'vobox.example.org'

describeWithPrograms('the whole line on a MyProxy server of ours', PROGRAMS, () => {
  const OURS = program.OUR_NAME
  const DEBIANS = [findProgram('myproxy-server') ?? '']
  /** What the names of the secondary's files begin with; those of the primary are the scene's own. */
  const SECOND = 'second-'

  let scene: program.ServerScene
  let box: VoBox
  let service: RunningService | undefined
  let login: string
  let alice: string
  /** As registrations name them. */
  let primary: string
  let secondary: string
  const pids = new Set<number>()

  beforeAll(async () => {
    scene = await program.makeServerScene()
    const config = voBoxConfig(scene.trustDirectory)
    box = new VoBox(scene.directory, { vo: `own-server-${process.pid}`, config })
    alice = nameOf(scene.aliceCredential)
    // The primary knows the secondary by its configuration, and the secondary takes from it alone.
    const host = `"${nameOf(scene.hostCredential)}"`
    writeFileSync(
      scene.file(`${SECOND}config`),
      program.CONFIG.replace('"/DC=org/DC=example/*"', host),
    )
    secondary = `localhost:${await start(OURS, SECOND)}`
    writeFileSync(scene.file('config'), `${program.CONFIG}slave_servers ${secondary}\n`)
    primary = `localhost:${await start(OURS)}`
    const vobox = scene.ca.issueHost(VOBOX, { key: 'rsa2048' })
    const { cert, key } = await writeCredentialPair(scene.directory, 'vobox', vobox)
    const args = ['machine-proxy', '--cert', cert, '--key', key, '--owner', box.admin.name]
    expect(await box.call(args, { asRoot: true })).toMatchObject({ status: 0, stderr: '' })
    login = box.putLogin('login', addProxy(scene.aliceCredential, { key: 'rsa2048', hours: 1 }))
  })
  afterAll(async () => {
    await box?.close()
    for (const pid of pids) if (program.isAlive(pid)) process.kill(pid, 'SIGKILL')
    await scene?.remove()
  })

  /** Starts a server of either kind, which detaches; returns its port once its pid is there too. */
  async function start([first = '', ...more]: readonly string[], name = '', port = '0') {
    const file = (word: string) => scene.file(name + word)
    const files = ['-c', file('config'), '-s', file('store'), '-P', file('pid'), '-z', file('port')]
    const args = [...more, ...files, '-l', '127.0.0.1', '-p', port]
    const [command, words] = withoutHostCredential(first, args)
    const options = { env: scene.environment, cwd: scene.directory, stdio: 'ignore' } as const
    expect(spawnSync(command, words, options)).toMatchObject({ status: 0 })
    // The C server writes it a little later.
    await box.until(() => numberIn(file('pid')) > 0)
    pids.add(numberIn(file('pid')))
    return numberIn(file('port'))
  }

  async function stop(name = ''): Promise<void> {
    const pid = numberIn(scene.file(`${name}pid`))
    process.kill(pid, 'SIGTERM')
    await box.until(() => !program.isAlive(pid))
    // The C server leaves its file behind.
    writeFileSync(scene.file(`${name}pid`), '')
  }

  /** What the primary is that runs now: the first word of its command line. */
  const runs = () =>
    readFileSync(`/proc/${numberIn(scene.file('pid'))}/cmdline`, 'utf8').split('\0')[0]

  /** Another primary goes on with directory, port and configuration of the one that is stopped. */
  async function takeOver(by: readonly string[]): Promise<void> {
    await stop()
    await start(by, '', portOf(primary))
    // A renewal that failed in between would be tried again in a minute, unless somebody asks.
    const asked = await box.call(['renew', '--all', '--force'])
    expect(asked).toMatchObject({ status: 0, stderr: '' })
    expect(asked.stdout).toContain(` from ${primary}\n`)
    service?.child.kill('SIGHUP')
  }

  /** Waits for so many renewals by the service, and says from where each of them came. */
  async function renewals(count: number): Promise<(string | undefined)[]> {
    const before = box.events('renewed').length
    await box.until(() => box.events('renewed').length >= before + count)
    const lines = box.events('renewed').slice(before, before + count)
    return lines.map((line) => / server=(\S+)/.exec(line)?.[1])
  }

  const register = (servers: string, ...more: string[]) => {
    const rhythm = ['-t', '48', '--refresh', '1s', '--no-voms', ...more]
    const env = { X509_USER_PROXY: login }
    return box.call(['register', '--server', servers, ...rhythm], { env })
  }

  it('stores what myproxy-init of C gives it for a VO-Box, and shows it to myproxy-info', () => {
    const stored = scene.client('myproxy-init', ['-d', '-n', '-t', '48', '-c', '3000', '-R', VOBOX])
    expect(stored).toMatchObject({ status: 0, said: expect.stringContaining('now exists on') })
    const { said } = scene.client('myproxy-info', ['-d'])
    expect(said).toContain(`renewal policy: */CN=${VOBOX}`)
  })

  it('serves vobox-proxy register and 3 renewals of vobox-renewd, to 48 h each', async () => {
    const { status, stdout, stderr } = await register(primary)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain(`on ${primary}, ends `)
    service = await box.startService()
    expect(await renewals(3)).toEqual([primary, primary, primary])
    const file = readFileSync(box.repository.path(proxyFileName(alice, undefined)))
    const { identity, effectiveEnd } = describeChain(parseCredential(file).chain)
    expect(identity.oneLine).toBe(alice)
    expect(effectiveEnd - realNow()).toBeGreaterThan(48 * HOUR - 60)
    expect(box.events('renewal-failed')).toEqual([])
  })

  it('hands its directory to Debian’s server, from which the next 2 renewals come', async () => {
    await takeOver(DEBIANS)
    expect(runs()).toBe(DEBIANS[0])
    expect(await renewals(2)).toEqual([primary, primary])
    expect(scene.client('myproxy-info', ['-d']).said).toContain(`owner: ${alice}`)
  })

  it('takes back what was stored with Debian’s server meanwhile, and renews from that', async () => {
    const stored = scene.client('myproxy-init', ['-d', '-n', '-t', '48', '-c', '99', '-R', VOBOX])
    expect(stored).toMatchObject({ status: 0 })
    await takeOver(OURS)
    expect(runs()).not.toBe(DEBIANS[0])
    expect(await renewals(1)).toEqual([primary])
    expect(scene.client('myproxy-info', ['-d']).said).toMatch(/timeleft: (98:59|99:00):/)
  })

  it('fills a secondary by the line of cron.d, which goes on while the primary is stopped', async () => {
    const filled = spawnSync('sh', ['-c', replication(scene)], {
      ...{ env: scene.environment, cwd: scene.directory, encoding: 'utf8' },
    })
    expect(filled).toMatchObject({ status: 0, stderr: '' })
    expect(filled.stdout).toContain(`${secondary} is up to date: 1 stored`)
    const both = await register(`${primary},${secondary}`, '--no-check')
    expect(both.stdout).toMatch(/^successfully updated /)
    const failed = box.events('renewal-failed')
    await stop()
    // The first may have begun before.
    expect((await renewals(3)).slice(1)).toEqual([secondary, secondary])
    expect(box.events('renewal-failed')).toEqual(failed)
    const { stdout: blocks } = await box.call(['query', '--dn', 'all'])
    expect(blocks).toContain(`from ${secondary}`)
    const { stdout } = await box.call(['query', '--dn', 'all', '--json'])
    expect(JSON.parse(stdout).registrations).toMatchObject([
      { identity: alice, renewedFrom: secondary, failures: 0 },
    ])
  })

  it('renews from the primary again once that is back, with no word to anybody', async () => {
    await start(OURS, '', portOf(primary))
    await box.until(async () => (await renewals(1))[0] === primary)
    const ended = await service?.stop()
    expect(ended).toMatchObject({ status: 0, stderr: '' })
  })
})

/** The command of the file for cron, with our paths, and with its lines on standard output. */
function replication(scene: program.ServerScene): string {
  const cron = readFileSync(join(HOME, 'cron.d/myproxy-replicate'), 'utf8')
  const command = /^\*\/10 \* \* \* \* \S+ (.*) --syslog$/m.exec(cron)?.[1] ?? 'false'
  const installed = command.replaceAll('/usr/bin/vobox-proxy', join(HOME, 'bin/vobox-proxy'))
  return `${installed} -c ${scene.file('config')} -r ${scene.file('store')}`
}

const nameOf = ({ chain }: program.ServerScene['aliceCredential']) =>
  chain[0]?.subject.oneLine ?? ''

const portOf = (server: string) => server.slice(server.indexOf(':') + 1)

/** 0 where there is no such file, or nothing in it. */
function numberIn(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    return 0
  }
}

function voBoxConfig(trustDirectory: string): string {
  return `
[limits]
min_interval_seconds = 1
[keys]
pool = 2
[trust]
directory = "${trustDirectory}"
[mail]
transport = "none"
`
}
