/** The service when everything around it fails in turn: servers, disk, clock, itself. */
import { describe, expect, it } from 'vitest'
import { diskFull } from '../support/memory-files.js'
import { startDaemon } from '../support/renewal-service.js'
import { renewalWorld, unreachable } from '../support/renewal-world.js'
import { DAY, HOUR, MINUTE } from '../support/time.js'

async function worldWithMachine(overrides: Parameters<typeof renewalWorld>[0] = {}) {
  const world = renewalWorld(overrides)
  await world.putMachineProxy()
  return world
}

describe('a MyProxy server that never answers', () => {
  it('delays nobody whose server is another: 5 are renewed within 2 s while 40 hang', async () => {
    const world = await worldWithMachine()
    for (let index = 0; index < 40; index++) {
      await world.register(`dead${index}`, { servers: ['dead.example.org'], hours: 3 })
    }
    for (let index = 0; index < 5; index++) await world.register(`live${index}`, { hours: 3 })
    world.myproxy.behave = async ({ username, signal }) => {
      if (!username.includes('dead')) return
      await world.clock.sleep(35_000, signal)
      throw unreachable()
    }
    await world.clock.advanceSeconds(HOUR)
    await startDaemon(world)
    await world.clock.advanceSeconds(2)
    expect(world.events('renewed')).toHaveLength(5)
  })

  it('is asked by each proxy every 20 minutes or less, and serves all within 20 minutes of its return', async () => {
    const world = await worldWithMachine()
    for (const name of ['alice', 'bob']) await world.register(name)
    world.myproxy.behave = async () => {
      throw unreachable()
    }
    await startDaemon(world)
    await world.clock.advanceSeconds(20 * HOUR)
    const times = world.myproxy.asked.map(({ at }) => at)
    // 19 hours of outage: some 57 tries of 20 minutes each for two proxies, and a few quicker ones.
    expect(times.length).toBeGreaterThan(2 * 55)
    expect(times.length).toBeLessThan(2 * 70)
    world.myproxy.behave = async () => {}
    await world.clock.advanceSeconds(20 * MINUTE)
    expect(world.events('renewed')).toHaveLength(2)
    expect(await world.context.registry.state('bob')).toMatchObject({ failures: 0 })
  })

  it('gets quicker tries as the end comes near, and loses no proxy that it could save', async () => {
    const world = await worldWithMachine()
    await world.register('alice', { hours: 12 })
    world.myproxy.behave = async () => {
      throw unreachable()
    }
    await startDaemon(world)
    await world.clock.advanceSeconds(12 * HOUR - 4 * MINUTE)
    world.myproxy.behave = async () => {}
    await world.clock.advanceSeconds(70)
    expect(world.events('renewed')).toHaveLength(1)
    expect(world.events('expired')).toEqual([])
  })
})

describe('a restart', () => {
  it('keeps the back-off: nobody is asked before its time', async () => {
    const world = await worldWithMachine()
    await world.register('alice')
    world.myproxy.behave = async () => {
      throw unreachable()
    }
    const first = await startDaemon(world)
    await world.clock.advanceSeconds(5 * HOUR)
    const { retryAt, failures } = await world.context.registry.state('alice')
    await first.stop()
    const asked = world.myproxy.asked.length
    await startDaemon(world)
    await world.clock.advanceSeconds((retryAt ?? 0) - world.clock.now() - 1)
    expect(world.myproxy.asked).toHaveLength(asked)
    await world.clock.advanceSeconds(2)
    expect(world.myproxy.asked).toHaveLength(asked + 1)
    expect((await world.context.registry.state('alice')).failures).toBe(failures + 1)
  })

  it('in the middle of an exchange leaves the proxy, the state and no failure', async () => {
    const world = await worldWithMachine()
    await world.register('alice')
    const before = await world.end('alice')
    world.myproxy.behave = ({ signal }) => world.clock.sleep(HOUR * 1000, signal)
    const first = await startDaemon(world)
    await world.clock.advanceSeconds(HOUR)
    expect(world.myproxy.asked).toHaveLength(1)
    await first.stop()
    expect(await world.end('alice')).toBe(before)
    expect((await world.context.registry.state('alice')).failures).toBe(0)
    expect(world.events('renewal-failed')).toEqual([])
  })
})

describe('a full disk', () => {
  it('costs an attempt a minute or less, no request, and nothing else', async () => {
    const world = await worldWithMachine()
    await world.register('alice')
    await startDaemon(world)
    world.files.refuse = (_operation, path) => diskFull(path)
    await world.clock.advanceSeconds(4 * HOUR)
    expect(world.myproxy.asked).toEqual([])
    const failures = world.journal.filter(({ event }) => event === 'renewal-failed')
    // The count cannot be kept either, so that each pause is the first one.
    expect(failures.length).toBeGreaterThan(100)
    expect(failures.length).toBeLessThanOrEqual(190)
    world.files.refuse = () => undefined
    await world.clock.advanceSeconds(2 * MINUTE)
    expect(world.events('renewed')).toHaveLength(1)
  })
})

describe('the wall clock', () => {
  it('that jumps ahead by 20 h gets everything renewed within a minute', async () => {
    const world = await worldWithMachine()
    await world.register('alice')
    await startDaemon(world)
    await world.clock.advanceSeconds(10 * MINUTE)
    world.clock.jump(20 * HOUR)
    await world.clock.advanceSeconds(61)
    expect(world.events('renewed')).toHaveLength(1)
    expect(world.journal.map(({ event }) => event)).toContain('clock-jumped')
  })

  it('that was a day ahead and is set right leaves no proxy waiting for tomorrow', async () => {
    const world = await worldWithMachine()
    await world.register('alice')
    world.clock.jump(DAY)
    world.myproxy.behave = async () => {
      throw unreachable()
    }
    await startDaemon(world)
    await world.clock.advanceSeconds(2 * MINUTE)
    expect((await world.context.registry.state('alice')).retryAt).toBeGreaterThan(world.clock.now())
    world.clock.jump(-DAY)
    world.myproxy.behave = async () => {}
    await world.clock.advanceSeconds(HOUR)
    expect(world.events('renewed').length).toBeGreaterThanOrEqual(1)
  })

  it('that goes back by a year and forth again loses nothing', async () => {
    const world = await worldWithMachine()
    await world.register('alice')
    await startDaemon(world)
    await world.clock.advanceSeconds(2 * HOUR)
    world.clock.jump(-365 * DAY)
    await world.clock.advanceSeconds(2 * HOUR)
    world.clock.jump(365 * DAY)
    const failed = world.events('renewal-failed').length
    await world.clock.advanceSeconds(2 * HOUR)
    expect(world.events('expired')).toEqual([])
    expect(world.events('renewal-failed')).toHaveLength(failed)
    expect((await world.end('alice')) - world.clock.now()).toBeGreaterThan(46 * HOUR)
  })
})

describe('a proxy file', () => {
  it('that somebody removed is told of hourly and taken up when it is back', async () => {
    const world = await worldWithMachine()
    await world.register('alice')
    await startDaemon(world)
    const path = world.context.repository.path('alice')
    const { bytes } = await world.files.read(path)
    await world.files.remove(path)
    await world.clock.advanceSeconds(5 * HOUR)
    const failures = world.events('renewal-failed')
    expect(failures[0]).toContain('code=FILE_MISSING')
    expect(failures.length).toBeGreaterThanOrEqual(4)
    expect(failures.length).toBeLessThanOrEqual(6)
    await world.files.replace(path, bytes, { mode: 0o600 })
    await world.clock.advanceSeconds(HOUR)
    expect(world.events('renewed')).toHaveLength(1)
  })
})
