/** Spools of the C daemon, written by hand, taken over by the real service on a real disk. */
import {
  existsSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { encodeFrame } from '../../../../src/jobs/protocol/frame.js'
import { askJob } from '../../../../src/node/jobs/ask-service.js'
import { importSpool } from '../../../../src/node/jobs/import-spool.js'
import { listJobs } from '../../../../src/node/jobs/list-jobs.js'
import { refuseOldDaemon } from '../../../../src/node/jobs/old-daemon.js'
import { parseCredential } from '../../../../src/proxy/credential.js'
import { importHasFailed } from '../../../../src/report/job-import-text.js'
import { rejectionOf } from '../../../support/failure.js'
import { SPOOL_HASH, type SpoolEntry, writeSpool } from '../../../support/glite-spool.js'
import { type JobBox, startJobBox } from '../../../support/job-box.js'
import { addProxy, TestAuthority } from '../../../support/pki.js'

let box: JobBox
let spool: string
let number = 0

beforeAll(async () => {
  box = await startJobBox()
  await box.start()
})
afterAll(() => box.close())
beforeEach(() => {
  number += 1
  spool = join(box.directory, `spool-${number}`)
})

const job = (id: string) => `https://wms/${number}/${id}`
const asking = () => ({ environment: {}, signal: new AbortController().signal })
const oldSocket = () => join(box.directory, `old-${number}.sock`)
const run = (dryRun = false) =>
  importSpool(box.vo, spool, { ...asking(), dryRun, oldSocket: oldSocket() })
const pathOf = async (id: string) =>
  (await askJob(box.vo, { command: 'get', jobId: job(id) }, asking())).proxyFile
const end = (id: string) => askJob(box.vo, { command: 'unregister', jobId: job(id) }, asking())
/** Jobs of this test with how often each is registered. */
const registered = async () =>
  (await listJobs(box.vo))
    .flatMap(({ jobs }) => jobs)
    .filter(({ jobId }) => jobId.startsWith(job('')))
    .map(({ jobId, count }) => `${jobId.slice(job('').length)} ${count}`)
    .sort()
/** One identity a test, so that none shares with another test. */
const proxyOf = (hours = 10) => box.proxyOf(`user ${number}`, { hours })
const entry = (differs: SpoolEntry = {}): SpoolEntry => ({
  proxy: proxyOf(),
  jobs: [job('1'), job('2'), job('2')],
  ...differs,
})

describe('job import', () => {
  it('registers 3 times for 2 jobs, and makes of their proxy a link to a fresh one, 0600', async () => {
    const [path = ''] = writeSpool(spool, [entry()])
    const before = readFileSync(path)
    const done = await run()
    const file = await pathOf('1')
    expect(done.proxies).toEqual([
      {
        path,
        server: 'px.example.org:7512',
        outcome: 'imported',
        proxyFile: file,
        jobs: 3,
        refused: [],
      },
    ])
    expect(await registered()).toEqual(['1 1', '2 2'])
    expect(readlinkSync(path)).toBe(file)
    expect(dirname(file)).toBe(box.vo.paths.jobRepository)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const now = parseCredential(readFileSync(path))
    expect(now.chain[0]?.der).toEqual(parseCredential(before).chain[0]?.der)
    expect(readdirSync(spool).filter((name) => name.startsWith('.'))).toEqual([])
    expect(importHasFailed(done)).toBe(false)
  })

  it('called again changes nothing, nor once the jobs have ended and the link leads nowhere', async () => {
    const [path = ''] = writeSpool(spool, [entry()])
    await run()
    const again = await run()
    expect(again.proxies.map(({ outcome, jobs }) => [outcome, jobs])).toEqual([['before', 0]])
    expect(await registered()).toEqual(['1 1', '2 2'])
    for (const id of ['1', '2', '2']) await end(id)
    await expect.poll(() => existsSync(path)).toBe(false)
    expect((await run()).proxies.map(({ outcome }) => outcome)).toEqual(['before'])
    expect(await registered()).toEqual([])
  })

  it('ends jobs by the old path of their proxy, which is now a link, and by no other link', async () => {
    const [path = ''] = writeSpool(spool, [entry()])
    await run()
    const stray = `${path}-stray`
    symlinkSync(box.put(`outside-${number}`, proxyOf()), stray)
    const by = (proxyFile: string) =>
      askJob(box.vo, { command: 'unregister', jobId: job('1'), proxyFile }, asking())
    expect((await rejectionOf(by(stray))).data.jobCode).toBe(1904)
    expect(readFileSync(stray).length).toBeGreaterThan(100)
    expect((await by(path)).proxyFile).toBe(readlinkSync(path))
    expect(await registered()).toEqual(['2 2'])
    expect((await rejectionOf(by(path))).data.jobCode).toBe(1908)
  })

  it('goes on where a run was cut short: 1 of 3 registrations was made, and no link', async () => {
    const [path = ''] = writeSpool(spool, [entry()])
    const request = { command: 'register', server: 'px.example.org', proxyFile: path } as const
    await askJob(box.vo, { ...request, jobId: job('2') }, asking())
    expect((await run()).proxies.map(({ jobs }) => jobs)).toEqual([2])
    expect(await registered()).toEqual(['1 1', '2 2'])
    expect(readlinkSync(path)).toBe(await pathOf('2'))
  })

  it('makes the link alone where a run was cut short behind the last registration', async () => {
    const [path = ''] = writeSpool(spool, [entry({ jobs: [job('1')] })])
    const request = { command: 'register', server: 'px.example.org', proxyFile: path } as const
    await askJob(box.vo, { ...request, jobId: job('1') }, asking())
    const { proxies } = await run()
    expect(proxies.map(({ outcome, jobs }) => [outcome, jobs])).toEqual([['imported', 0]])
    expect(readlinkSync(path)).toBe(await pathOf('1'))
    expect(await registered()).toEqual(['1 1'])
  })

  it('leads no job to the proxy of another kind that it registered meanwhile', async () => {
    const [path = ''] = writeSpool(spool, [entry({ jobs: [job('1')] })])
    const limited = box.put(
      `limited-${number}`,
      box.proxyOf(`user ${number}`, { policy: 'limited' }),
    )
    const request = { command: 'register', server: 'px.example.org', proxyFile: limited } as const
    const { proxyFile } = await askJob(box.vo, { ...request, jobId: job('1') }, asking())
    await run()
    expect(readlinkSync(path)).not.toBe(proxyFile)
    expect((await listJobs(box.vo)).find(({ file }) => file === readlinkSync(path))?.limited).toBe(
      false,
    )
  })

  it('leaves an expired, a young but forged, and a missing proxy as they are, and takes the good one', async () => {
    const forger = new TestAuthority()
    const paths = writeSpool(spool, [
      entry({ proxy: proxyOf(-1), jobs: [job('old')] }),
      entry({ proxy: addProxy(forger.issueUser(`user ${number}`)), jobs: [job('forged')] }),
      entry({ proxy: undefined, jobs: [job('gone')] }),
      entry({ jobs: [job('good')] }),
    ])
    const before = paths.map((path) => existsSync(path) && readFileSync(path, 'utf8'))
    const done = await run()
    expect(done.proxies.map(({ outcome }) => outcome)).toEqual([
      ...['refused', 'refused', 'refused', 'imported'],
    ])
    expect(done.proxies.map(({ refused }) => refused[0]?.error.message)).toEqual([
      expect.stringMatching(/PROXY_EXPIRED/),
      expect.stringMatching(/^SIGNATURE_INVALID: /),
      expect.stringContaining(`${SPOOL_HASH}.2`),
      undefined,
    ])
    for (const at of [0, 1]) {
      expect(lstatSync(paths[at] ?? '').isFile()).toBe(true)
      expect(readFileSync(paths[at] ?? '', 'utf8')).toBe(before[at])
    }
    expect(await registered()).toEqual(['good 1'])
    expect(importHasFailed(done)).toBe(true)
  })

  it('takes over the 2 jobs of a proxy whose third has an id that cannot be sent', async () => {
    const jobs = [job('1'), `${job('bad')}\r`, job('3')]
    const [path = ''] = writeSpool(spool, [entry({ jobs })])
    const { proxies } = await run()
    expect(proxies[0]?.jobs).toBe(2)
    expect(proxies[0]?.refused.map(({ error }) => error.code)).toEqual(['JOB_REQUEST_INVALID'])
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
  })

  it('tells with --dry-run what would be done, and changes nothing, though no service runs', async () => {
    const idle = await startJobBox()
    onTestFinished(() => idle.close())
    const good = idle.proxyOf('anna')
    const paths = writeSpool(join(idle.directory, 'spool'), [
      entry({ proxy: good }),
      entry({ proxy: idle.proxyOf('anna', { hours: 0.3 }) }),
    ])
    const options = { ...asking(), oldSocket: oldSocket() }
    const spoolOfIdle = join(idle.directory, 'spool')
    const { proxies } = await importSpool(idle.vo, spoolOfIdle, { ...options, dryRun: true })
    expect(proxies.map(({ outcome, jobs }) => [outcome, jobs])).toEqual([
      ['possible', 3],
      ['refused', 0],
    ])
    for (const path of paths) expect(lstatSync(path).isFile()).toBe(true)
    expect(await rejectionOf(importSpool(idle.vo, spoolOfIdle, options))).toMatchObject({
      code: 'JOB_SERVICE_UNREACHABLE',
    })
    for (const path of paths) expect(lstatSync(path).isFile()).toBe(true)
  })

  it('keeps a link of somebody else’s as it is, and follows it nowhere', async () => {
    const [path = ''] = writeSpool(spool, [entry()])
    const elsewhere = `${path}-elsewhere`
    writeFileSync(elsewhere, readFileSync(path), { mode: 0o600 })
    rmSync(path)
    symlinkSync(elsewhere, path)
    const { proxies } = await run()
    expect(proxies[0]?.refused[0]?.error.code).toBe('FILE_UNSAFE')
    expect(readlinkSync(path)).toBe(elsewhere)
    expect(await registered()).toEqual([])
  })

  it('never lets a reader of the old path see nothing or half a proxy, 40 jobs long', async () => {
    const jobs = Array.from({ length: 40 }, (_each, at) => job(`${at}`))
    const [path = ''] = writeSpool(spool, [entry({ jobs })])
    let reads = 0
    let ended = false
    const reader = (async () => {
      while (!ended) {
        expect(parseCredential(readFileSync(path)).chain.length).toBe(2)
        reads += 1
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    const { proxies } = await run()
    ended = true
    await reader
    expect(proxies[0]?.jobs).toBe(40)
    expect(reads).toBeGreaterThan(10)
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
  })
})

describe('a daemon at the old place', () => {
  const listen = async (server: Server) => {
    await new Promise<void>((resolve) => server.listen(oldSocket(), resolve))
    onTestFinished(() => void server.close())
  }

  it.each([
    [
      'closes on command 4 without a word, as the C daemon',
      () => createServer((one) => one.once('data', () => one.end())),
    ],
    [
      'answers it with 0',
      () =>
        createServer(
          (one) =>
            void one.end(encodeFrame('Version=EDG Proxy Renewal 1.0\nResponse=0\nProxy_name=/x\n')),
        ),
    ],
    [
      'answers what is no frame',
      () => createServer((one) => void one.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    ],
  ])('that %s is refused, and nothing is touched', async (_name, make) => {
    await listen(make())
    const [path = ''] = writeSpool(spool, [entry()])
    expect((await run(true)).proxies[0]?.outcome).toBe('possible')
    expect(await rejectionOf(run())).toMatchObject({
      code: 'SERVICE_ALREADY_RUNNING',
      data: { socket: oldSocket() },
    })
    expect(lstatSync(path).isFile()).toBe(true)
    expect(await registered()).toEqual([])
  })

  it('that is a socket of another account is refused without a word to it', async () => {
    let asked = 0
    await listen(
      createServer(() => {
        asked += 1
      }),
    )
    const { uid } = box.vo.directory
    expect(await rejectionOf(refuseOldDaemon(oldSocket(), uid + 1))).toMatchObject({
      code: 'SOCKET_TAKEN',
      data: { path: oldSocket(), uid },
    })
    expect(asked).toBe(0)
  })

  it('that is our own service, which says 1905, is none', async () => {
    writeSpool(spool, [entry({ jobs: [job('1')] })])
    const options = { ...asking(), oldSocket: box.vo.paths.jobSocket }
    expect((await importSpool(box.vo, spool, options)).proxies[0]?.outcome).toBe('imported')
  })

  it('whose socket file is left, though it has ended, is none', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(oldSocket(), resolve))
    const copy = `${oldSocket()}.kept`
    linkSync(oldSocket(), copy)
    await new Promise((resolve) => server.close(resolve))
    writeSpool(spool, [entry({ jobs: [job('1')] })])
    const done = await importSpool(box.vo, spool, { ...asking(), oldSocket: copy })
    expect(done.proxies[0]?.outcome).toBe('imported')
  })
})
