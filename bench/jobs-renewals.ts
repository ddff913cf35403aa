/**
 * A thousand job proxies that are due at once, renewed by the service's own scheduler from Debian's
 * `myproxy-server` on the same machine, which takes its share of the processors.
 */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { filesBeside, registriesBeside } from '../src/jobs/beside.js'
import { JobService } from '../src/jobs/job-service.js'
import { openVo, type VoContext } from '../src/node/compose/compose.js'
import { prepareVoDirectory } from '../src/node/compose/prepare-vo-directory.js'
import { KeyPool } from '../src/node/ports/key-pool.js'
import { RenewalDaemon } from '../src/renewal/daemon.js'
import { attributeRulesNow } from '../src/renewal/trust-now.js'
import { addProxy } from '../test/support/pki.js'
import { type RealGrid, startRealGrid } from '../test/support/real-peers.js'
import { makeTemporaryDirectory } from '../test/support/temporary-directory.js'
import { makeJobsVo } from './support/jobs-service.js'
import type { Section } from './support/report.js'

/** Recorded of `glite-proxy-renewd` 1.3.37 on two cores, which renews one after the other. */
const RECORDED_PER_SECOND = 4.4
const RATIO = 2.7
const POOLED_PER_SECOND = 80

const DUE = 1000
/** With fresh keys a part of them tells the rate, and each costs a tenth of a second. */
const DUE_FRESH = 100
/** Made beforehand, as the pool has them. */
const STOCK = 32

const generate = promisify(generateKeyPair)

export async function measureJobRenewals(): Promise<Section> {
  const grid = await startRealGrid()
  try {
    await grid.upload({ as: grid.users.alice })
    const fresh = await rateOf(grid, DUE_FRESH, new KeyPool({ kind: 'rsa2048', size: 0 }))
    const pooled = await rateOf(grid, DUE, { generate: await stock() })
    const row = (what: string, rate: number, peer: string, atLeast: number) => ({
      what,
      ours: `${rate.toFixed(1)}/s`,
      peer,
      ratio: rate / atLeast,
      limit: { atLeast: 1 },
    })
    const recorded = `${RATIO} times the C daemon's recorded ${RECORDED_PER_SECOND}/s`
    return {
      title: 'Job proxies that are due at once',
      how: `${DUE} files (${DUE_FRESH} with fresh keys), RSA-2048, every one validated and synced, the server on the same cores.`,
      rows: [
        row('fresh keys', fresh, recorded, RATIO * RECORDED_PER_SECOND),
        row('keys from the pool', pooled, `${POOLED_PER_SECOND}/s`, POOLED_PER_SECOND),
      ],
    }
  } finally {
    await grid.stop()
  }
}

async function stock(): Promise<() => Promise<KeyObject>> {
  const make = async () => (await generate('rsa', { modulusLength: 2048 })).privateKey
  const keys = await Promise.all(Array.from({ length: STOCK }, make))
  let next = 0
  return async () => keys[next++ % STOCK] as KeyObject
}

type Keys = VoContext['myproxy']['keys']

/** Renewals a second, from the start of the scheduler until the last one has its new proxy. */
async function rateOf(grid: RealGrid, due: number, keys: Keys): Promise<number> {
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
    sink: { observe: async () => undefined, forget: async () => undefined },
    onOutcome: (outcome) => {
      if (outcome.kind === 'failed') failure ??= outcome.error
      if (outcome.kind === 'renewed') renewed += 1
    },
  })
  const stopping = new AbortController()
  const start = performance.now()
  const run = daemon.run(stopping.signal)
  while (renewed < due && failure === undefined) await sleep(10)
  const seconds = (performance.now() - start) / 1000
  stopping.abort()
  await run
  await service.close()
  vo.close()
  await temporary.remove()
  if (failure !== undefined) throw failure
  return due / seconds
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
