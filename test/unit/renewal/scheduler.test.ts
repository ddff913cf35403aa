import { afterEach, describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { type NextStep, Scheduler, type SchedulerOptions } from '../../../src/renewal/scheduler.js'
import { FakeClock } from '../../support/fake-clock.js'
import { DAY, HOUR, hours } from '../../support/time.js'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

function start(clock: FakeClock, options: Partial<SchedulerOptions>) {
  const faults: unknown[] = []
  const scheduler = new Scheduler({
    clock,
    workers: 4,
    workersPerLane: 2,
    look: async () => ({ kind: 'forget' }),
    work: async () => ({ next: { kind: 'forget' } }),
    onFault: (_key, error) => faults.push(error),
    ...options,
  })
  const stop = new AbortController()
  const ended = scheduler.run(stop.signal)
  stops.push(async () => {
    stop.abort()
    await clock.settle()
    await ended
  })
  return { scheduler, faults, stop, ended }
}

const work = (lane: string): NextStep => ({ kind: 'work', lane })

describe('Scheduler', () => {
  it('looks at a key on the second that was asked for, and not before', async () => {
    const clock = new FakeClock(0)
    const looks: number[] = []
    const { scheduler } = start(clock, {
      look: async () => {
        looks.push(clock.now())
        return { kind: 'wait', until: asUnixSeconds(clock.now() + HOUR) }
      },
    })
    scheduler.set('a', hours(1))
    await clock.advanceSeconds(HOUR - 1)
    expect(looks).toEqual([])
    await clock.advanceSeconds(2 * HOUR + 1)
    expect(looks).toEqual([3600, 7200, 10_800])
  })

  it('works through 100 keys each hour for a simulated week', async () => {
    const clock = new FakeClock(0)
    const workedAt = new Map<string, number>()
    let worked = 0
    const { scheduler } = start(clock, {
      workers: 16,
      workersPerLane: 8,
      look: async (key) => {
        const due = (workedAt.get(key) ?? -HOUR) + HOUR
        return due <= clock.now()
          ? work(`server-${key.length}`)
          : { kind: 'wait', until: asUnixSeconds(due) }
      },
      work: async (key) => {
        worked++
        workedAt.set(key, clock.now())
        return { next: { kind: 'wait', until: asUnixSeconds(clock.now() + HOUR) } }
      },
    })
    for (let index = 0; index < 100; index++) scheduler.set(`key-${index}`, asUnixSeconds(index))
    await clock.advanceSeconds(7 * DAY - 1)
    expect(worked).toBe(100 * 7 * 24)
  })

  it('never works on more than 4 at once, nor on more than 2 of one server', async () => {
    const clock = new FakeClock(0)
    const running = { all: 0, mostOfAll: 0, mostOfOne: 0, lanes: new Map<string, number>() }
    const change = (lane: string, by: number) => {
      const now = (running.lanes.get(lane) ?? 0) + by
      running.lanes.set(lane, now)
      running.all += by
      running.mostOfAll = Math.max(running.mostOfAll, running.all)
      running.mostOfOne = Math.max(running.mostOfOne, now)
    }
    const lane = (key: string) => key.slice(0, 1)
    let done = 0
    const { scheduler } = start(clock, {
      look: async (key) => work(lane(key)),
      work: async (key) => {
        change(lane(key), 1)
        await clock.sleep(1000)
        change(lane(key), -1)
        done++
        return { next: { kind: 'forget' } }
      },
    })
    for (let index = 0; index < 30; index++) scheduler.set(`${'abc'[index % 3]}${index}`)
    await clock.advanceSeconds(30)
    expect(done).toBe(30)
    expect(running.mostOfAll).toBe(4)
    expect(running.mostOfOne).toBe(2)
  })

  it('serves 20 keys of a living server at once while 200 wait for three dead ones', async () => {
    const clock = new FakeClock(0)
    const served: number[] = []
    const { scheduler } = start(clock, {
      look: async (key) => work(key.split('-')[0] as string),
      work: async (key, signal) => {
        const reachable = key.startsWith('alive')
        if (reachable) served.push(clock.now())
        else await clock.sleep(30_000, signal).catch(() => undefined)
        return { reachable, next: { kind: 'wait', until: asUnixSeconds(clock.now() + 600) } }
      },
    })
    for (let index = 0; index < 200; index++) scheduler.set(`dead${index % 3}-${index}`)
    await clock.advanceSeconds(60)
    for (let index = 0; index < 20; index++) scheduler.set(`alive-${index}`)
    const asked = clock.now()
    await clock.advanceSeconds(1)
    expect(served).toHaveLength(20)
    expect(Math.max(...served) - asked).toBe(0)
  })

  it('widens the lane of a server again after its first answer', async () => {
    const clock = new FakeClock(0)
    let alive = false
    let running = 0
    let most = 0
    const { scheduler } = start(clock, {
      look: async () => work('px'),
      work: async () => {
        most = Math.max(most, ++running)
        await clock.sleep(1000)
        running--
        return { reachable: alive, next: { kind: 'forget' } }
      },
    })
    scheduler.set('first')
    await clock.advanceSeconds(2)
    most = 0
    for (let index = 0; index < 4; index++) scheduler.set(`dead-${index}`)
    await clock.advanceSeconds(10)
    expect(most).toBe(1)
    alive = true
    for (let index = 0; index < 4; index++) scheduler.set(`alive-${index}`)
    await clock.advanceSeconds(10)
    expect(most).toBe(2)
  })

  it('looks again at a key that was set while it was worked on', async () => {
    const clock = new FakeClock(0)
    const looks: number[] = []
    const { scheduler } = start(clock, {
      look: async () => {
        looks.push(clock.now())
        return looks.length === 1 ? work('px') : { kind: 'wait', until: hours(9) }
      },
      work: async () => {
        await clock.sleep(10_000)
        return { next: { kind: 'wait', until: hours(9) } }
      },
    })
    scheduler.set('a')
    await clock.advanceSeconds(5)
    scheduler.set('a')
    await clock.advanceSeconds(10)
    expect(looks).toEqual([0, 10])
  })

  it('does not work on a key that was deleted while it queued', async () => {
    const clock = new FakeClock(0)
    const worked: string[] = []
    const { scheduler } = start(clock, {
      workersPerLane: 1,
      look: async () => work('px'),
      work: async (key) => {
        worked.push(key)
        await clock.sleep(10_000)
        return { next: { kind: 'wait', until: hours(9) } }
      },
    })
    for (const key of ['a', 'b', 'c']) scheduler.set(key)
    await clock.advanceSeconds(1)
    scheduler.delete('a')
    scheduler.delete('b')
    await clock.advanceSeconds(60)
    expect(worked).toEqual(['a', 'c'])
    expect(scheduler.size).toBe(1)
  })

  it('notices within a minute that the wall clock jumped ahead by ten hours', async () => {
    const clock = new FakeClock(0)
    const looks: number[] = []
    const jumps: number[] = []
    const { scheduler } = start(clock, {
      look: async () => {
        looks.push(clock.now())
        return { kind: 'forget' }
      },
      onClockJump: (jump) => jumps.push(jump),
    })
    scheduler.set('a', hours(10))
    await clock.advanceSeconds(30)
    clock.jump(10 * HOUR)
    await clock.advanceSeconds(60)
    expect(jumps).toEqual([36_000])
    expect(looks).toEqual([36_060])
  })

  it('says so when the wall clock went back by a day', async () => {
    const clock = new FakeClock(2 * DAY)
    const jumps: number[] = []
    start(clock, { onClockJump: (jump) => jumps.push(jump) })
    await clock.advanceSeconds(30)
    clock.jump(-DAY)
    await clock.advanceSeconds(60)
    expect(jumps).toEqual([-86_400])
  })

  it('keeps on after a look that threw, and looks at the key again a minute later', async () => {
    const clock = new FakeClock(0)
    let looks = 0
    const { scheduler, faults } = start(clock, {
      look: async () => {
        if (++looks === 1) throw new Error('a bug')
        return { kind: 'forget' }
      },
    })
    scheduler.set('a')
    await clock.advanceSeconds(59)
    expect([looks, faults.length]).toEqual([1, 1])
    await clock.advanceSeconds(2)
    expect(looks).toBe(2)
  })

  it('cancels work when it stops, waits for it, and starts nothing more', async () => {
    const clock = new FakeClock(0)
    const log: string[] = []
    const { scheduler, stop, ended } = start(clock, {
      workersPerLane: 1,
      look: async () => work('px'),
      work: async (key, signal) => {
        log.push(`${key} began`)
        await clock.sleep(60_000, signal).catch(() => log.push(`${key} cancelled`))
        return { next: { kind: 'wait', until: hours(1) } }
      },
    })
    scheduler.set('a')
    scheduler.set('b')
    await clock.advanceSeconds(1)
    stop.abort()
    await ended
    expect(log).toEqual(['a began', 'a cancelled'])
  })
})
