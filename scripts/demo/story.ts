/**
 * The demo from beginning to end. Each step looks at what it caused before it says that it
 * happened.
 */
import { createPublicKey } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { requestInfo } from '../../src/myproxy/client.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { type Credential, encodeCredential, parseCredential } from '../../src/proxy/credential.js'
import { issueProxy } from '../../src/proxy/issue-proxy.js'
import { type DemoGrid, makeGrid, rsaKeys, writeConfiguration } from './grid.js'
import { type MailSink, startMailSink } from './mail-sink.js'
import type { Narrator } from './narrator.js'
import { Programs, type Service } from './programs.js'
import type { Stage } from './stage.js'

const VO = 'demo'
const EMAIL = 'alice@example.org'

const VO_BOX = 'vobox.example.org'

/** Lifetimes of the demo, in seconds; at a site they are hours and days. */
const LOGIN_PROXY_SECONDS = 45
const RENEWED_SECONDS = 60
const REFRESH_SECONDS = 4
const STORED_SECONDS = 1800
const MYPROXY_SAFE_SECONDS = 3600

/** Within which a renewal or a mail must have come, in milliseconds. */
const RENEWAL_DEADLINE_MS = 20_000

/** What the steps share. */
interface Scene {
  stage: Stage
  narrator: Narrator
  grid: DemoGrid
  sink: MailSink
  programs: Programs
  root: string
}

export async function playStory(stage: Stage, narrator: Narrator, home: string): Promise<void> {
  const scene = await buildScene(stage, narrator, home)
  await storeCredential(scene)
  await makeMachineProxy(scene)
  await register(scene)
  const service = await keepAlive(scene)
  await showMail(scene)
  await unregister(scene, service)
}

async function buildScene(stage: Stage, narrator: Narrator, home: string): Promise<Scene> {
  narrator.step('A grid on loopback, in a temporary directory')
  const grid = await makeGrid(stage)
  const sink = await startMailSink(stage)
  const root = stage.path('vobox')
  const configuration = stage.path('config.toml')
  const loginProxy = stage.path('login-proxy.pem')
  await mkdir(root, { mode: 0o755 })
  await mkdir(stage.path('vobox', VO), { mode: 0o750 })
  await writeConfiguration(configuration, grid.trustDirectory, sink.port)
  await writeFile(loginProxy, encodeCredential(await makeLoginProxy(grid.user)), { mode: 0o600 })
  narrator.say('everything is below a directory that goes away again, written $DEMO here')
  narrator.say(`a CA, a host certificate, and a user: ${grid.userDn}`)
  narrator.say(`a MyProxy server of ours on ${grid.server.host}:${grid.server.port}`)
  narrator.say(`a mail server that keeps what it is sent, on 127.0.0.1:${sink.port}`)
  const programs = new Programs(stage, narrator, {
    home,
    environment: {
      HOME: stage.directory,
      X509_USER_PROXY: loginProxy,
      X509_USER_CERT: grid.userFiles.cert,
      X509_USER_KEY: grid.userFiles.key,
      VOBOX_PROXY_CONFIG: configuration,
      VOBOX_PROXY_ROOT: root,
      MYPROXY_SERVER: `${grid.server.host}:${grid.server.port}`,
    },
  })
  return { stage, narrator, grid, sink, programs, root }
}

/** What `vobox-proxy proxy-init` leaves when a user logs in. */
async function makeLoginProxy(user: Credential): Promise<Credential> {
  const privateKey = await rsaKeys.generate('rsa2048')
  const now = systemClock.now()
  const proxy = issueProxy({
    signer: user,
    publicKey: createPublicKey(privateKey),
    notAfter: asUnixSeconds(now + LOGIN_PROXY_SECONDS),
    now,
    random: systemRandom,
  })
  return { privateKey, chain: [proxy, ...user.chain] }
}

async function storeCredential({ narrator, grid, stage, programs }: Scene): Promise<void> {
  narrator.step('The user stores a credential with the MyProxy server, once')
  narrator.say('at a site with `--for-vobox`, for months; this one lives for half an hour')
  const lifetimes = ['-c', `${STORED_SECONDS}s`, '-t', `${STORED_SECONDS}s`]
  await programs.voboxProxy('myproxy', 'init', '-d', '-n', '-R', VO_BOX, ...lifetimes)
  const call = { servers: [grid.server], username: grid.userDn, credential: grid.user }
  const { credentials } = await requestInfo(grid.myproxy, { ...call, signal: stage.signal })
  narrator.verify(
    credentials.length === 1 && credentials[0]?.owner === grid.userDn,
    'the server holds it, and shows it to its owner',
  )
  narrator.verify(credentials[0]?.renewer === `*/CN=${VO_BOX}`, `${VO_BOX} alone may renew it`)
}

async function makeMachineProxy({ narrator, programs, grid, stage }: Scene): Promise<void> {
  narrator.step('Cron makes the machine proxy from the host certificate')
  const { cert, key } = grid.host
  const where = ['--vo', VO, '--cert', cert, '--key', key]
  await programs.voboxProxy('machine-proxy', ...where, '--hours', '1')
  const path = stage.path('vobox', VO, 'renewal-proxy.pem')
  const facts = describeChain(parseCredential(await readFile(path)).chain)
  narrator.verify(
    facts.identity.oneLine === grid.hostDn && facts.depth === 1,
    `it is a proxy of ${facts.identity.oneLine}`,
  )
  narrator.verify(((await stat(path)).mode & 0o777) === 0o400, 'nobody else can read it (0400)')
}

async function register({ narrator, programs, stage }: Scene): Promise<void> {
  narrator.step('The administrator registers a login proxy, once')
  const { stdout } = await programs.voboxProxy(
    ...['--vo', VO, 'register', '--no-voms'],
    ...['-t', `${RENEWED_SECONDS}s`, '--refresh', `${REFRESH_SECONDS}s`],
    ...['--myproxy-safe', String(MYPROXY_SAFE_SECONDS), '--email', EMAIL],
  )
  narrator.verify(stdout.includes('successfully'), 'it is registered; the server was asked first')
  const file = await proxyFile(stage)
  narrator.verify(((await stat(file)).mode & 0o777) === 0o600, 'services find it in a file of 0600')
  const { stdout: table } = await programs.voboxProxy('--vo', VO, 'query', '--table')
  narrator.verify(table.includes('Alice Demo'), 'the table shows it')
}

/** Returns the running service. */
async function keepAlive({ narrator, programs, stage, root, grid }: Scene): Promise<Service> {
  narrator.step(`The service keeps it fresh: every ${REFRESH_SECONDS} s here, every hour at a site`)
  const servedBefore = countRenewals(grid)
  let last = await look(stage)
  narrator.say(`now: serial ${last.serial}, good until ${last.endsAt}`)
  const service = programs.startService(VO, userInfo().username, root)
  for (const ordinal of ['first', 'second']) {
    const next = await stage.until(`the ${ordinal} renewal`, RENEWAL_DEADLINE_MS, async () => {
      await requireRunning(service)
      const now = await look(stage)
      return now.serial === last.serial ? undefined : now
    })
    narrator.verify(
      next.identity === grid.userDn && next.end > last.end,
      `${ordinal} renewal: serial ${next.serial}, good until ${next.endsAt}`,
    )
    last = next
  }
  narrator.verify(
    countRenewals(grid) >= servedBefore + 2,
    `each was asked for by ${grid.hostDn}, and granted`,
  )
  const renewed = await stage.until('the events', RENEWAL_DEADLINE_MS, async () => {
    const lines = await renewalEvents(stage)
    return lines.length >= 2 ? lines : undefined
  })
  narrator.verify(renewed.length >= 2, 'log/events.log says so, each time in one line:')
  narrator.quote(renewed.at(-1) ?? '')
  const { stdout } = await programs.voboxProxy('--vo', VO, 'query', '--table')
  narrator.verify(stdout.includes('Alice Demo'), 'the table has moved on')
  return service
}

async function showMail({ narrator, sink, stage }: Scene): Promise<void> {
  narrator.step('The stored credential ends within the hour: the service writes a mail')
  const mail = await stage.until('a mail', RENEWAL_DEADLINE_MS, async () =>
    sink.mails.find(({ to }) => to.includes(EMAIL)),
  )
  narrator.quote(`To: ${mail.to.join(', ')}\nSubject: ${mail.subject}\n\n${mail.body}`)
  narrator.verify(mail.body.includes('Alice Demo'), 'it says whose credential ends')
  narrator.verify(mail.body.includes('vobox-proxy myproxy init'), 'it says which command cures it')
}

async function unregister({ narrator, programs, stage }: Scene, service: Service): Promise<void> {
  narrator.step('The administrator unregisters the proxy, and the service is stopped')
  await programs.voboxProxy('--vo', VO, 'unregister')
  const left = await readdir(repository(stage))
  narrator.verify(left.filter((name) => !name.startsWith('.')).length === 0, 'the file is gone')
  const { stdout } = await programs.voboxProxy('--vo', VO, 'query-dn', '--dn', 'all')
  narrator.verify(stdout === '', 'nothing is registered any more')
  const { status, stderr } = await service.stop()
  narrator.verify(status === 0, `the service ended cleanly${status === 0 ? '' : `: ${stderr}`}`)
}

async function requireRunning(service: Service): Promise<void> {
  if (service.running) return
  const { status, stdout, stderr } = await service.finished
  throw new Error(`the service ended with status ${status}: ${stderr || stdout}`)
}

/** What is in the one user proxy of the VO at this moment. */
async function look(stage: Stage) {
  const { chain } = parseCredential(await readFile(await proxyFile(stage)))
  const { identity, effectiveEnd } = describeChain(chain)
  return {
    serial: chain[0]?.serialHex ?? '',
    identity: identity.oneLine,
    end: effectiveEnd,
    endsAt: new Date(effectiveEnd * 1000).toISOString().slice(11, 19),
  }
}

async function renewalEvents(stage: Stage): Promise<string[]> {
  const events = await readFile(stage.path('vobox', VO, 'log', 'events.log'), 'utf8')
  return events.split('\n').filter((line) => line.split(' ')[1] === 'renewed')
}

const repository = (stage: Stage) => stage.path('vobox', VO, 'proxy_repository')

async function proxyFile(stage: Stage): Promise<string> {
  const names = (await readdir(repository(stage))).filter((name) => !name.startsWith('.'))
  if (names.length !== 1) throw new Error(`${names.length} proxies in the repository instead of 1`)
  return stage.path('vobox', VO, 'proxy_repository', names[0] as string)
}

function countRenewals({ requests, hostDn }: DemoGrid): number {
  return requests.filter(({ command, client }) => command === 'get' && client === hostDn).length
}
