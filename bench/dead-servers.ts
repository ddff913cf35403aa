/**
 * Renewals with three dead servers first in their lists, as the service makes them: what the dead cost
 * the first time, what they cost from then on, and what they cost everybody else meanwhile.
 */
import { performance } from 'node:perf_hooks'
import { addProxy } from '../test/support/pki.js'
import { startRealGrid } from '../test/support/real-peers.js'
import { startTcpPeer } from '../test/support/scripted-peer.js'
import { median, wallMs } from './support/measure.js'
import { openRenewalVo, renewNow } from './support/renewal-vo.js'
import type { Row, Section } from './support/report.js'

const ROUNDS = 15
/** The default of `myproxy.connect_seconds`. */
const CONNECT_SECONDS = 5
/** The first registration has the dead before its server, the second has not. */
const [BEHIND_THE_DEAD, OTHER] = [0, 1]

export async function measureDeadServers(): Promise<Section[]> {
  const grid = await startRealGrid()
  // They take the connection, so that TCP is quick, and then say nothing.
  const dead = await Promise.all([1, 2, 3].map(() => startTcpPeer(() => undefined)))
  try {
    await grid.upload({ as: grid.users.alice })
    const vo = await openRenewalVo(grid, {
      count: 2,
      current: addProxy(grid.users.alice.credential, { hours: 12, key: 'rsa2048' }),
      machine: addProxy(grid.hosts.vobox.credential, { hours: 24, key: 'rsa2048' }),
      serversBefore: (index) =>
        index === BEHIND_THE_DEAD ? dead.map(({ port }) => `127.0.0.1:${port}`) : [],
      asService: true,
    })
    try {
      await renewNow(vo, OTHER)
      const alone = await times(() => renewNow(vo, OTHER), ROUNDS)
      let first = 0
      const began = wallMs(() => renewNow(vo, BEHIND_THE_DEAD)).then((ms) => {
        first = ms
      })
      const beside = await timesUntil(() => renewNow(vo, OTHER), began)
      const next = await times(() => renewNow(vo, BEHIND_THE_DEAD), ROUNDS)
      return [section({ alone, first, beside, next })]
    } finally {
      vo.close()
    }
  } finally {
    for (const peer of dead) await peer.stop()
    await grid.stop()
  }
}

async function times(work: () => Promise<void>, rounds: number): Promise<number[]> {
  const taken: number[] = []
  for (let round = 0; round < rounds; round++) taken.push(await wallMs(work))
  return taken
}

/** One after the other for as long as `other` takes, a tenth of a second apart. */
async function timesUntil(work: () => Promise<void>, other: Promise<void>): Promise<number[]> {
  const taken: number[] = []
  let over = false
  const ended = other.finally(() => {
    over = true
  })
  for (const endMs = performance.now() + 60_000; !over && performance.now() < endMs; ) {
    taken.push(await wallMs(work))
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await ended
  return taken
}

interface Figures {
  alone: readonly number[]
  first: number
  beside: readonly number[]
  next: readonly number[]
}

function section({ alone, first, beside, next }: Figures): Section {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
  const row = (what: string, ms: number, peer: string, peerMs: number, atMost?: number): Row => ({
    what,
    ours: seconds(ms),
    peer: `${peer} ${seconds(peerMs)}`,
    ratio: ms / peerMs,
    ...(atMost !== undefined && { limit: { atMost } }),
  })
  // Beside the wait for the dead there is the renewal itself.
  const deadlinesMs = 3 * CONNECT_SECONDS * 1000 + median(alone)
  return {
    title: 'Three dead servers first in the list',
    how: `They take connections and are silent; the fourth is Debian’s \`myproxy-server\`. Keys from the pool, median of ${ROUNDS} renewals, the first time once.`,
    rows: [
      row('the first time', first, 'three connect deadlines and a renewal', deadlinesMs, 1.05),
      row('the next time', median(next), 'the limit of', 1000, 1),
      row('the slowest of the next', Math.max(...next), 'the limit of', 1000),
      row('others meanwhile', median(beside), 'alone', median(alone), 1.5),
    ],
  }
}
