/** What 100,000 requests leave behind in the memory of our MyProxy server. */
import { addProxy } from '../test/support/pki.js'
import { startRealGrid } from '../test/support/real-peers.js'
import { throughput } from './support/measure.js'
import { LoadClient } from './support/myproxy-load.js'
import { startOurs } from './support/myproxy-servers.js'
import { costOf } from './support/process-tree.js'
import type { Section } from './support/report.js'

/** Until then code is compiled and caches fill. */
const SETTLED_AFTER = 20_000
const REQUESTS = 100_000
const WIDTH = 8
/** One renewal among so many requests: what each leaves would show. */
const RENEWAL_EVERY = 4
const SAMPLES = 10

export async function measureMyProxyServerMemory(): Promise<Section[]> {
  const grid = await startRealGrid()
  try {
    const { alice } = grid.users
    await grid.upload({ as: alice })
    const server = await startOurs(grid, 'ours')
    try {
      const common = { port: server.port, username: alice.dn }
      const owner = new LoadClient({ ...common, credential: alice.credential })
      const renewer = new LoadClient({
        ...common,
        credential: addProxy(grid.hosts.vobox.credential, { hours: 48, key: 'rsa2048' }),
        current: addProxy(alice.credential, { hours: 48, key: 'rsa2048' }),
      })
      const run = (count: number) =>
        throughput(count, WIDTH, (index) =>
          index % RENEWAL_EVERY === 0 ? renewer.renew() : owner.info(),
        )
      await run(SETTLED_AFTER)
      const early = await sampled(server.pid, SETTLED_AFTER, run)
      await run(REQUESTS - 3 * SETTLED_AFTER)
      const late = await sampled(server.pid, SETTLED_AFTER, run)
      return [sectionOf(early, late)]
    } finally {
      await server.stop()
    }
  } finally {
    await grid.stop()
  }
}

/** The most that is resident in the course of `count` requests: a heap goes up and down. */
async function sampled(
  pid: number,
  count: number,
  run: (count: number) => Promise<unknown>,
): Promise<number> {
  let most = 0
  for (let sample = 0; sample < SAMPLES; sample++) {
    await run(count / SAMPLES)
    most = Math.max(most, costOf(pid).residentBytes)
  }
  return most
}

function sectionOf(early: number, late: number): Section {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`
  return {
    title: 'Memory of the MyProxy server',
    how: `${REQUESTS} requests, ${WIDTH} in flight, one in ${RENEWAL_EVERY} a renewal and the others INFO; the most of ${SAMPLES} samples.`,
    rows: [
      {
        what: `resident after ${REQUESTS} requests`,
        ours: megabytes(late),
        peer: `after ${2 * SETTLED_AFTER} ${megabytes(early)}`,
        ratio: late / early,
        limit: { atMost: 1.1 },
      },
    ],
  }
}
