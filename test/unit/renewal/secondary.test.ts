import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import type { UnixSeconds } from '../../../src/ports/clock.js'
import { storedCredentialOf } from '../../../src/registry/stored-credential.js'
import { renewOne } from '../../../src/renewal/renew-one.js'
import { learnStoredEnd, wantsStoredEnd } from '../../../src/renewal/stored-end.js'
import { addProxy, userName } from '../../support/pki.js'
import { registration } from '../../support/registry.js'
import { renewalWorld, type StoredForTest } from '../../support/renewal-world.js'
import { DAY, days, HOUR, hours } from '../../support/time.js'

const FIRST = 'px1.example.org'
const SECOND = 'px2.example.org'
const NAME = userName('alice').oneLine

/** Alice, whose first server has had a new credential of 30 days, and whose second an older one. */
async function withTwoServers(olderDays: number, registered = {}) {
  const world = renewalWorld()
  await world.putMachineProxy()
  const alice = await world.register('alice', { servers: [FIRST, SECOND], ...registered })
  const start = world.clock.now()
  const user = world.users.get('alice')
  if (user === undefined) throw new Error('nobody')
  const older: StoredForTest = {
    credential: addProxy(user, { now: start, notAfter: start + olderDays * DAY }),
    maxSeconds: 48 * HOUR,
  }
  world.myproxy.copies.set(SECOND, new Map(olderDays > 0 ? [[NAME, older]] : []))
  const { registry } = world.context
  return {
    world,
    alice,
    start,
    state: () => registry.state('alice'),
    async renewAfter(seconds: number) {
      await world.clock.advanceSeconds(seconds)
      return renewOne(world.context, 'alice', { evenIfBackingOff: true })
    },
  }
}

describe('renewal from a secondary that is behind', () => {
  it('accepts its proxy of 48 h, says so once, and warns nobody of an end that is not the end', async () => {
    const { world, start, state, renewAfter } = await withTwoServers(7)
    await renewAfter(HOUR)
    world.myproxy.down.add(FIRST)
    const behind = {
      server: `${SECOND}:7512`,
      end: start + 7 * DAY,
      ahead: { server: `${FIRST}:7512`, end: start + 30 * DAY },
    }
    expect(await renewAfter(HOUR)).toMatchObject({
      kind: 'renewed',
      server: `${SECOND}:7512`,
      end: world.clock.now() + 48 * HOUR,
      behind,
    })
    expect(await state()).toMatchObject({ behind, storedEnd: { at: start + 30 * DAY } })
    await renewAfter(HOUR)
    expect(world.events('warning')).toEqual([
      expect.stringMatching(/reason="renewed from px2.example.org:7512, whose stored credential/),
    ])
    expect(world.events('renewed').slice(1)).toEqual(
      Array(2).fill(expect.stringMatching(/ behind=px1.example.org:7512 stored=20\S+Z$/)),
    )
  })

  it('is over when the first answers again', async () => {
    const { world, state, renewAfter } = await withTwoServers(7)
    await renewAfter(HOUR)
    world.myproxy.down.add(FIRST)
    await renewAfter(HOUR)
    world.myproxy.down.clear()
    expect(await renewAfter(HOUR)).not.toHaveProperty('behind')
    expect(await state()).not.toHaveProperty('behind')
    expect(world.events('renewed').at(-1)).not.toContain('behind=')
  })

  it('gives 20 h of 48 and blames the copy; the owner is asked for nothing', async () => {
    const { world, alice, start, renewAfter } = await withTwoServers(20 / 24, { hours: 3 })
    // The first has told of its credential before it went away.
    await learnStoredEnd(world.context, alice)
    world.myproxy.down.add(FIRST)
    expect(await renewAfter(HOUR)).toMatchObject({
      kind: 'renewed',
      end: start + 20 * HOUR,
      shortGrant: { limit: 'secondary-behind' },
    })
    expect(world.events('warning').join()).not.toContain('myproxy init')
  })

  it('keeps the better proxy where the copy ends before it, and says that as well', async () => {
    const { world, start, state, renewAfter } = await withTwoServers(1)
    await renewAfter(HOUR)
    world.myproxy.down.add(FIRST)
    expect(await renewAfter(HOUR)).toMatchObject({ kind: 'capped', end: start + DAY })
    expect((await state()).behind).toMatchObject({ server: `${SECOND}:7512`, end: start + DAY })
    expect(world.events('warning')).toHaveLength(1)
  })

  it('takes a copy with nothing in it for a failure that passes, and for no loss', async () => {
    const { world, start, state, renewAfter } = await withTwoServers(0)
    await renewAfter(HOUR)
    world.myproxy.down.add(FIRST)
    const outcome = await renewAfter(HOUR)
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'MYPROXY_NO_CREDENTIAL', persistence: 'transient' },
    })
    expect((outcome as { retryAt: UnixSeconds }).retryAt - world.clock.now()).toBe(60)
    expect(storedCredentialOf(await state())).toMatchObject({
      kind: 'seen',
      end: start + 30 * DAY,
    })
    world.myproxy.down.clear()
    expect(await renewAfter(60)).toMatchObject({ kind: 'renewed', server: `${FIRST}:7512` })
  })

  it('takes INFO of a copy with nothing in it for no news', async () => {
    const { world, alice, start, state, renewAfter } = await withTwoServers(0)
    await renewAfter(HOUR)
    world.myproxy.down.add(FIRST)
    await learnStoredEnd(world.context, alice)
    expect(await state()).toMatchObject({
      storedEnd: { at: start + 30 * DAY, from: 'chain' },
      infoFailure: { code: 'MYPROXY_NO_CREDENTIAL' },
    })
    expect(await state()).not.toHaveProperty('storedGoneAt')
  })
})

describe('the end of a stored credential', () => {
  it('is the server’s word from INFO, through renewals that show the same', async () => {
    const { world, alice, start, state, renewAfter } = await withTwoServers(7)
    await learnStoredEnd(world.context, alice)
    await renewAfter(HOUR)
    expect((await state()).storedEnd).toEqual({
      at: start + 30 * DAY,
      learnedAt: start,
      from: 'info',
      server: `${FIRST}:7512`,
    })
  })

  it('is taken from the chain where INFO is refused, which is remembered', async () => {
    const { world, alice, start, state, renewAfter } = await withTwoServers(7)
    world.myproxy.behaveForInfo = async () => {
      throw new VoboxError('MYPROXY_REFUSED', 'px1 refused: "INFO is\u001boff"')
    }
    await renewAfter(HOUR)
    await learnStoredEnd(world.context, alice)
    const infoFailure = {
      at: start + HOUR,
      code: 'MYPROXY_REFUSED',
      message: 'px1 refused: "INFO is off"',
    }
    expect(await state()).toMatchObject({
      storedEnd: { at: start + 30 * DAY, from: 'chain' },
      infoFailure,
    })
    await renewAfter(HOUR)
    expect(await state()).toMatchObject({ storedEnd: { from: 'chain' }, infoFailure })
  })

  const anna = registration('anna', { myproxySafeSeconds: 10 * DAY })
  const chain = { at: days(30), learnedAt: hours(0), from: 'chain' } as const
  const refused = { at: hours(0), code: 'MYPROXY_REFUSED', message: 'no' }
  it.each([
    ['nothing is known', {}, 0, true],
    ['only a chain has told, a moment ago', { storedEnd: chain }, 0, true],
    ['it was refused 23 h ago', { storedEnd: chain, infoFailure: refused }, 23, false],
    ['it was refused 24 h ago', { storedEnd: chain, infoFailure: refused }, 24, true],
    ['it has told 23 h ago', { storedEnd: { ...chain, from: 'info' as const } }, 23, false],
    ['it has told 24 h ago', { storedEnd: { ...chain, from: 'info' as const } }, 24, true],
    [
      'it has told an hour ago that 9 days are left, of 10 that are safe',
      { storedEnd: { ...chain, from: 'info' as const, at: days(9) } },
      1,
      true,
    ],
    [
      'it has told so 59 min ago',
      { storedEnd: { ...chain, from: 'info' as const, at: days(9) } },
      59 / 60,
      false,
    ],
    ['it said an hour ago that it is gone', { storedEnd: chain, storedGoneAt: hours(0) }, 1, true],
  ])('is asked of the server when %s: or not', (_name, state, atHour, expected) => {
    expect(wantsStoredEnd(anna, { failures: 0, ...state }, hours(atHour))).toBe(expected)
  })
})
