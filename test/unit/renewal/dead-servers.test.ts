/** Renewals side by side, some of which have dead servers first in their list; in virtual time. */
import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { Scheduler } from '../../../src/renewal/scheduler.js'
import { good, Scene } from '../../support/reach-scene.js'

const DEAD_FIRST = ['dead1', 'dead2', 'dead3', 'px']
const LIVING = ['px']

interface Done {
  key: string
  beganMs: number
  tookMs: number
}

/** The service's scheduler, each of whose keys is renewed once from its list of servers. */
async function renewOnce(scene: Scene, lists: Readonly<Record<string, readonly string[]>>) {
  const done: Done[] = []
  const stop = new AbortController()
  const left = new Set(Object.keys(lists))
  const scheduler = new Scheduler({
    clock: scene.clock,
    workers: 16,
    workersPerLane: 8,
    look: async (key) => ({ kind: 'work', lane: lists[key]?.[0] ?? '' }),
    async work(key) {
      const beganMs = scene.clock.monotonicMs()
      await scene.ask(lists[key] ?? [])
      done.push({ key, beganMs, tookMs: scene.clock.monotonicMs() - beganMs })
      left.delete(key)
      if (left.size === 0) stop.abort()
      return { next: { kind: 'forget' }, reachable: true }
    },
    onFault: (_key, error) => stop.abort(error),
  })
  for (const key of left) scheduler.set(key, asUnixSeconds(0))
  await scene.network.pass(scheduler.run(stop.signal))
  return done
}

const lists = (count: number, prefix: string, list: readonly string[]) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${prefix}${at}`, list]))

const scene = () =>
  new Scene({
    dead1: { '192.0.2.1': { kind: 'unreachable' } },
    dead2: { '192.0.2.2': { kind: 'mute' } },
    dead3: { '192.0.2.3': { kind: 'unreachable' } },
    px: { '192.0.2.9': good },
  }).remembering()

describe('renewals with three dead servers before one that answers', () => {
  it('take 15 s the first time and under 1 s from then on, 8 at once; 30 others are not delayed', async () => {
    const world = scene()
    const done = await renewOnce(world, {
      ...lists(20, 'dead', DEAD_FIRST),
      ...lists(30, 'living', LIVING),
    })
    const of = (prefix: string) => done.filter(({ key }) => key.startsWith(prefix))
    expect(of('living')).toHaveLength(30)
    for (const { beganMs, tookMs } of of('living')) expect(beganMs + tookMs).toBeLessThan(1000)

    const [first, later] = [of('dead').slice(0, 8), of('dead').slice(8)]
    for (const { beganMs, tookMs } of first) {
      expect(beganMs).toBe(0)
      expect(tookMs).toBeGreaterThanOrEqual(15_000)
      expect(tookMs).toBeLessThan(15_100)
    }
    expect(later).toHaveLength(12)
    for (const { tookMs } of later) expect(tookMs).toBeLessThan(1000)
    world.circuit?.close()
    await world.expectNothingLeft()
  })

  it('are all done within two seconds when they come again', async () => {
    const world = scene()
    await renewOnce(world, lists(1, 'dead', DEAD_FIRST))
    const again = await renewOnce(world, lists(16, 'dead', DEAD_FIRST))
    const began = Math.min(...again.map(({ beganMs }) => beganMs))
    for (const { beganMs, tookMs } of again) expect(beganMs + tookMs - began).toBeLessThan(2000)
    world.circuit?.close()
  })
})
