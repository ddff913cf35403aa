import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import type { MachineProxyObservation } from '../../../src/registry/observation.js'
import { storedCredentialOf } from '../../../src/registry/stored-credential.js'
import type { VomsTrustProblem } from '../../../src/voms/voms-trust.js'
import { startDaemon } from '../../support/renewal-service.js'
import { type RenewalWorld, renewalWorld, unreachable } from '../../support/renewal-world.js'
import { DAY, HOUR, MINUTE } from '../../support/time.js'

async function worldWithMachine(): Promise<RenewalWorld> {
  const world = renewalWorld()
  await world.putMachineProxy()
  return world
}

const registrationsSeen = ({ observations }: RenewalWorld) =>
  observations.filter((one) => one.about === 'registration')

describe('RenewalDaemon', () => {
  it('keeps two proxies above 46 h of 48 h for a simulated week', {
    timeout: 120_000,
  }, async () => {
    const world = await worldWithMachine()
    for (const name of ['alice', 'bob']) await world.register(name)
    await startDaemon(world)
    let least = Number.POSITIVE_INFINITY
    for (let hour = 0; hour < 7 * 24; hour++) {
      await world.clock.advanceSeconds(HOUR)
      for (const name of ['alice', 'bob']) {
        least = Math.min(least, (await world.end(name)) - world.clock.now())
      }
    }
    expect(least).toBeGreaterThan(46 * HOUR)
    expect(world.events('renewal-failed', 'expired', 'capped')).toEqual([])
    // Hourly, hurried by at most a tenth: 168 to 187 each.
    expect(world.myproxy.asked.length).toBeGreaterThanOrEqual(2 * 168 - 2)
    expect(world.myproxy.asked.length).toBeLessThanOrEqual(2 * 187)
  })

  it('lets proxies that were registered in one second drift apart within ten hours', async () => {
    const world = await worldWithMachine()
    for (let index = 0; index < 4; index++) await world.register(`user${index}`)
    await startDaemon(world)
    await world.clock.advanceSeconds(10 * HOUR)
    const last = new Map(world.myproxy.asked.map(({ username, at }) => [username, at]))
    expect(new Set(last.values()).size).toBe(4)
  })

  it('renews at a third of the lifetime where no freshness is asked for', async () => {
    const world = await worldWithMachine()
    await world.register('alice', { refreshSeconds: null })
    const start = world.clock.now()
    await startDaemon(world)
    await world.clock.advanceSeconds(32 * HOUR)
    const at = (world.myproxy.asked[0]?.at ?? 0) - start
    expect(at).toBeGreaterThanOrEqual(28.8 * HOUR)
    expect(at).toBeLessThanOrEqual(32 * HOUR)
    expect(world.myproxy.asked).toHaveLength(1)
  })

  it('takes up a registration within a second', async () => {
    const world = await worldWithMachine()
    const { daemon } = await startDaemon(world)
    await world.register('alice', { refreshSeconds: null, hours: 1, storedDays: 9 })
    await world.clock.advanceSeconds(1)
    expect(daemon.summary.registrations).toBe(1)
    await world.clock.advanceSeconds(40 * MINUTE)
    expect(world.events('renewed')).toHaveLength(1)
  })

  it('forgets what was unregistered, and renews it no more', async () => {
    const world = await worldWithMachine()
    await world.register('alice')
    const { daemon } = await startDaemon(world)
    await world.context.registry.update('alice', () => undefined)
    await world.clock.advanceSeconds(2 * HOUR)
    expect(world.forgotten).toEqual(['alice'])
    expect(world.myproxy.asked).toEqual([])
    expect(daemon.summary).toEqual({ registrations: 0, working: 0, queued: 0 })
  })

  it('tries a failed one at once when it is registered again, in the middle of an hour of back-off', async () => {
    const world = await worldWithMachine()
    await world.register('alice')
    const kept = new Map(world.myproxy.stored)
    world.myproxy.stored.clear()
    await startDaemon(world)
    await world.clock.advanceSeconds(HOUR + 5 * MINUTE)
    expect(world.events('renewal-failed')).toHaveLength(1)
    for (const [name, stored] of kept) world.myproxy.stored.set(name, stored)
    await world.context.registry.update(
      'alice',
      (current) => current && { ...current, updatedAt: world.clock.now() },
    )
    await world.clock.advanceSeconds(2)
    expect(world.events('renewed')).toHaveLength(1)
  })

  it('tries a failed one no earlier because another one was registered in the same second', async () => {
    const world = await worldWithMachine()
    await world.register('alice')
    world.myproxy.stored.clear()
    await world.clock.advanceSeconds(2 * HOUR)
    const touched = { updatedAt: world.clock.now() }
    await world.context.registry.update('alice', (one) => one && { ...one, ...touched })
    await startDaemon(world)
    await world.clock.advanceSeconds(1)
    expect(world.events('renewal-failed')).toHaveLength(1)
    await world.register('bob')
    await world.clock.advanceSeconds(2 * MINUTE)
    expect(world.events('renewal-failed')).toHaveLength(1)
  })

  it('waits for a machine proxy and renews within a second of its coming', async () => {
    const world = renewalWorld()
    await world.register('alice')
    await startDaemon(world)
    await world.clock.advanceSeconds(HOUR + 10 * MINUTE)
    expect(world.events('renewal-failed')[0]).toContain('code=MACHINE_PROXY_MISSING')
    await world.putMachineProxy()
    await world.clock.advanceSeconds(1)
    expect(world.events('renewed')).toHaveLength(1)
  })

  it('says every ten minutes how the machine proxy is, and at once when it changes', async () => {
    const world = renewalWorld()
    await startDaemon(world)
    await world.clock.advanceSeconds(25 * MINUTE)
    const machine = () =>
      world.observations.filter(
        (one): one is MachineProxyObservation => one.about === 'machine-proxy',
      )
    expect(machine()).toHaveLength(3)
    expect(machine().at(-1)?.problem).toMatch(/machine proxy .* is missing/)
    await world.putMachineProxy(24)
    await world.clock.advanceSeconds(1)
    expect(machine().at(-1)).toMatchObject({ end: world.clock.now() - 1 + 24 * HOUR })
  })

  it('retries transient failures when woken, but not those that a person must cure', async () => {
    const world = await worldWithMachine()
    await world.register('alice')
    await world.register('bob')
    const [alice] = world.myproxy.stored.keys()
    world.myproxy.stored.delete(alice ?? '')
    world.myproxy.behave = async ({ username }) => {
      if (username !== alice) throw unreachable()
    }
    const { daemon } = await startDaemon(world)
    await world.clock.advanceSeconds(HOUR + 30 * MINUTE)
    const before = world.myproxy.asked.length
    await world.clock.advanceSeconds(61)
    world.myproxy.behave = async () => {}
    daemon.wake()
    await world.clock.advanceSeconds(1)
    const after = world.myproxy.asked.slice(before).map(({ username }) => username)
    expect(after).toContain((await world.context.registry.get('bob'))?.identity)
    expect(after).not.toContain(alice)
    expect(world.events('renewed')).toHaveLength(1)
  })

  it('gives an expired proxy up with one line, and asks nobody about it', async () => {
    const world = await worldWithMachine()
    await world.register('alice', { hours: 12 })
    world.myproxy.behave = async () => {
      throw unreachable()
    }
    await startDaemon(world)
    await world.clock.advanceSeconds(12 * HOUR + MINUTE)
    const asked = world.myproxy.asked.length
    await world.clock.advanceSeconds(3 * DAY)
    expect(world.myproxy.asked).toHaveLength(asked)
    expect(world.events('expired')).toHaveLength(1)
  })

  it('says once in ten hours that nothing longer is to be had, and asks ten times', async () => {
    const world = await worldWithMachine()
    await world.register('alice', { hours: 24, storedDays: 1 })
    await startDaemon(world)
    await world.clock.advanceSeconds(10 * HOUR + 10 * MINUTE)
    expect(world.events('capped')).toHaveLength(1)
    expect(world.myproxy.asked).toHaveLength(10)
    expect(world.events('renewed', 'renewal-failed')).toEqual([])
  })

  it('takes an expired one up again when a fresh proxy is registered', async () => {
    const world = await worldWithMachine()
    await world.register('alice', { hours: 1 })
    world.myproxy.behave = async () => {
      throw unreachable()
    }
    await startDaemon(world)
    await world.clock.advanceSeconds(2 * HOUR)
    expect(world.events('expired')).toHaveLength(1)
    world.myproxy.behave = async () => {}
    await world.register('alice')
    await world.clock.advanceSeconds(61 * MINUTE)
    expect(world.events('renewed').length).toBeGreaterThanOrEqual(1)
  })

  it('looks on the second at which a proxy falls below its safe time', async () => {
    const world = await worldWithMachine()
    await world.register('alice', { hours: 12, proxySafeSeconds: 7000, refreshSeconds: null })
    world.myproxy.behave = async () => {
      throw unreachable()
    }
    const end = await world.end('alice')
    await startDaemon(world)
    await world.clock.advanceSeconds(12 * HOUR - 6000)
    expect(registrationsSeen(world).map(({ at }) => at)).toContain(end - 7000 + 1)
  })

  it('looks on the second at which a stored credential falls below its safe time', async () => {
    const world = await worldWithMachine()
    await world.register('alice', { storedDays: 11, refreshSeconds: null })
    const start = world.clock.now()
    await startDaemon(world)
    await world.clock.advanceSeconds(2 * DAY)
    expect(registrationsSeen(world).map(({ at }) => at)).toContain(start + DAY + 1)
  })

  it('asks INFO once when nothing is known, and again a day later or an hour after an alarm', async () => {
    const world = await worldWithMachine()
    await world.register('alice', { storedDays: 13, refreshSeconds: null })
    const start = world.clock.now()
    await startDaemon(world)
    await world.clock.advanceSeconds(20 * HOUR)
    expect(world.myproxy.infos.map(({ at }) => at - start)).toEqual([0])
    expect((await world.context.registry.state('alice')).storedEnd).toMatchObject({
      at: start + 13 * DAY,
      from: 'info',
    })
    await world.clock.advanceSeconds(3 * DAY)
    const gaps = world.myproxy.infos.map(({ at }, index, all) => at - (all[index - 1]?.at ?? at))
    expect(Math.min(...gaps.slice(1))).toBeGreaterThanOrEqual(HOUR)
    expect(world.myproxy.infos.length).toBeGreaterThan(3)
  })

  it('notes within a day that INFO knows of no stored credential any more, and within an hour of a new one', async () => {
    const world = await worldWithMachine()
    await world.register('alice', { storedDays: 30, refreshSeconds: null })
    await startDaemon(world)
    await world.clock.advanceSeconds(HOUR)
    const known = async () => storedCredentialOf(await world.context.registry.state('alice'))
    expect(await known()).toMatchObject({ kind: 'seen' })
    world.myproxy.stored.clear()
    await world.clock.advanceSeconds(DAY + HOUR)
    expect(world.myproxy.asked).toEqual([])
    expect(await known()).toMatchObject({ kind: 'gone' })
    world.store('alice', 60)
    await world.clock.advanceSeconds(2 * HOUR)
    expect(await known()).toMatchObject({ kind: 'seen' })
  })

  it('reads no proxy file twice that has not changed', async () => {
    const world = await worldWithMachine()
    for (let index = 0; index < 20; index++) {
      await world.register(`user${index}`, { refreshSeconds: null })
    }
    await startDaemon(world)
    await world.clock.advanceSeconds(HOUR)
    world.files.counts.read = 0
    await world.clock.advanceSeconds(10 * HOUR)
    // State is read at each half-hourly look, which is 400 times; proxies are not among them.
    expect(world.files.counts.read).toBeLessThanOrEqual(20 * 21)
  })

  it('tells of a lasting CRL problem once, and when it is over', async () => {
    const world = await worldWithMachine()
    const anchors = await world.context.anchors()
    let expired = true
    world.context.anchors = async () =>
      Object.create(anchors, {
        problems: {
          get: () =>
            expired
              ? [{ kind: 'crl-expired', file: 'f', message: 'the CRL of X has expired' }]
              : [],
        },
      })
    await startDaemon(world)
    await world.clock.advanceSeconds(HOUR)
    const crl = () =>
      world.observations.flatMap((one) =>
        one.about === 'service' && one.condition === 'crl-expired' ? [one.problem] : [],
      )
    expect(crl().at(-1)).toBe('the CRL of X has expired')
    expect(world.events('warning')).toEqual(['warning reason="the CRL of X has expired"'])
    expired = false
    await world.clock.advanceSeconds(11 * MINUTE)
    expect(crl().at(-1)).toBeUndefined()
  })

  it('tells of a registry that was damaged and replaced by its copy', async () => {
    const world = await worldWithMachine()
    await world.register('alice')
    await world.register('bob')
    await world.files.replace(world.paths.registry, Buffer.from('{'), { mode: 0o600 })
    await startDaemon(world)
    await world.clock.advanceSeconds(1)
    const problems = world.observations.flatMap((one) =>
      one.about === 'service' && one.condition === 'registry-damaged' ? [one.problem] : [],
    )
    expect(problems.some((problem) => problem?.includes('set aside'))).toBe(true)
  })

  it('writes when it began and when it ended', async () => {
    const world = await worldWithMachine()
    await world.register('alice')
    const { stop } = await startDaemon(world)
    await world.clock.advanceSeconds(1)
    await stop()
    expect(world.events()).toEqual(['service-started registrations=1', 'service-stopped'])
  })

  it('tells of a CA directory that is missing what cures that, which fetch-crl does not', async () => {
    const world = await worldWithMachine()
    world.context.anchors = async () => {
      throw new VoboxError('TRUST_ANCHORS_UNREADABLE', 'the directory of trust anchors is missing')
    }
    await startDaemon(world)
    await world.clock.advance(0)
    const seen = world.observations.find(
      (one) => one.about === 'service' && one.condition === 'trust-unreadable',
    )
    expect(seen).toMatchObject({ problem: 'the directory of trust anchors is missing' })
    expect(seen).toHaveProperty('cure', expect.stringContaining('Install the CA certificates'))
    expect(seen).toHaveProperty('cure', expect.not.stringContaining('fetch-crl'))
  })

  it('tells of a vomsdir that lacks a VO only where somebody is registered with it', async () => {
    const world = await worldWithMachine()
    const message = '/etc/grid-security/vomsdir cannot be read'
    const problem: VomsTrustProblem = {
      kind: 'directory-unusable',
      file: 'f',
      vo: undefined,
      transient: false,
      message,
    }
    world.voms.trust = { ...world.voms.trust, problems: [problem] }
    const told = () =>
      world.observations.flatMap((one) =>
        one.about === 'service' && one.condition === 'vomsdir-unusable' ? [one.problem] : [],
      )
    await startDaemon(world)
    await world.clock.advance(0)
    expect(told()).toEqual([undefined])
    await world.register('anna', { voms: ['alice'] })
    await world.clock.advanceSeconds(11 * MINUTE)
    expect(told().at(-1)).toBe(message)
  })
})
