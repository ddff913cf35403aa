/**
 * Our MyProxy server against Debian's, in one run: the same clients, the same configuration, the
 * same credentials. The clients' keys and requests are made beforehand; what clients cost stands
 * beside what servers cost, since both share the machine.
 */
import type { Credential } from '../src/proxy/credential.js'
import { addProxy } from '../test/support/pki.js'
import { type RealGrid, startRealGrid } from '../test/support/real-peers.js'
import { median, throughput } from './support/measure.js'
import { LoadClient } from './support/myproxy-load.js'
import { type BenchServer, multiply, startOurs, theirs } from './support/myproxy-servers.js'
import { costOf } from './support/process-tree.js'
import type { Row, Section } from './support/report.js'

/** A server runs for months: what is measured is not how its code gets compiled. */
const WARM_UP = 1500
const BURST = 300
const BURSTS = 5
const WIDTHS = [8, 32]
const STORED = 10_000
const FEW = 10

type Running = Omit<BenchServer, 'stop'>
type Kind = 'renew' | 'info'

/** Requests with what each side gives to its own server. */
interface Stage {
  grid: RealGrid
  current: Credential
  machine: Credential
}

export async function measureMyProxyServer(): Promise<Section[]> {
  const stage = await openStage()
  const { grid } = stage
  try {
    const ours = await startOurs(grid, 'ours')
    try {
      return [await manyAtOnce(stage, ours, await theirs(grid)), await manyStored(stage)]
    } finally {
      await ours.stop()
    }
  } finally {
    await grid.stop()
  }
}

async function openStage(): Promise<Stage> {
  const grid = await startRealGrid()
  const { alice } = grid.users
  await grid.upload({ as: alice })
  await grid.upload({ as: alice, options: ['-n', '-A', '-l', 'alice', '-c', '168', '-t', '48'] })
  return {
    grid,
    current: addProxy(alice.credential, { hours: 12, key: 'rsa2048' }),
    machine: addProxy(grid.hosts.vobox.credential, { hours: 24, key: 'rsa2048' }),
  }
}

/** One worker for each kind of request. */
function clientsOf({ grid, current, machine }: Stage, { port }: Running) {
  const username = grid.users.alice.dn
  const renewer = new LoadClient({ port, username, credential: machine, current })
  const owner = new LoadClient({ port, username, credential: grid.users.alice.credential })
  return {
    renew: (name?: string) => renewer.renew(name),
    info: (name?: string) => owner.info(name),
  }
}

interface Burst {
  rate: number
  cpuMs: number
}

async function burst(
  server: Running,
  width: number,
  request: (index: number) => Promise<void>,
): Promise<Burst> {
  const before = costOf(server.pid)
  const rate = await throughput(BURST, width, request)
  const { cpuSeconds } = costOf(server.pid)
  return { rate, cpuMs: ((cpuSeconds - before.cpuSeconds) * 1000) / BURST }
}

/** Median of bursts that alternate, so that a slow minute of the machine hits both alike. */
async function compared<K extends string>(
  contestants: Readonly<Record<K, () => Promise<Burst>>>,
): Promise<Record<K, Burst>> {
  const names = Object.keys(contestants) as K[]
  const bursts = Object.fromEntries(names.map((name) => [name, [] as Burst[]])) as Record<
    K,
    Burst[]
  >
  for (let round = 0; round < BURSTS; round++) {
    for (const name of names) bursts[name].push(await contestants[name]())
  }
  const of = (name: K): Burst => ({
    rate: median(bursts[name].map(({ rate }) => rate)),
    cpuMs: median(bursts[name].map(({ cpuMs }) => cpuMs)),
  })
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<K, Burst>
}

async function manyAtOnce(stage: Stage, ours: Running, other: Running): Promise<Section> {
  const [own, their] = [clientsOf(stage, ours), clientsOf(stage, other)]
  const rows: Row[] = []
  const limits: Record<Kind, { what: string; atLeast: number }> = {
    renew: { what: 'GET by renewal', atLeast: 1.5 },
    info: { what: 'INFO', atLeast: 2 },
  }
  for (const kind of ['renew', 'info'] as const) {
    await throughput(WARM_UP, 8, () => own[kind]())
    for (const width of WIDTHS) {
      const result = await compared({
        ours: () => burst(ours, width, () => own[kind]()),
        theirs: () => burst(other, width, () => their[kind]()),
      })
      const { what, atLeast } = limits[kind]
      rows.push({
        what: `${what}, ${width} in flight`,
        ours: shown(result.ours),
        peer: `C server ${shown(result.theirs)}`,
        ratio: result.ours.rate / result.theirs.rate,
        limit: { atLeast },
      })
    }
  }
  return {
    title: 'The MyProxy server',
    how: `RSA-2048, clients' keys made beforehand, median of ${BURSTS} alternating bursts of ${BURST} requests after ${WARM_UP} to warm up; in brackets the server's processor time for each.`,
    rows,
  }
}

async function manyStored(stage: Stage): Promise<Section> {
  const { grid } = stage
  const few = await startOurs(grid, 'few')
  const many = await startOurs(grid, 'many')
  try {
    await multiply(few.storeDirectory, { stem: 'alice', username: 'alice', count: FEW })
    await multiply(many.storeDirectory, { stem: 'alice', username: 'alice', count: STORED })
    const [small, large] = [clientsOf(stage, few), clientsOf(stage, many)]
    const rows: Row[] = []
    for (const kind of ['renew', 'info'] as const) {
      for (const clients of [small, large]) await throughput(WARM_UP, 8, () => clients[kind]())
      const result = await compared({
        few: () => burst(few, 8, (index) => small[kind](`user-${index % FEW}`)),
        many: () => burst(many, 8, (index) => large[kind](`user-${(index * 997) % STORED}`)),
      })
      rows.push({
        what: `${kind === 'renew' ? 'GET by renewal' : 'INFO'} with ${STORED} stored`,
        ours: shown(result.many),
        peer: `with ${FEW} stored ${shown(result.few)}`,
        ratio: result.many.rate / result.few.rate,
        limit: { atLeast: 0.8 },
      })
    }
    return {
      title: 'What is stored with the MyProxy server',
      how: `Our server twice, 8 in flight, each credential of another name, median of ${BURSTS} alternating bursts of ${BURST} requests.`,
      rows,
    }
  } finally {
    await few.stop()
    await many.stop()
  }
}

function shown({ rate, cpuMs }: Burst): string {
  return `${rate.toFixed(1)}/s (${cpuMs.toFixed(1)} ms)`
}
