/** What administrators see of job proxies: real journal, real files, in the states that they get into. */
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askJobService } from '../../../../src/jobs/job-client.js'
import { checkVo } from '../../../../src/node/check/check-vo.js'
import { forecastVo } from '../../../../src/node/check/forecast-vo.js'
import { lookAtJobs } from '../../../../src/node/check/look-at-jobs.js'
import { answerFor, queryRows } from '../../../../src/node/compose/compose-answer-vo.js'
import { jobViewOf } from '../../../../src/node/compose/compose-jobs.js'
import { asUnixSeconds } from '../../../../src/ports/clock.js'
import { type Credential, encodeCredential } from '../../../../src/proxy/credential.js'
import { emptyState, type RegistrationState } from '../../../../src/registry/registration.js'
import { RegistrationFiles } from '../../../../src/registry/registration-files.js'
import { encodeQuery } from '../../../../src/report/query-json.js'
import { showQueryTable } from '../../../../src/report/query-table.js'
import { type JobBox, startJobBox } from '../../../support/job-box.js'
import { HOUR } from '../../../support/time.js'

let box: JobBox
beforeEach(async () => {
  box = await startJobBox()
  await box.start()
})
afterEach(() => box.close())

const ask = (request: Parameters<typeof askJobService>[1]) =>
  askJobService(
    { clock: box.vo.clock, socket: box.vo.paths.jobSocket, deadlineMs: 10_000 },
    request,
  )

let handed = 0
/** Path of the proxy that the job is told. */
async function register(jobId: string, proxy: Credential): Promise<string> {
  handed += 1
  const proxyFile = box.put(`handed-${handed}`, proxy)
  const answer = await ask({ command: 'register', jobId, proxyFile, server: 'px.example.org' })
  return answer.proxyFile
}
const end = (jobId: string) => ask({ command: 'unregister', jobId })

/** As the service would leave it that could not renew for so long. */
const age = (path: string, hours: number) =>
  writeFileSync(path, encodeCredential(box.proxyOf('ann', { hours })))

const now = () => box.vo.clock.now()

async function remember(path: string, differs: Partial<RegistrationState>): Promise<void> {
  const { files, paths } = box.vo
  const states = new RegistrationFiles(files, { state: paths.jobState, locks: paths.jobState })
  await states.writeState(basename(path), { ...emptyState, attemptedAt: now(), ...differs })
}

const refused = (): Partial<RegistrationState> => ({
  failures: 3,
  retryAt: asUnixSeconds(now() + 600),
  lastFailure: {
    at: now(),
    code: 'MYPROXY_NOT_AUTHORISED_RENEWER',
    message: 'px.example.org does not let this machine renew',
    hint: 'Its owner stores it with -R',
    persistence: 'permanent',
  },
})

const look = async (vo = box.vo, dn?: string) => (await lookAtJobs(vo, dn))()

const unserved = () => ({
  ...box.vo,
  config: { ...box.vo.config, jobs: { ...box.vo.config.jobs, enabled: false } },
})

async function rows() {
  const view = await jobViewOf(box.vo)
  return queryRows(box.vo, view?.registrations ?? [], view)
}

describe('check', () => {
  it('counts 3 jobs and 2 proxies that are well, and knows whose they are', async () => {
    expect(await look()).toEqual([
      { check: 'jobs', verdict: 'good', sentence: 'no job is registered' },
    ])
    await register('1', box.proxyOf('ann'))
    await register('2', box.proxyOf('ann'))
    await register('3', box.proxyOf('bob'))
    const said = (await look())[0]?.sentence
    expect(said).toBe('3 jobs share 2 proxies, all of them alive')
    const [, ofBob] = await rows()
    expect((await look(box.vo, ofBob?.registration.identity))[0]?.sentence).toBe(
      '1 job has 1 proxy, which is alive',
    )
  })

  it.each([
    ['20 minutes are left', 1 / 3, 'doubtful', /^The job proxy ends .* and has not been renewed$/],
    ['it has ended', -1, 'bad', /^The job proxy expired .* told that they are not registered$/],
  ] as const)(
    'says that %s, when, and the command that cures it',
    async (_name, hours, verdict, said) => {
      const path = await register('1', box.proxyOf('ann'))
      age(path, hours)
      const [finding, ...others] = await look()
      expect(others).toEqual([])
      expect(finding).toMatchObject({ check: 'jobs', verdict, fileName: basename(path) })
      expect(finding?.sentence).toMatch(said)
      expect(finding?.cure).toContain('vobox-proxy --vo alice job register -s px.example.org:7512')
      expect((finding?.end ?? 0) - now()).toBeCloseTo(hours * HOUR, -2)
    },
  )

  it.each([
    ['damaged', (path: string) => writeFileSync(path, 'no proxy')],
    ['readable for others', (path: string) => chmodSync(path, 0o644)],
    ['gone, though a job has it', (path: string) => rmSync(path)],
  ])('says of a file that is %s that it cannot be renewed', async (_name, spoil) => {
    spoil(await register('1', box.proxyOf('ann')))
    const [finding, ...others] = await look()
    expect(others).toEqual([])
    expect(finding).toMatchObject({ check: 'jobs', verdict: 'bad' })
    expect(finding?.sentence).toBe(
      'The file of the job proxy is missing or damaged, so that it cannot be renewed',
    )
  })

  it('tells once what strikes 2 proxies, and whose it is where it strikes 1', async () => {
    const paths = [await register('1', box.proxyOf('ann')), await register('2', box.proxyOf('bob'))]
    for (const path of paths) await remember(path, refused())
    const sentence = 'has failed: px.example.org does not let this machine renew'
    const cure = 'Its owner stores it with -R'
    const common = { check: 'jobs', verdict: 'doubtful', cure }
    expect(await look()).toEqual([
      { ...common, sentence: `the renewal of 2 job proxies ${sentence}` },
    ])
    await remember(paths[1] ?? '', { failures: 0 })
    expect(await look()).toMatchObject([
      { ...common, sentence: `its renewal ${sentence}`, fileName: basename(paths[0] ?? '') },
    ])
  })

  it('is not alarmed by a job that ends while it looks', async () => {
    const path = await register('1', box.proxyOf('ann'))
    await register('2', box.proxyOf('bob'))
    const { files } = box.vo
    const ending = {
      ...box.vo,
      files: {
        ...files,
        // Between the journal and the file.
        facts: async (of: string) => {
          if (of === path) await end('1').catch(() => undefined)
          return files.facts(of)
        },
      },
    }
    expect((await look(ending))[0]?.sentence).toBe('1 job has 1 proxy, which is alive')
  })

  it('fails where jobs are not served any more and 1 proxy is left to nobody', async () => {
    expect(await look(unserved())).toEqual([])
    await register('1', box.proxyOf('ann'))
    const [finding] = await look(unserved())
    expect(finding).toMatchObject({ check: 'jobs', verdict: 'bad' })
    expect(finding?.sentence).toContain('a proxy of 1 job is renewed by nobody')
    expect(finding?.cure).toContain('jobs.enabled = true')
  })

  it('finds with --dn who has job proxies alone, and the service that does not run', async () => {
    await register('1', box.proxyOf('ann'))
    await register('2', box.proxyOf('bob'))
    await box.stop()
    const [ann] = await rows()
    const dn = ann?.registration.identity
    const { findings } = await checkVo({ ...box.options, dn })
    const of = (check: string) => findings.filter((one) => one.check === check)
    expect(of('jobs')).toMatchObject([{ sentence: '1 job has 1 proxy, which is alive' }])
    expect(of('service')).toMatchObject([{ verdict: 'bad' }])
    expect(of('user-proxy')).toEqual([])
    await expect(checkVo({ ...box.options, dn: '/CN=nobody' })).rejects.toMatchObject({
      code: 'NOT_REGISTERED',
    })
  })
})

describe('forecast', () => {
  it('has one that renews itself for 2 of a person, and one of its own for each that fails', async () => {
    await register('1', box.proxyOf('ann'))
    const limited = await register('2', box.proxyOf('ann', { policy: 'limited' }))
    const ofJobs = async () => {
      const { items, gaps } = await forecastVo(box.options)
      const found = items.filter(({ kind }) => kind === 'job-proxy')
      return { found: found.map(({ automatic, cure }) => [automatic, cure]), gaps }
    }
    const itself = [true, expect.stringContaining('as long as the service runs')]
    expect((await ofJobs()).found).toEqual([itself])
    await remember(limited, refused())
    expect((await ofJobs()).found).toEqual(
      expect.arrayContaining([itself, [false, 'Its owner stores it with -R']]),
    )
    writeFileSync(limited, 'no proxy')
    const { found, gaps } = await ofJobs()
    expect(found).toEqual([itself])
    expect(gaps.filter((gap) => gap.includes(basename(limited)))).toHaveLength(1)
  })
})

describe('query', () => {
  it('shows of 5 job proxies what each needs: nothing, now, a pause, to be dropped, a fresh one', async () => {
    const paths: string[] = []
    for (const name of ['fine', 'due', 'failing', 'expired', 'damaged']) {
      paths.push(await register(name, box.proxyOf(name)))
    }
    const [, due = '', failing = '', expired = '', damaged = ''] = paths
    age(due, 0.4)
    await remember(failing, refused())
    age(failing, 0.4)
    age(expired, -1)
    writeFileSync(damaged, 'no proxy')
    const shown = showQueryTable(await rows())
      .split('\n')
      .slice(1, -1)
    const ofJobs = shown.filter((line) => line.endsWith('[1 job]'))
    expect(ofJobs.map((line) => line.split(/ {2,}/)[2])).toEqual([
      expect.stringMatching(/\(fresh until then\)$/),
      'now (little of its lifetime is left)',
      expect.stringMatching(/\(pause after a failure\)$/),
      'never: expired, to be dropped',
      'never: its jobs need a fresh proxy',
    ])
    expect(ofJobs.map((line) => line.split(/ {2,}/)[0]).slice(3)).toEqual(['expired', 'unusable'])
    const failed = shown[shown.indexOf(ofJobs[2] ?? '') + 1]
    expect(failed).toMatch(/^ {2}! failed just now, 3 times in a row: px\.example\.org does not/)
    const { registrations } = JSON.parse(encodeQuery('alice', await rows()))
    expect(
      registrations.map((one: { kind: string; jobs: number; proxy: { usable: boolean } }) => [
        ...[one.kind, one.jobs, one.proxy.usable],
      ]),
    ).toEqual([true, true, true, true, false].map((usable) => ['job', 1, usable]))
  })

  it('leaves out a proxy whose last of 2 jobs ended since the journal was read, with or without --table', async () => {
    await register('1', box.proxyOf('ann'))
    await register('2', box.proxyOf('bob'))
    const view = await jobViewOf(box.vo)
    await end('1')
    const chosen = view?.registrations ?? []
    expect(chosen).toHaveLength(2)
    await expect.poll(async () => (await queryRows(box.vo, chosen, view)).length).toBe(1)
    const { text, problems } = await answerFor(box.vo, 'query', chosen, view)
    expect(problems).toEqual([])
    expect(text.match(/bob/g)).toHaveLength(1)
    expect(text).not.toContain('ann')
  })
})
