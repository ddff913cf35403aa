/**
 * A thousand job proxies that are due at once, renewed by the service's own scheduler from Debian's
 * `myproxy-server` on the same machine, which takes its share of the processors.
 */
import type { KeyObject } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { filesBeside, registriesBeside, timesBeside } from '../src/jobs/beside.js'
import { JobService } from '../src/jobs/job-service.js'
import { openVo, type VoContext } from '../src/node/compose/compose.js'
import { prepareVoDirectory } from '../src/node/compose/prepare-vo-directory.js'
import { KeyPool } from '../src/node/ports/key-pool.js'
import { RenewalDaemon } from '../src/renewal/daemon.js'
import { ProxyTimesCache } from '../src/renewal/proxy-times-cache.js'
import { attributeRulesNow } from '../src/renewal/trust-now.js'
import { addProxy } from '../test/support/pki.js'
import { type RealGrid, startRealGrid } from '../test/support/real-peers.js'
import { makeTemporaryDirectory } from '../test/support/temporary-directory.js'
import { makeJobsVo } from './support/jobs-service.js'
import { median, throughput } from './support/measure.js'
import { theirs } from './support/myproxy-servers.js'
import { costOf } from './support/process-tree.js'
import type { Row, Section } from './support/report.js'

/**
 * Recorded of `glite-proxy-renewd` 1.3.37, which renews one after the other, on two cores that made
 * {@link RECORDED_KEYS_PER_SECOND} keys and did nothing else.
 */
const RECORDED_PER_SECOND = 4.4
const RECORDED_KEYS_PER_SECOND = 13.2
const RATIO = 2.7
const POOLED_PER_SECOND = 80

const DUE = 1000
/** With fresh keys a part of them tells the rate, and each costs a tenth of a second. */
const DUE_FRESH = 50
const FRESH_ROUNDS = 2
/** Made beforehand, as the pool has them. */
const STOCK = 32

const cores = availableParallelism()

export async function measureJobRenewals(): Promise<Section> {
  const grid = await startRealGrid()
  try {
    await grid.upload({ as: grid.users.alice })
    const keys: number[] = []
    const fresh: Measured[] = []
    // In turns, so that a slow minute of the machine hits both.
    for (let round = 0; round < FRESH_ROUNDS; round++) {
      const pool = new KeyPool({ kind: 'rsa2048', size: 0 })
      keys.push(await throughput(DUE_FRESH, cores, () => pool.generate('rsa2048')))
      fresh.push(await renewAll(grid, DUE_FRESH, pool))
    }
    const pooled = await renewAll(grid, DUE, { generate: await stock() })
    return {
      title: 'Job proxies that are due at once',
      how: `${DUE} files (${FRESH_ROUNDS} times ${DUE_FRESH} with fresh keys), RSA-2048, every one validated and synced, the server on the same ${cores} cores.`,
      rows: [
        ...freshRows(median(fresh.map(({ perSecond }) => perSecond)), median(keys)),
        ...pooledRows(pooled),
      ],
    }
  } finally {
    await grid.stop()
  }
}

/** What was asked was asked of a machine with other cores: its keys alone tell how much other. */
function freshRows(perSecond: number, keysPerSecond: number): Row[] {
  const asked = RATIO * RECORDED_PER_SECOND
  const share = perSecond / keysPerSecond
  const askedShare = asked / RECORDED_KEYS_PER_SECOND
  const percent = (part: number) => `${(100 * part).toFixed(0)} %`
  return [
    {
      what: 'fresh keys',
      ours: `${perSecond.toFixed(1)}/s`,
      peer: `${RATIO} times the C daemon's recorded ${RECORDED_PER_SECOND}/s`,
      ratio: perSecond / asked,
      limit: { atLeast: 1 },
    },
    {
      what: 'fresh keys, of what these cores make of keys alone',
      ours: `${percent(share)} of ${keysPerSecond.toFixed(1)}/s`,
      peer: `the same figure where it was recorded, ${percent(askedShare)} of ${RECORDED_KEYS_PER_SECOND}/s`,
      ratio: share / askedShare,
    },
  ]
}

function pooledRows({ perSecond, oursMs, serverMs }: Measured): Row[] {
  const ceiling = (cores * 1000) / serverMs
  return [
    {
      what: 'keys from the pool',
      ours: `${perSecond.toFixed(1)}/s`,
      peer: `${POOLED_PER_SECOND}/s`,
      ratio: perSecond / POOLED_PER_SECOND,
      limit: { atLeast: 1 },
    },
    {
      what: 'keys from the pool, against the most that the server could answer',
      ours: `${perSecond.toFixed(1)}/s`,
      peer: `${ceiling.toFixed(1)}/s, did it have the ${cores} cores to itself`,
      ratio: perSecond / ceiling,
    },
    {
      what: 'processor time of a renewal',
      ours: `${oursMs.toFixed(1)} ms`,
      peer: `the C server's part of it ${serverMs.toFixed(1)} ms`,
      ratio: oursMs / serverMs,
    },
  ]
}

async function stock(): Promise<() => Promise<KeyObject>> {
  const pool = new KeyPool({ kind: 'rsa2048', size: 0 })
  const keys = await Promise.all(Array.from({ length: STOCK }, () => pool.generate('rsa2048')))
  let next = 0
  return async () => keys[next++ % STOCK] as KeyObject
}

type Keys = VoContext['myproxy']['keys']

interface Measured {
  perSecond: number
  /** Processor time a renewal, of this process and of the server. */
  oursMs: number
  serverMs: number
}

/** From the start of the scheduler until the last one has its new proxy. */
async function renewAll(grid: RealGrid, due: number, keys: Keys): Promise<Measured> {
  const temporary = await makeTemporaryDirectory()
  const vo = await openDueVo(grid, temporary.path, due)
  vo.myproxy.keys = keys
  const attributeRules = (signal: AbortSignal) => attributeRulesNow(vo, signal)
  const service = await JobService.open({ ...vo, owners: [vo.directory.uid], attributeRules })
  let renewed = 0
  let failure: Error | undefined
  const daemon = new RenewalDaemon({
    ...vo,
    registry: registriesBeside(vo.registry, service.registry),
    repository: filesBeside(vo.repository, service.proxies.files()),
    times: timesBeside(new ProxyTimesCache(vo), service.proxies),
    sink: { observe: async () => undefined, forget: async () => undefined },
    onOutcome: (outcome) => {
      if (outcome.kind === 'failed') failure ??= outcome.error
      if (outcome.kind === 'renewed') renewed += 1
    },
  })
  const stopping = new AbortController()
  const { pid } = await theirs(grid)
  const [start, own, server] = [performance.now(), process.cpuUsage(), costOf(pid).cpuSeconds]
  const run = daemon.run(stopping.signal)
  while (renewed < due && failure === undefined) await sleep(10)
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(own)
  const serverSeconds = costOf(pid).cpuSeconds - server
  stopping.abort()
  await run
  await service.close()
  vo.close()
  await temporary.remove()
  if (failure !== undefined) throw failure
  return {
    perSecond: due / seconds,
    oursMs: (user + system) / 1000 / due,
    serverMs: (serverSeconds * 1000) / due,
  }
}

/** Its proxies have 25 minutes left, which is less than half an hour. */
async function openDueVo(grid: RealGrid, directory: string, proxies: number): Promise<VoContext> {
  const { root, configFile } = await makeJobsVo(directory, {
    trustDirectory: grid.trustDirectory,
    machine: addProxy(grid.hosts.vobox.credential, { hours: 24, key: 'rsa2048', pathLength: 0 }),
    proxy: addProxy(grid.users.alice.credential, { hours: 25 / 60, key: 'rsa2048' }),
    proxies,
    server: () => `${grid.server.host}:${grid.server.port}`,
    config: '[log]\nlevel = "error"\n',
  })
  const vo = await openVo({ vo: 'alice', root, environment: { VOBOX_PROXY_CONFIG: configFile } })
  await prepareVoDirectory(vo.files, vo.paths)
  return vo
}
