/** The `job` commands and `glite-proxy-renew` as programs, on the real service, renewed by a MyProxy server of ours. */
import { chownSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestPut } from '../../src/myproxy/client.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { encodeCredential, parseCredential } from '../../src/proxy/credential.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { writeSpool } from '../support/glite-spool.js'
import { addProxy, realNow } from '../support/pki.js'
import { DAY, HOUR } from '../support/time.js'
import { type RunningService, VoBox } from '../support/vo-box.js'

const COMPAT = join(import.meta.dirname, '..', '..', 'compat', 'glite-proxy-renew')

const SETTINGS = '[keys]\nkind = "p256"\n[mail]\ntransport = "none"\n'

let grid: EmbeddedGrid
let box: VoBox
let service: RunningService | undefined
let server: string
let proxy: string

beforeAll(async () => {
  grid = await startEmbeddedGrid()
  server = `localhost:${grid.port}`
  const { credential, dn } = grid.users.alice
  await requestPut(grid.myproxy, {
    servers: grid.servers,
    username: dn,
    credential,
    storedSeconds: 30 * DAY,
    lifetimeSeconds: 48 * HOUR,
    policies: { renewer: grid.hosts.vobox.dn },
    random: systemRandom,
  })
  box = new VoBox(grid.directory, {
    vo: 'alice',
    config: `${SETTINGS}[jobs]\nenabled = true\n`,
    env: { X509_CERT_DIR: grid.trustDirectory },
  })
  const machine = addProxy(grid.hosts.vobox.credential, { pathLength: 0, hours: 24 })
  box.put('root-of-alice/alice/renewal-proxy.pem', encodeCredential(machine), 0o400)
  proxy = box.putLogin('job.pem', addProxy(credential, { hours: 10 }))
  service = await box.startService()
})
afterAll(async () => {
  await service?.stop()
  await box?.close()
  await grid?.stop()
})

const fresh = (path: string) =>
  describeChain(parseCredential(readFileSync(path)).chain).effectiveEnd - realNow()

/** As a script of the account that the C daemon and its clients ran as. */
async function glite(...words: string[]) {
  const { uid, gid } = box.admin
  const env = {
    PATH: '/usr/bin:/bin',
    VOBOX_PROXY_CONFIG: box.configFile,
    VOBOX_PROXY_ROOT: box.root,
  }
  const node = process.execPath.slice(0, process.execPath.lastIndexOf('/'))
  const { exitCode, stdout, stderr } = await execa(COMPAT, words, {
    ...{ uid, gid, cwd: box.directory, reject: false, extendEnv: false, timeout: 60_000 },
    ...{ env: { ...env, PATH: `${node}:${env.PATH}` }, stripFinalNewline: false },
  })
  return [exitCode, stdout, stderr]
}

describe('job', () => {
  it('registers, finds, lists and ends a job, as the VO admin and as root', async () => {
    const registered = await box.call([
      'job',
      'register',
      '-s',
      server,
      '-f',
      'job.pem',
      '-j',
      'one',
    ])
    expect([registered.status, registered.stderr]).toEqual([0, ''])
    const file = registered.stdout.trim()
    expect(file).toMatch(/\/alice\/job_repository\/job-[0-9a-f]{32}$/)
    const got = await box.call(['job', 'get', '-j', 'one'], { asRoot: true })
    expect([got.status, got.stdout]).toEqual([0, registered.stdout])
    expect(lstatSync(file).uid).toBe(box.admin.uid)

    const more = ['job', 'register', '-s', server, '-f', proxy, '-j', 'two', '--json']
    const { jobId, proxyFile, end, renewalAt } = JSON.parse((await box.call(more)).stdout)
    expect([jobId, proxyFile]).toEqual(['two', file])
    expect(end - realNow()).toBeGreaterThan(9 * HOUR)
    expect(renewalAt).toBeLessThan(end)

    expect((await box.call(['job', 'list', '--jobs'])).stdout).toBe(`${file}\tone\n${file}\ttwo\n`)
    const [, row = ''] = (await box.call(['job', 'list'])).stdout.split('\n')
    expect(row.split(/ {2,}/)).toEqual([
      ...[
        '2',
        expect.stringMatching(/^9 h|^10 h/),
        server,
        'rfc3820',
        '-',
        grid.users.alice.dn,
        file,
      ],
    ])

    for (const [id, said] of [
      ['one', 'shared until'],
      ['two', 'removed with its last job'],
    ] as const) {
      const ended = await box.call(['job', 'unregister', '-j', id, '-f', file])
      expect([ended.status, ended.stdout]).toEqual([0, expect.stringContaining(said)])
    }
    const gone = await box.call(['job', 'get', '-j', 'one', '--json'])
    expect([gone.status, gone.stdout]).toEqual([1, ''])
    expect(JSON.parse(gone.stderr).error).toMatchObject({
      code: 'JOB_REQUEST_REFUSED',
      data: { jobCode: 1908, meaning: 'Proxy not registered' },
    })
    expect((await box.call(['job', 'list'])).stderr).toBe('vobox-proxy: no job is registered\n')
  })
})

describe('glite-proxy-renew', () => {
  it('prints with start and get the path, with stop nothing, and ends with 0', async () => {
    const [status, path, errors] = await glite('-s', server, '-f', proxy, '-j', 'g1', 'start')
    expect([status, errors]).toEqual([0, ''])
    expect(path).toMatch(/^\/.*\/job-[0-9a-f]{32}\n$/)
    expect(await glite('-j', 'g1', 'get')).toEqual([0, path, ''])
    expect(await glite('-j', 'g1', '-f', String(path).trim(), 'stop')).toEqual([0, '', ''])
    expect(await glite('-j', 'g1', 'get')).toEqual([
      1,
      '',
      'GET request failed: Proxy not registered\n',
    ])
    expect(await glite('-j', 'g1', 'stop')).toEqual([
      ...[1, '', 'Unregistering proxy failed: Proxy not registered\n'],
    ])
  })

  it('says of a proxy that is none and of one that ends in 18 minutes what the C client says', async () => {
    const none = box.put('none.pem', 'nothing')
    const short = box.putLogin('short.pem', addProxy(grid.users.alice.credential, { hours: 0.3 }))
    const start = (file: string) => glite('-s', server, '-f', file, '-j', 'g2', 'start')
    expect(await start(none)).toEqual([1, '', 'Registering proxy failed: Generic error\n'])
    expect(await start(short)).toEqual([1, '', 'Registering proxy failed: Proxy expired\n'])
  })

  it('shows its usage on stdout and ends with 1 where it is called wrongly', async () => {
    const [status, usage, errors] = await glite('-j', 'g3')
    expect([status, errors]).toEqual([1, ''])
    expect(usage).toContain('usage: glite-proxy-renew [options] start|stop|get\n')
    const [without, missing] = await glite('get')
    expect([without, missing]).toEqual([1, expect.stringContaining('jobid')])
  })
})

describe('job import', () => {
  it('moves 2 jobs that run: whoever reads the old path finds a living proxy, and then a renewed one', async () => {
    const { credential } = grid.users.alice
    const spool = join(box.directory, 'spool')
    const due = addProxy(credential, { hours: 0.45 })
    const [path = '', old = ''] = writeSpool(spool, [
      { server, proxy: due, jobs: ['https://wms/1', 'https://wms/2'] },
      { server, proxy: addProxy(credential, { hours: -1 }), jobs: ['https://wms/3'] },
    ])
    for (const name of ['.', ...readdirSync(spool)]) {
      chownSync(join(spool, name), box.admin.uid, box.admin.gid)
    }
    let shortest = Number.POSITIVE_INFINITY
    let reads = 0
    const watch = setInterval(() => {
      shortest = Math.min(shortest, fresh(path))
      reads += 1
    }, 5)
    try {
      const looked = await box.call(['job', 'import', spool, '--dry-run'])
      expect(looked.status).toBe(1)
      expect(looked.stdout).toContain(`would import 2 jobs of ${path}, renewed from ${server}\n`)
      const moved = await box.call(['job', 'import', spool], { asRoot: true })
      expect([moved.status, moved.stderr]).toEqual([1, ''])
      const lines = moved.stdout.split('\n')
      expect(lines[0]).toBe(`imported 2 jobs of ${path}, now a link to ${readlinkSync(path)}`)
      expect(lines[1]).toBe(`refused ${old}, left as it is`)
      expect(lines[2]).toMatch(/^ {2}https:\/\/wms\/3: .*expired/)
      expect(lstatSync(path).uid).toBe(box.admin.uid)
      await box.until(() => fresh(path) > 11 * HOUR)
    } finally {
      clearInterval(watch)
    }
    expect(shortest).toBeGreaterThan(0)
    expect(reads).toBeGreaterThan(10)
    await box.register(proxy, '--server', server)
    const { stdout } = await box.call(['query', '--dn', 'all', '--json'])
    const { registrations } = JSON.parse(stdout)
    const shown = registrations.map((one: Record<string, unknown>) => [
      one.kind,
      one.jobs,
      one.file,
    ])
    expect(shown).toEqual([
      ['vobox', null, expect.stringContaining('/proxy_repository/')],
      ['job', 2, readlinkSync(path)],
    ])
    expect((await glite('-j', 'https://wms/2', 'get'))[1]).toBe(`${readlinkSync(path)}\n`)
    // By the path that the C daemon gave when the job began.
    expect(await glite('-j', 'https://wms/1', '-f', path, 'stop')).toEqual([0, '', ''])
  })

  it('lists what is left when the service is down, which is all that can be asked then', async () => {
    await service?.stop()
    service = undefined
    const { stdout } = await box.call(['job', 'list', '--json'])
    const jobs = JSON.parse(stdout).proxies.flatMap(({ jobs: each }: { jobs: unknown[] }) => each)
    expect(jobs).toEqual([{ jobId: 'https://wms/2', count: 1 }])
    const got = await box.call(['job', 'get', '-j', 'https://wms/2', '--json'])
    expect(JSON.parse(got.stderr).error.code).toBe('JOB_SERVICE_UNREACHABLE')
    const [status, stdoutOfC, errors] = await glite('-j', 'https://wms/2', 'get')
    expect([status, stdoutOfC]).toEqual([1, ''])
    expect(errors).toMatch(/^GET request failed: nobody listens on \/.*\/run\/jobs\.sock; Start /)
  })

  it('says of the 1 proxy that is left once jobs are turned off that nobody renews it', async () => {
    const left = 'a proxy of 1 job is renewed by nobody'
    const quiet = await box.call(['query', '--dn', 'all', '--table'])
    expect([quiet.status, quiet.stderr]).toEqual([0, ''])
    expect(quiet.stdout).toContain('[1 job]')
    box.configure(SETTINGS)
    const said = await box.call(['query', '--dn', 'all', '--table'])
    expect([said.status, said.stderr]).toEqual([0, expect.stringContaining(left)])
    expect(said.stdout).not.toContain('[1 job]')
    const check = await box.call(['check', '--json'])
    const { findings } = JSON.parse(check.stdout)
    const ofJobs = findings.filter((one: { check: string }) => one.check === 'jobs')
    expect(ofJobs).toMatchObject([{ verdict: 'bad', sentence: expect.stringContaining(left) }])
  })
})
