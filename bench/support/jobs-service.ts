/** The real service with jobs, on a VO directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type VoPaths, voPaths } from '../../src/config/vo-paths.js'
import { JOB_JOURNAL } from '../../src/jobs/job-journal-file.js'
import type { JobProxy } from '../../src/jobs/job-proxy.js'
import { encodeRecord, type JobRecord } from '../../src/jobs/job-record.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import { realNow } from '../../test/support/pki.js'
import { costOf } from './process-tree.js'

/** Until the service listens, and until a group of proxies is renewed. */
const DEADLINE_MS = 300_000
const QUIET_MS = 1000

export interface JobsVo {
  root: string
  paths: VoPaths
  configFile: string
}

export interface JobsVoOptions {
  trustDirectory: string
  machine: Credential
  /** What there is when the service starts: so many proxies, each with so many jobs. */
  proxies?: number
  jobsOfEach?: number
  /** Their content. */
  proxy: Credential
  /** Of the proxy with that number. */
  server: (index: number) => string
  /** Further lines of the configuration. */
  config?: string
}

export async function makeJobsVo(directory: string, options: JobsVoOptions): Promise<JobsVo> {
  const { machine, trustDirectory, config = '' } = options
  const root = join(directory, 'root')
  const paths = voPaths(root, 'alice')
  await mkdir(paths.repository, { recursive: true, mode: 0o700 })
  for (const path of [root, paths.directory]) await chmod(path, 0o750)
  await writeFile(paths.machineProxy, encodeCredential(machine), { mode: 0o400 })
  await writePreloaded(paths, options)
  const configFile = join(directory, 'config.toml')
  const lines = [`[trust]\ndirectory = "${trustDirectory}"`, '[jobs]\nenabled = true', config]
  await writeFile(configFile, `${lines.join('\n')}\n`, { mode: 0o600 })
  return { root, paths, configFile }
}

async function writePreloaded(paths: VoPaths, options: JobsVoOptions): Promise<void> {
  const { proxies = 0, jobsOfEach = 1, proxy, server } = options
  await mkdir(paths.jobRepository, { mode: 0o700 })
  const { identity } = describeChain(proxy.chain)
  const bytes = encodeCredential(proxy)
  const records: JobRecord[] = []
  for (let index = 0; index < proxies; index++) {
    const file = `job-${index.toString(16).padStart(32, '0')}`
    const shared: JobProxy = {
      fileName: file,
      identity: identity.oneLine,
      identityDer: Buffer.from(identity.der).toString('base64'),
      server: server(index),
      voms: [],
      kind: 'rfc3820',
      limited: false,
      registeredAt: realNow(),
    }
    for (let job = 0; job < jobsOfEach; job++) {
      const id = `before-${index}-${job}`
      records.push({ op: 'register', job: id, file, ...(job === 0 && { proxy: shared }) })
    }
    await writeFile(join(paths.jobRepository, file), bytes, { mode: 0o600 })
  }
  const journal = join(paths.directory, JOB_JOURNAL)
  await writeFile(journal, records.map(encodeRecord).join(''), { mode: 0o600 })
}

export interface JobsService {
  socket: string
  child: ChildProcess
  stop(): Promise<void>
}

/** Started and listening. */
export async function startJobsService(vo: JobsVo): Promise<JobsService> {
  const program = join(process.cwd(), 'bin', 'vobox-renewd')
  const child = spawn(program, ['alice', userInfo().username, vo.root], {
    env: { PATH: process.env.PATH, VOBOX_PROXY_CONFIG: vo.configFile },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exit = once(child, 'exit')
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}`)
    return (await eventTimes(vo, 'service-started')).length > 0
  })
  return {
    socket: vo.paths.jobSocket,
    child,
    async stop() {
      if (child.exitCode === null) child.kill('SIGTERM')
      await exit
    },
  }
}

/** Resolves when the service uses less than a twentieth of a processor. */
export async function quiet({ child }: JobsService): Promise<void> {
  const spent = () => costOf(child.pid as number).cpuSeconds
  let before = spent()
  await eventually(async () => {
    const now = spent()
    const idle = now - before < QUIET_MS / 20_000
    before = now
    return idle
  }, QUIET_MS)
}

/** Lines of this event so far. */
export async function eventTimes(vo: JobsVo, event: string): Promise<string[]> {
  const text = await readFile(vo.paths.eventsLog, 'utf8').catch(() => '')
  return text.split('\n').filter((line) => line.split(' ')[1] === event)
}

async function eventually(holds: () => Promise<boolean>, everyMs = 50): Promise<void> {
  const end = performance.now() + DEADLINE_MS
  await sleep(everyMs)
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('nothing happened for minutes')
    await sleep(everyMs)
  }
}
