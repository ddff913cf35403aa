/** The service while VOMS servers fail, under a fake clock. */
import { describe, expect, it } from 'vitest'
import { startDaemon } from '../support/renewal-service.js'
import { type RenewalWorld, renewalWorld } from '../support/renewal-world.js'
import { vomsDown } from '../support/scripted-voms-source.js'
import { HOUR, MINUTE } from '../support/time.js'

const ROLE = 'alice:/alice/Role=lcgadmin'

async function worldWithMachine() {
  const world = renewalWorld()
  await world.putMachineProxy()
  return world
}

/** VOMS servers of these VOs take 35 s to say nothing. */
function hang(world: RenewalWorld, ...vos: string[]): void {
  world.voms.behave = async ({ requests, signal }) => {
    if (!requests.some(({ vo }) => vos.includes(vo))) return
    await world.clock.sleep(35_000, signal ?? undefined)
    throw vomsDown()
  }
}

const renewed = (world: RenewalWorld, name: string) =>
  world.events('renewed').filter((line) => line.includes(`CN=${name}`))

describe('VOMS servers that never answer', () => {
  it.each([
    ['plain proxies', []],
    ['proxies of another VO', ['bob']],
  ])(
    'delay no %s of the same MyProxy server: 5 are renewed within 2 s while 40 hang',
    async (_what, voms) => {
      const world = await worldWithMachine()
      for (let index = 0; index < 40; index++) {
        await world.register(`stuck${index}`, { voms: [ROLE], hours: 3 })
      }
      for (let index = 0; index < 5; index++) {
        await world.register(`live${index}`, { voms, hours: 3 })
      }
      await world.clock.advanceSeconds(HOUR)
      hang(world, 'alice')
      await startDaemon(world)
      await world.clock.advanceSeconds(2)
      expect(renewed(world, 'live')).toHaveLength(5)
      // Then one at a time is enough to see them return.
      await world.clock.advanceSeconds(36)
      const before = world.voms.asked.length
      await world.clock.advanceSeconds(60)
      expect(world.voms.asked.length - before).toBeLessThanOrEqual(10)
    },
  )

  it('are tried every 20 minutes or less, for longer than their attributes last, and lose no proxy', async () => {
    const world = await worldWithMachine()
    world.voms.capSeconds = 12 * HOUR
    await world.register('anna', { voms: [ROLE] })
    hang(world, 'alice')
    await startDaemon(world)
    await world.clock.advanceSeconds(30 * HOUR)
    expect(await world.end('anna')).toBeLessThan(world.clock.now())
    const times = world.myproxy.asked.map(({ at }) => at)
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0))
    expect(Math.max(...gaps)).toBeLessThan(22 * MINUTE)
    expect(world.events('expired')).toEqual([])

    world.voms.behave = async () => {}
    await world.clock.advanceSeconds(21 * MINUTE)
    expect(renewed(world, 'anna')).toHaveLength(1)
    expect(await world.context.registry.state('anna')).toMatchObject({ failures: 0 })
  })
})

describe('a role that is taken back', () => {
  it('keeps the old proxy until its end, is tried hourly, and is renewed when it is back', async () => {
    const world = await worldWithMachine()
    await world.register('anna', { voms: [ROLE] })
    world.voms.granted.delete('/alice/Role=lcgadmin')
    const end = await world.end('anna')
    await startDaemon(world)
    await world.clock.advanceSeconds(10 * HOUR)
    expect(await world.end('anna')).toBe(end)
    expect(world.voms.asked.length).toBeGreaterThanOrEqual(8)
    expect(world.voms.asked.length).toBeLessThanOrEqual(11)
    world.voms.granted.add('/alice/Role=lcgadmin')
    await world.clock.advanceSeconds(70 * MINUTE)
    expect(renewed(world, 'anna')).toHaveLength(1)
  })
})

describe('a vomsdir that lacks a server', () => {
  it('is looked into again within minutes, so that putting the .lsc file there is enough', async () => {
    const world = await worldWithMachine()
    await world.register('anna', { voms: [ROLE] })
    const { trust } = world.voms
    world.voms.trust = { ...trust, lscFor: () => [] }
    await startDaemon(world)
    await world.clock.advanceSeconds(HOUR + 10 * MINUTE)
    expect(world.events('renewal-failed')[0]).toContain('code=VOMS_TRUST_MISSING stage=attributes')
    world.voms.trust = trust
    await world.clock.advanceSeconds(20 * MINUTE)
    expect(renewed(world, 'anna')).toHaveLength(1)
  })
})

describe('a proxy that lacks its attributes', () => {
  it('gets them at once from a running service', async () => {
    const world = await worldWithMachine()
    await startDaemon(world)
    await world.register('anna', { voms: [ROLE], plainLogin: true })
    await world.clock.advanceSeconds(1)
    expect(renewed(world, 'anna')).toHaveLength(1)
    await world.clock.advanceSeconds(30 * MINUTE)
    expect(renewed(world, 'anna')).toHaveLength(1)
  })
})
