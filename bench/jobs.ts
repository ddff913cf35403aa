/**
 * The socket of workload managers: what a registration costs, alone, with others beside it, and with
 * ten thousand before it. The C daemon cannot be installed everywhere: what was recorded of it on a
 * machine of two cores stands here.
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { askJobService } from '../src/jobs/job-client.js'
import { systemClock } from '../src/node/ports/clock.js'
import { encodeCredential } from '../src/proxy/credential.js'
import { addProxy, TestAuthority } from '../test/support/pki.js'
import { writeTrustDirectory } from '../test/support/pki-files.js'
import { makeTemporaryDirectory } from '../test/support/temporary-directory.js'
import { measureJobRenewals } from './jobs-renewals.js'
import {
  type JobsService,
  type JobsVo,
  makeJobsVo,
  quiet,
  startJobsService,
} from './support/jobs-service.js'
import { median, throughput, wallMs } from './support/measure.js'
import type { Section } from './support/report.js'

/** Recorded of `glite-proxy-renewd` 1.3.37, near 1,000 jobs of one identity. */
const RECORDED_MS = 3.7

const WARM_UP = 1500
const JOBS = 400
const AT_ONCE = 8
const BURSTS = 5
const MANY = 10_000
const FEW = 10
const SYNCS = 200

interface Stage {
  directory: string
  vo: JobsVo
  service: JobsService
  /** The proxy file that is handed over. */
  handed: string
}

export async function measureJobs(): Promise<Section[]> {
  return [await measureRegistering(), await measureMany(), await measureJobRenewals()]
}

interface StageOptions {
  proxies: number
  jobsOfEach: number
}

/** Nobody listens on these, and what is registered is not due for hours. */
const deadServer = (index: number) => `127.1.${index >> 8}.${index & 255}:1`

async function onStage<T>(options: StageOptions, work: (stage: Stage) => Promise<T>): Promise<T> {
  const temporary = await makeTemporaryDirectory()
  const directory = temporary.path
  const ca = new TestAuthority()
  const proxy = addProxy(ca.issueUser('user'), { hours: 48 })
  const handed = join(directory, 'handed')
  const vo = await makeJobsVo(directory, {
    ...options,
    trustDirectory: await writeTrustDirectory(join(directory, 'trust'), ca),
    machine: addProxy(ca.issueHost('vobox.example.org'), { hours: 24, pathLength: 0 }),
    proxy,
    // All on one, which is soon known to be dead: nobody is asked while we measure.
    server: () => deadServer(10_000),
    // A full pool costs nothing any more, and filling it would be measured too.
    config: '[keys]\npool = 0',
  })
  await writeProxyFile(handed, encodeCredential(proxy))
  const service = await startJobsService(vo)
  try {
    return await work({ directory, vo, service, handed })
  } finally {
    await service.stop()
    await temporary.remove()
  }
}

async function writeProxyFile(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  await handle.writeFile(bytes)
  await handle.close()
}

let named = 0

async function register({ service, handed }: Stage, server = deadServer(0)): Promise<void> {
  named += 1
  const call = { clock: systemClock, socket: service.socket, deadlineMs: 60_000 }
  const jobId = `https://lb.example.org:9000/${named}`
  await askJobService(call, { command: 'register', jobId, proxyFile: handed, server })
}

async function unregister({ service }: Stage, jobId: string): Promise<void> {
  const call = { clock: systemClock, socket: service.socket, deadlineMs: 60_000 }
  await askJobService(call, { command: 'unregister', jobId })
}

async function measureRegistering(): Promise<Section> {
  return onStage({ proxies: 1, jobsOfEach: FEW }, async (stage) => {
    await throughput(WARM_UP, AT_ONCE, () => register(stage))
    // Near a thousand jobs, as the C daemon was measured.
    for (let job = named - WARM_UP + 1; job <= named - 1000; job++) {
      await unregister(stage, `https://lb.example.org:9000/${job}`)
    }
    const times: number[] = []
    for (let job = 0; job < JOBS; job++) times.push(await wallMs(() => register(stage)))
    const sync = await syncMs(stage.vo.paths.directory)
    // Alternating, so that a slow second of the machine hits both alike.
    const rates: Record<'one' | 'eight', number[]> = { one: [], eight: [] }
    for (let burst = 0; burst < BURSTS; burst++) {
      rates.one.push(await throughput(JOBS / 2, 1, () => register(stage)))
      rates.eight.push(await throughput(2 * JOBS, AT_ONCE, () => register(stage)))
    }
    const [one, eight] = [median(rates.one), median(rates.eight)]
    const ms = median(times)
    const allowed = RECORDED_MS + sync
    return {
      title: 'Registering jobs',
      how: `Near 1000 jobs of one identity, over the socket of the service, durable before each answer; median of ${JOBS}, rates of ${BURSTS} alternating bursts.`,
      rows: [
        {
          what: 'one client at a time',
          ours: `${ms.toFixed(2)} ms`,
          peer: `recorded ${RECORDED_MS} ms of the C daemon, and one sync of this disk (${sync.toFixed(2)} ms)`,
          ratio: ms / allowed,
          limit: { atMost: 1 },
        },
        {
          what: `${AT_ONCE} clients at a time`,
          ours: `${eight.toFixed(0)}/s`,
          peer: `the C daemon, which serves one at a time, with that sync ${(1000 / allowed).toFixed(0)}/s`,
          ratio: (eight * allowed) / 1000,
          limit: { atLeast: 4 },
        },
        {
          what: `${AT_ONCE} clients against one`,
          ours: `${eight.toFixed(0)}/s`,
          peer: `one client ${one.toFixed(0)}/s`,
          ratio: eight / one,
        },
      ],
    }
  })
}

/** A line of the journal, appended and synced by the same calls. */
async function syncMs(directory: string): Promise<number> {
  const handle = await open(join(directory, 'sync-probe'), 'a', 0o600)
  const line = Buffer.alloc(150, 'x')
  const times: number[] = []
  for (let round = 0; round < SYNCS; round++) {
    await handle.write(line)
    times.push(await wallMs(() => handle.datasync()))
  }
  await handle.close()
  return median(times)
}

type Cost = { joining: number; making: number }

/** A request that joins, and one that makes a proxy of its own; after those that were there before. */
async function costAfter(options: StageOptions): Promise<Cost> {
  return onStage(options, async (stage) => {
    // The first look at each of ten thousand is no part of a request.
    await quiet(stage.service)
    await throughput(WARM_UP / 5, 1, () => register(stage))
    const joining: number[] = []
    const making: number[] = []
    for (let job = 0; job < JOBS; job++) {
      joining.push(await wallMs(() => register(stage)))
    }
    for (let job = 0; job < JOBS; job++) {
      making.push(await wallMs(() => register(stage, deadServer(20_000 + job))))
    }
    return { joining: median(joining), making: median(making) }
  })
}

async function measureMany(): Promise<Section> {
  const few = await costAfter({ proxies: FEW, jobsOfEach: 1 })
  const jobs = await costAfter({ proxies: 1, jobsOfEach: MANY })
  const proxies = await costAfter({ proxies: MANY, jobsOfEach: 1 })
  const row = (what: string, which: keyof Cost, cost: Cost) => ({
    what,
    ours: `${cost[which].toFixed(2)} ms`,
    peer: `after ten ${few[which].toFixed(2)} ms`,
    ratio: cost[which] / few[which],
    limit: { atMost: 1.3 },
  })
  return {
    title: 'Registering after many others',
    how: `One client, median of ${JOBS} requests, with ${MANY} there before and with ten.`,
    rows: [
      row(`joining ${MANY} jobs of one proxy`, 'joining', jobs),
      row(`a proxy of its own, ${MANY} jobs elsewhere`, 'making', jobs),
      row(`joining, beside ${MANY} proxies`, 'joining', proxies),
      row(`a proxy of its own, beside ${MANY} proxies`, 'making', proxies),
    ],
  }
}
