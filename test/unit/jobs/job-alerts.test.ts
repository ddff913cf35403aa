import { describe, expect, it } from 'vitest'
import { type AlertEvent, AlertKeeper } from '../../../src/alerts/alert-keeper.js'
import { MailSpool } from '../../../src/alerts/spool.js'
import { VoboxError } from '../../../src/errors.js'
import { filesBeside, registriesBeside, timesBeside } from '../../../src/jobs/beside.js'
import { JobService } from '../../../src/jobs/job-service.js'
import { encodeCredential } from '../../../src/proxy/credential.js'
import { RenewalDaemon } from '../../../src/renewal/daemon.js'
import { ProxyTimesCache } from '../../../src/renewal/proxy-times-cache.js'
import { attributeRulesNow } from '../../../src/renewal/trust-now.js'
import { addProxy } from '../../support/pki.js'
import { renewalWorld } from '../../support/renewal-world.js'
import { ScriptedMailer } from '../../support/scripted-mailer.js'
import { DAY, HOUR } from '../../support/time.js'

/** The service with its alerts, while nobody is renewed and one job has a proxy of 2 h. */
async function refusedWorld(mail: string | undefined) {
  const world = renewalWorld(mail === undefined ? {} : { jobs: { mail } })
  await world.putMachineProxy()
  world.myproxy.behave = async () => {
    throw new VoboxError('MYPROXY_NOT_AUTHORISED_RENEWER', 'no')
  }
  const { context, clock, files, paths, config } = world
  const service = await JobService.open({
    ...context,
    random: { bytes: (length) => new Uint8Array(length).fill(7), fraction: () => 0.5 },
    config,
    paths,
    owners: [1000],
    attributeRules: (signal) => attributeRulesNow(context, signal),
  })
  const { journal } = context
  const mailer = new ScriptedMailer()
  const alerts: AlertEvent[] = []
  const spooling = { files, clock, journal, mailer, directory: paths.spool, deadlineMs: 30_000 }
  const keeper = new AlertKeeper({
    files,
    clock,
    journal,
    stateDirectory: paths.state,
    spool: new MailSpool(spooling),
    host: 'box.example.org',
    vo: 'alice',
    admin: 'root',
    reminderSeconds: DAY,
    onAlert: (event) => void alerts.push(event),
  })
  const daemon = new RenewalDaemon({
    ...context,
    registry: registriesBeside(context.registry, service.registry),
    repository: filesBeside(context.repository, service.proxies.files()),
    times: timesBeside(new ProxyTimesCache(context), service.proxies),
    sink: keeper,
    retire: (registration) => service.retire(registration),
  })
  service.touched = (fileName) => void daemon.touch(fileName)
  const stopping = new AbortController()
  const running = daemon.run(stopping.signal)
  await clock.advance(1000)
  const proxy = addProxy(world.store('ann'), { now: clock.now(), hours: 2 })
  await files.replace('/jobs/a', encodeCredential(proxy), { mode: 0o600 })
  const { proxyFile = '' } = await service.serve(
    { command: 'register', jobId: 'a', proxyFile: '/jobs/a', server: 'px.example.org' },
    new AbortController().signal,
  )
  return {
    ...world,
    service,
    mailer,
    alerts,
    proxyFile,
    pass: (hours: number) => clock.advance(hours * HOUR * 1000),
    touch: () => daemon.touch(proxyFile.slice(proxyFile.lastIndexOf('/') + 1)),
    async end() {
      stopping.abort()
      await clock.advance(1000)
      await running
      await keeper.flush()
    },
  }
}

const aboutProxy = ({ alerts }: { alerts: readonly AlertEvent[] }) =>
  alerts.filter(({ alert }) => alert === 'user-proxy')

describe('mail about job proxies', () => {
  it('says that one expired and is dropped before it is forgotten, to jobs.mail, with what to do', async () => {
    const world = await refusedWorld('ops@example.org')
    await world.pass(2.1)
    await world.end()
    expect(world.files.text(world.proxyFile)).toBe('')
    expect(world.mailer.subjects).toContain('job proxy ann: EXPIRED')
    const last = world.mailer.sent.find(({ subject }) => subject.includes('EXPIRED'))
    expect(last?.to).toEqual(['ops@example.org'])
    const text = last?.text.replaceAll('\n', ' ') ?? ''
    expect(text).toContain('and is dropped. Its jobs are told that they are not registered.')
    expect(text).toContain(
      '    vobox-proxy --vo alice job register -s px.example.org:7512 -f FILE -j JOB',
    )
    expect(text).not.toContain('vobox-proxy --vo alice register')
    expect(text).not.toContain('renew --dn')
  })

  it('goes nowhere without jobs.mail, while the hook and events.log are told of the same', async () => {
    const world = await refusedWorld(undefined)
    await world.pass(2.1)
    await world.end()
    expect(world.mailer.attempts).toBe(0)
    expect(aboutProxy(world).map(({ step, kind, to }) => [step, kind, to])).toEqual([
      ['begin', 'user-proxy-short', []],
      ['worse', 'user-proxy-expired', []],
    ])
    expect(world.events('job-proxy-dropped')).toHaveLength(1)
  })

  it('comes when 30 minutes are left, names the jobs to look at, and no alert outlives the job', async () => {
    const world = await refusedWorld('ops@example.org')
    await world.pass(1.4)
    expect(aboutProxy(world)).toEqual([])
    await world.pass(0.2)
    const [short] = aboutProxy(world)
    expect([short?.kind, short?.to]).toEqual(['user-proxy-short', ['ops@example.org']])
    expect(short?.sentence).toMatch(/^The job proxy ends .* and has not been renewed\.$/)
    await world.service.serve({ command: 'unregister', jobId: 'a' }, new AbortController().signal)
    await world.pass(1)
    await world.end()
    expect(aboutProxy(world)).toHaveLength(1)
    expect(await world.files.list(`${world.paths.state}/jobs`)).toEqual([])
  })

  it('says that a proxy whose file somebody removed is gone, and drops it', async () => {
    const world = await refusedWorld('ops@example.org')
    await world.files.remove(world.proxyFile)
    await world.touch()
    await world.pass(0.1)
    await world.end()
    expect(world.mailer.subjects).toContain('job proxy ann: UNREADABLE')
    expect(world.events('job-proxy-dropped')).toEqual([
      expect.stringContaining('reason="the proxy of 1 job is gone and is dropped"'),
    ])
  })

  it('keeps one whose file is there but cannot be used, for its jobs may bring another', async () => {
    const world = await refusedWorld(undefined)
    await world.files.replace(world.proxyFile, Buffer.from('no proxy'), { mode: 0o600 })
    await world.touch()
    await world.pass(1)
    await world.end()
    expect(world.events('job-proxy-dropped')).toEqual([])
    expect(aboutProxy(world).map(({ kind }) => kind)).toEqual(['user-proxy-unreadable'])
  })
})
