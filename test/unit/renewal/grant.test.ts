import { describe, expect, it } from 'vitest'
import {
  explainGrant,
  type GrantFacts,
  isShortGrant,
  limitOfGrant,
} from '../../../src/renewal/grant.js'
import { GrantMemory } from '../../../src/renewal/grant-memory.js'
import { FAR_MORE_SECONDS } from '../../../src/renewal/registering/probe-grant.js'
import { renewOne } from '../../../src/renewal/renew-one.js'
import { registration } from '../../support/registry.js'
import { renewalWorld, unreachable } from '../../support/renewal-world.js'
import { DAY, HOUR } from '../../support/time.js'

/** Asked for 48 h, got 24 h; far more was asked for and brought the same. */
const halfGranted: GrantFacts = {
  askedSeconds: 48 * HOUR,
  grantedSeconds: 24 * HOUR,
  storedLeftSeconds: 30 * DAY,
  probedSeconds: 24 * HOUR,
}
const twelve = { grantedSeconds: 12 * HOUR, probedSeconds: 12 * HOUR }

describe('isShortGrant', () => {
  it.each([
    ['two minutes of 48 h are lost on the way', 48 * HOUR, 48 * HOUR - 120, false],
    ['three minutes of 48 h are not', 48 * HOUR, 48 * HOUR - 180, true],
    ['2 s of a minute are lost on the way', 60, 58, false],
    ['10 s of a minute are not', 60, 50, true],
    ['more was granted than asked for', HOUR, 2 * HOUR, false],
  ])('%s', (_name, asked, granted, short) => {
    expect(isShortGrant(asked, granted)).toBe(short)
  })
})

describe('limitOfGrant', () => {
  it.each([
    [
      'is nothing when 48 h were asked for and granted',
      { ...halfGranted, grantedSeconds: 48 * HOUR },
      undefined,
    ],
    [
      'is the end of the stored credential when that is 24 h away too',
      { ...halfGranted, storedLeftSeconds: 24 * HOUR },
      'stored-credential-ends',
    ],
    ['is a short -t when far more brought no more', halfGranted, 'stored-lifetime'],
    [
      'is a short -t at 12 h, what is stored without -t, even unprobed',
      { ...halfGranted, grantedSeconds: 12 * HOUR, probedSeconds: undefined },
      'stored-lifetime',
    ],
    [
      'is unknown at 24 h where the probe failed',
      { ...halfGranted, probedSeconds: undefined },
      'unknown',
    ],
    [
      'is unknown where the probe brought 40 h',
      { ...halfGranted, probedSeconds: 40 * HOUR },
      'unknown',
    ],
    [
      'is the cap of the server when another owner gets 24 h as well',
      { ...halfGranted, longestFromServerSeconds: 24 * HOUR, othersWithSame: 1 },
      'server-cap',
    ],
    [
      'is a short -t when another owner got 36 h from the same server',
      { ...halfGranted, longestFromServerSeconds: 36 * HOUR, othersWithSame: 1 },
      'stored-lifetime',
    ],
    [
      'is a short -t when two owners both got 12 h',
      { ...halfGranted, ...twelve, longestFromServerSeconds: 12 * HOUR, othersWithSame: 1 },
      'stored-lifetime',
    ],
  ])('%s', (_name, { probedSeconds, ...rest }, limit) => {
    const facts = probedSeconds === undefined ? rest : { ...rest, probedSeconds }
    expect(limitOfGrant(facts)).toBe(limit)
  })
})

describe('explainGrant', () => {
  const alice = registration('alice', { lifetimeSeconds: 48 * HOUR })
  const upload = 'vobox-proxy myproxy init --for-vobox -s myproxy.example.org'

  it.each([
    [
      'stored-lifetime',
      'asked for 48 h and got 12 h, because the credential was stored with a shorter -t',
      upload,
    ],
    [
      'stored-credential-ends',
      'asked for 48 h and got 12 h, because the stored credential itself ends then',
      upload,
    ],
    [
      'server-cap',
      'asked for 48 h and got 12 h, which is all that the MyProxy server gives to anybody',
      'max_proxy_lifetime',
    ],
    ['unknown', 'asked for 48 h and got 12 h, and the MyProxy server did not say why', upload],
  ] as const)('says %s in one sentence with the cure', (limit, message, cure) => {
    const grant = { askedSeconds: 48 * HOUR, grantedSeconds: 12 * HOUR, limit }
    const told = explainGrant(grant, alice)
    expect(told.message).toBe(message)
    expect(told.hint).toContain(cure)
  })
})

describe('GrantMemory', () => {
  it('counts others with the same grant, and forgets those who are gone or got enough', () => {
    const memory = new GrantMemory()
    memory.note('px', 'alice', 24 * HOUR, true)
    memory.note('px', 'bob', 24 * HOUR + 20, true)
    memory.note('other', 'carol', 24 * HOUR, true)
    expect(memory.othersWithSame('px', 'alice', 24 * HOUR)).toBe(1)
    expect(memory.longestSeconds('px')).toBe(24 * HOUR + 20)
    memory.note('px', 'bob', 48 * HOUR, false)
    expect(memory.othersWithSame('px', 'alice', 24 * HOUR)).toBe(0)
    memory.forget('alice')
    expect(memory.othersWithSame('px', 'dave', 24 * HOUR)).toBe(0)
  })
})

describe('renewOne, granted less than it asked for', () => {
  const worldWith = async (
    settings: Parameters<ReturnType<typeof renewalWorld>['register']>[1],
  ) => {
    const world = renewalWorld()
    await world.putMachineProxy()
    await world.register('alice', { hours: 13, ...settings })
    await world.clock.advanceSeconds(2 * HOUR)
    return world
  }

  it('probes once with a year, finds the stored -t of 24 h, and tells once', async () => {
    const world = await worldWith({ maxHours: 24 })
    const outcome = await renewOne(world.context, 'alice')
    expect(outcome).toMatchObject({
      kind: 'renewed',
      shortGrant: { askedSeconds: 48 * HOUR, grantedSeconds: 24 * HOUR, limit: 'stored-lifetime' },
    })
    for (let hour = 0; hour < 3; hour++) {
      await world.clock.advanceSeconds(HOUR)
      await renewOne(world.context, 'alice')
    }
    const asked = world.myproxy.asked.map(({ lifetimeSeconds }) => lifetimeSeconds)
    expect(asked).toEqual([48, FAR_MORE_SECONDS / HOUR, 48, 48, 48].map((hours) => hours * HOUR))
    expect(world.events('warning')).toHaveLength(1)
    expect((await world.context.registry.state('alice')).shortGrant?.limit).toBe('stored-lifetime')
  })

  it('probes again when the grant has changed from 24 h to 20 h', async () => {
    const world = await worldWith({ maxHours: 24 })
    await renewOne(world.context, 'alice')
    for (const stored of world.myproxy.stored.values()) stored.maxSeconds = 20 * HOUR
    await world.clock.advanceSeconds(5 * HOUR)
    await renewOne(world.context, 'alice')
    const probes = world.myproxy.asked.filter((one) => one.lifetimeSeconds === FAR_MORE_SECONDS)
    expect(probes).toHaveLength(2)
  })

  it('needs no probe to see that the stored credential itself ends in 22 h', async () => {
    const world = await worldWith({ storedDays: 1 })
    expect(await renewOne(world.context, 'alice')).toMatchObject({
      shortGrant: { grantedSeconds: 22 * HOUR, limit: 'stored-credential-ends' },
    })
    expect(world.myproxy.asked).toHaveLength(1)
  })

  it('blames the server when two owners get 24 h of it and nobody more', async () => {
    const world = await worldWith({})
    await world.register('bob', { hours: 13 })
    await world.clock.advanceSeconds(2 * HOUR)
    world.myproxy.capSeconds = 24 * HOUR
    await renewOne(world.context, 'alice')
    expect(await renewOne(world.context, 'bob')).toMatchObject({
      shortGrant: { limit: 'server-cap' },
    })
    expect((await world.context.registry.state('alice')).shortGrant?.limit).toBe('stored-lifetime')
    await world.clock.advanceSeconds(HOUR)
    await renewOne(world.context, 'alice')
    expect((await world.context.registry.state('alice')).shortGrant?.limit).toBe('server-cap')
  })

  it('is renewed all the same when the probe fails', async () => {
    const world = await worldWith({ maxHours: 24 })
    let calls = 0
    world.myproxy.behave = async () => {
      if (++calls === 2) throw unreachable()
    }
    expect(await renewOne(world.context, 'alice')).toMatchObject({
      kind: 'renewed',
      shortGrant: { limit: 'unknown' },
    })
    expect((await world.context.registry.state('alice')).failures).toBe(0)
  })

  it('forgets it when the whole 48 h are granted again', async () => {
    const world = await worldWith({ maxHours: 24 })
    await renewOne(world.context, 'alice')
    for (const stored of world.myproxy.stored.values()) stored.maxSeconds = 48 * HOUR
    await world.clock.advanceSeconds(HOUR)
    expect(await renewOne(world.context, 'alice')).not.toHaveProperty('shortGrant')
    expect(await world.context.registry.state('alice')).not.toHaveProperty('shortGrant')
  })
})
