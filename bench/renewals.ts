/**
 * Renewals from Debian's `myproxy-server`, ours (with validation, acceptance and the synced write of
 * the file) against `myproxy-logon -a` (which neither validates nor syncs), in one run.
 */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { VoContext } from '../src/node/compose/compose.js'
import { KeyPool } from '../src/node/ports/key-pool.js'
import type { Credential } from '../src/proxy/credential.js'
import { addProxy } from '../test/support/pki.js'
import { type RealGrid, startRealGrid } from '../test/support/real-peers.js'
import { median, race, throughput } from './support/measure.js'
import { openRenewalVo, renewNow } from './support/renewal-vo.js'
import type { Row, Section } from './support/report.js'

const SERIAL_ROUNDS = 25
const BURST = 60
const BURSTS = 3
const AT_ONCE = 8

const generate = promisify(generateKeyPair)
const freshKey = async () => (await generate('rsa', { modulusLength: 2048 })).privateKey

export async function measureRenewals(): Promise<Section[]> {
  const grid = await startRealGrid()
  try {
    await grid.upload({ as: grid.users.alice })
    const current = addProxy(grid.users.alice.credential, { hours: 12, key: 'rsa2048' })
    const machine = addProxy(grid.hosts.vobox.credential, { hours: 24, key: 'rsa2048' })
    const vo = await openRenewalVo(grid, { count: BURST, current, machine })
    try {
      const peer = await makePeer(grid, current, machine)
      const first = await oneAtATime(vo, peer)
      return [first, await manyAtOnce(vo, peer)]
    } finally {
      vo.close()
    }
  } finally {
    await grid.stop()
  }
}

type Peer = (index: number) => Promise<void>

/** `myproxy-logon -a` as a script would call it. */
async function makePeer(grid: RealGrid, current: Credential, machine: Credential): Promise<Peer> {
  const currentFile = await grid.writeProxy('current', current)
  const machineFile = await grid.writeProxy('machine', machine)
  return async (index) => {
    const out = join(grid.directory, `logon-${index}`)
    const args = ['-a', currentFile, '-d', '-t', '12', '-o', out, '-s', 'localhost']
    const { exitCode, stderr } = await grid.run('myproxy-logon', args, { proxy: machineFile })
    if (exitCode !== 0) throw new Error(`myproxy-logon: ${stderr}`)
  }
}

async function oneAtATime(vo: VoContext, peer: Peer): Promise<Section> {
  const pool = [] as KeyObject[]
  for (let made = 0; made < SERIAL_ROUNDS; made++) pool.push(await freshKey())
  const fresh = { generate: freshKey }
  const times = await race(
    {
      logon: () => peer(0),
      pooled: () => renewWith(vo, { generate: async () => pool.pop() as KeyObject }, 0),
      fresh: () => renewWith(vo, fresh, 0),
    },
    SERIAL_ROUNDS,
  )
  const row = (what: string, ours: number, limit?: Row['limit']): Row => ({
    what,
    ours: `${ours.toFixed(0)} ms`,
    peer: `\`myproxy-logon -a\` ${times.logon.toFixed(0)} ms`,
    ratio: ours / times.logon,
    ...(limit && { limit }),
  })
  return {
    title: 'One renewal at a time',
    how: `RSA-2048, the same server, median of ${SERIAL_ROUNDS} alternating runs.`,
    rows: [row('key from the pool', times.pooled, { atMost: 0.25 }), row('fresh key', times.fresh)],
  }
}

async function manyAtOnce(vo: VoContext, peer: Peer): Promise<Section> {
  const rates = { fresh: [], logon: [], keys: [], pooled: [] } as Record<string, number[]>
  for (let round = 0; round < BURSTS; round++) {
    const none = new KeyPool({ kind: 'rsa2048', size: 0 })
    rates.fresh?.push(await throughput(BURST, AT_ONCE, (n) => renewWith(vo, none, n)))
    rates.logon?.push(await throughput(BURST, AT_ONCE, peer))
    const stock: KeyObject[] = []
    const makeKeys = async () => stock.push(await none.generate('rsa2048'))
    rates.keys?.push(await throughput(BURST, AT_ONCE, makeKeys))
    const pooled = { generate: async () => stock.pop() as KeyObject }
    rates.pooled?.push(await throughput(BURST, AT_ONCE, (n) => renewWith(vo, pooled, n)))
  }
  const of = (name: string) => median(rates[name] ?? [])
  const row = (
    what: string,
    ours: string,
    against: string,
    peer: string,
    limit?: Row['limit'],
  ) => ({
    what,
    ours: `${of(ours).toFixed(1)}/s`,
    peer: `${peer} ${of(against).toFixed(1)}/s`,
    ratio: of(ours) / of(against),
    ...(limit && { limit }),
  })
  const logon = '`myproxy-logon -a`'
  const keys = 'making keys alone'
  return {
    title: 'Many renewals at once',
    how: `${AT_ONCE} at once on both sides, ${BURST} renewals, median of ${BURSTS} runs, the server on the same cores.`,
    rows: [
      row('fresh RSA-2048 keys, against the C clients', 'fresh', 'logon', logon, { atLeast: 1.2 }),
      row('fresh RSA-2048 keys, against key generation', 'fresh', 'keys', keys, { atLeast: 0.8 }),
      row('keys from the pool, against the C clients', 'pooled', 'logon', logon),
    ],
  }
}

async function renewWith(
  vo: VoContext,
  keys: VoContext['myproxy']['keys'],
  index: number,
): Promise<void> {
  vo.myproxy.keys = keys
  await renewNow(vo, index)
}
