import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { renewOne } from '../../../src/renewal/renew-one.js'
import { diskFull } from '../../support/memory-files.js'
import { addProxy } from '../../support/pki.js'
import {
  type RenewalWorld,
  renewalWorld,
  unreachable,
  worldWithAlice,
} from '../../support/renewal-world.js'
import { DAY, HOUR, MINUTE } from '../../support/time.js'

describe('renewOne', () => {
  it('replaces a proxy that is an hour old with one of 48 h, and says so in a line', async () => {
    const { world, registration } = await worldWithAlice()
    await world.clock.advanceSeconds(HOUR)
    const now = world.clock.now()
    const outcome = await renewOne(world.context, 'alice')
    expect(outcome).toEqual({
      kind: 'renewed',
      end: now + 48 * HOUR,
      server: 'px.example.org:7512',
    })
    expect(await world.end('alice')).toBe(now + 48 * HOUR)
    expect(world.myproxy.asked).toEqual([
      { at: now, username: registration.identity, lifetimeSeconds: 48 * HOUR },
    ])
    expect(world.events()).toEqual([
      `renewed dn="${registration.identity}" file=alice server=px.example.org:7512 end=2026-01-03T01:00:00Z`,
    ])
  })

  it('tells the site’s hook of the proxy that is in the file, once, and of none that was capped', async () => {
    const { world, registration } = await worldWithAlice({ storedDays: 3 })
    const told: unknown[] = []
    const context = {
      ...world.context,
      onRenewed: (renewed: { fileName: string; identity: string; end: number }) => {
        told.push(renewed)
      },
    }
    await world.clock.advanceSeconds(HOUR)
    await renewOne(context, 'alice')
    const end = await world.end('alice')
    expect(told).toEqual([{ fileName: 'alice', identity: registration.identity, end }])
    await world.clock.advanceSeconds(30 * HOUR)
    await renewOne(context, 'alice')
    await world.clock.advanceSeconds(HOUR)
    expect(await renewOne(context, 'alice')).toMatchObject({ kind: 'capped' })
    expect(told).toHaveLength(2)
  })

  it('forgets failures and learns the end of the stored credential with each success', async () => {
    const { world } = await worldWithAlice({ storedDays: 30 })
    const start = world.clock.now()
    await world.context.registry.writeState('alice', {
      failures: 3,
      retryAt: start,
      lastFailure: { at: start, code: 'TLS_FAILED', message: 'x', persistence: 'transient' },
    })
    await world.clock.advanceSeconds(HOUR)
    await renewOne(world.context, 'alice')
    const now = world.clock.now()
    expect(await world.context.registry.state('alice')).toEqual({
      failures: 0,
      attemptedAt: now,
      renewedAt: now,
      renewedFrom: 'px.example.org:7512',
      storedEnd: {
        at: start + 30 * DAY,
        learnedAt: now,
        from: 'chain',
        server: 'px.example.org:7512',
      },
    })
  })

  it('asks nobody when the proxy is 10 minutes old', async () => {
    const { world } = await worldWithAlice()
    await world.clock.advanceSeconds(10 * MINUTE)
    const outcome = await renewOne(world.context, 'alice')
    expect(outcome).toMatchObject({ kind: 'not-due', decision: { reason: 'fresh' } })
    expect(world.myproxy.asked).toEqual([])
  })

  it('asks under the registered user name and credential name', async () => {
    const { world } = await worldWithAlice({ username: 'al', credentialName: 'grid' })
    await world.clock.advanceSeconds(HOUR)
    const requests: unknown[] = []
    world.context.source.renew = async ({ username, credentialName }) => {
      requests.push({ username, credentialName })
      throw unreachable()
    }
    await renewOne(world.context, 'alice')
    expect(requests).toEqual([{ username: 'al', credentialName: 'grid' }])
  })

  it('keeps the file and waits 60 s when no server can be reached', async () => {
    const { world } = await worldWithAlice()
    const before = await world.end('alice')
    await world.clock.advanceSeconds(HOUR)
    world.myproxy.behave = async () => {
      throw unreachable()
    }
    const now = world.clock.now()
    const outcome = await renewOne(world.context, 'alice')
    expect(outcome).toMatchObject({ kind: 'failed', retryAt: now + 60 })
    expect(await world.end('alice')).toBe(before)
    expect(await world.context.registry.state('alice')).toMatchObject({
      failures: 1,
      attemptedAt: now,
      retryAt: now + 60,
      lastFailure: { code: 'ALL_SERVERS_FAILED', persistence: 'transient' },
    })
  })

  it.each([
    ['warns when it fails with 47 h of 48 h left', HOUR, 'warn'],
    ['raises an alarm when it fails with 2 h of 48 h left', 46 * HOUR, 'error'],
  ])('%s', async (_name, seconds, level) => {
    const { world } = await worldWithAlice()
    await world.clock.advanceSeconds(seconds)
    world.myproxy.behave = async () => {
      throw unreachable()
    }
    await renewOne(world.context, 'alice')
    expect(world.journal.at(-1)).toMatchObject({ event: 'renewal-failed', level })
  })

  it('counts failures across calls: 60 s, 2 min, 4 min', async () => {
    const { world } = await worldWithAlice()
    await world.clock.advanceSeconds(HOUR)
    world.myproxy.behave = async () => {
      throw unreachable()
    }
    const pauses: number[] = []
    for (let attempt = 0; attempt < 3; attempt++) {
      const outcome = await renewOne(world.context, 'alice')
      if (outcome.kind !== 'failed') throw new Error(outcome.kind)
      pauses.push(outcome.retryAt - world.clock.now())
      expect((await renewOne(world.context, 'alice')).kind).toBe('not-due')
      await world.clock.advanceSeconds(pauses.at(-1) ?? 0)
    }
    expect(pauses).toEqual([60, 120, 240])
  })

  it('tries in spite of a back-off when told that its cause may be gone', async () => {
    const { world } = await worldWithAlice()
    await world.clock.advanceSeconds(HOUR)
    world.myproxy.behave = async () => {
      throw unreachable()
    }
    await renewOne(world.context, 'alice')
    world.myproxy.behave = async () => {}
    const outcome = await renewOne(world.context, 'alice', { evenIfBackingOff: true })
    expect(outcome.kind).toBe('renewed')
  })

  it('waits an hour, and names the command that cures it, when nothing is stored', async () => {
    const { world, registration } = await worldWithAlice()
    await world.clock.advanceSeconds(HOUR)
    world.myproxy.stored.clear()
    const outcome = await renewOne(world.context, 'alice')
    if (outcome.kind !== 'failed') throw new Error(outcome.kind)
    expect(outcome.retryAt - world.clock.now()).toBe(HOUR)
    expect(outcome.error).toMatchObject({
      code: 'MYPROXY_NO_CREDENTIAL',
      persistence: 'permanent',
      hint: 'Its owner stores a credential: vobox-proxy myproxy init --for-vobox -s px.example.org',
    })
    const [line] = world.events('renewal-failed')
    expect(line).toContain(`dn="${registration.identity}" file=alice code=MYPROXY_NO_CREDENTIAL`)
    expect(line).toContain('persistence=permanent failures=1 retry=2026-01-01T02:00:00Z')
  })

  it.each([
    [
      'not-by-server',
      'The manager of the MyProxy server adds /DC=org/DC=example/OU=Hosts/CN=vobox.example.org to authorized_renewers',
    ],
    [
      'not-by-credential',
      'Its owner stores it so that this host may renew it: vobox-proxy myproxy init --for-vobox -s px.example.org --vobox-dn /DC=org/DC=example/OU=Hosts/CN=vobox.example.org',
    ],
  ])('tells who must let us renew when the refusal is %s', async (reason, hint) => {
    const { world } = await worldWithAlice()
    await world.clock.advanceSeconds(HOUR)
    world.myproxy.behave = async () => {
      throw new VoboxError('MYPROXY_NOT_AUTHORISED_RENEWER', 'no', { data: { reason } })
    }
    const outcome = await renewOne(world.context, 'alice')
    expect(outcome).toMatchObject({ kind: 'failed', error: { hint } })
  })

  it('does not ask for a proxy that ended a minute ago, and says that only registering helps', async () => {
    const { world } = await worldWithAlice({ hours: 12 })
    await world.clock.advanceSeconds(12 * HOUR + 60)
    const outcome = await renewOne(world.context, 'alice', { force: true })
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: {
        code: 'PROXY_EXPIRED',
        hint: 'Its owner logs in with a fresh proxy and registers again',
      },
    })
    expect(world.myproxy.asked).toEqual([])
    expect(world.events('expired')).toHaveLength(1)
  })

  it.each([
    ['missing', 'MACHINE_PROXY_MISSING', async () => {}],
    [
      'an hour old and valid for 30 minutes',
      'MACHINE_PROXY_EXPIRED',
      async (world: RenewalWorld) => world.putMachineProxy(0.5),
    ],
  ])('asks nobody when the machine proxy is %s', async (_name, code, prepare) => {
    const world = renewalWorld()
    await world.register('alice')
    await prepare(world)
    await world.clock.advanceSeconds(HOUR)
    const outcome = await renewOne(world.context, 'alice')
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code, hint: 'As root: /etc/init.d/alice-box-proxyrenewal proxy' },
    })
    expect(world.myproxy.asked).toEqual([])
  })

  it('spends no request while the disk is full', async () => {
    const { world } = await worldWithAlice()
    await world.clock.advanceSeconds(HOUR)
    world.files.refuse = (_operation, path) => diskFull(path)
    const outcome = await renewOne(world.context, 'alice')
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'FILE_UNWRITABLE', persistence: 'transient' },
      retryAt: world.clock.now() + 60,
    })
    expect(world.myproxy.asked).toEqual([])
    expect(world.journal.map(({ event }) => event)).toContain('state-unwritable')
  })

  it('keeps the old proxy when the new one cannot be stored', async () => {
    const { world } = await worldWithAlice()
    const before = await world.end('alice')
    await world.clock.advanceSeconds(HOUR)
    world.files.refuse = (operation, path) =>
      operation === 'replace' && path.startsWith(world.paths.repository)
        ? diskFull(path)
        : undefined
    const outcome = await renewOne(world.context, 'alice')
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'FILE_UNWRITABLE' } })
    expect(await world.end('alice')).toBe(before)
  })

  it('remains renewed when only its state cannot be written', async () => {
    const { world } = await worldWithAlice()
    await world.clock.advanceSeconds(HOUR)
    world.files.refuse = (_operation, path) =>
      path.startsWith(world.paths.state) ? diskFull(path) : undefined
    expect((await renewOne(world.context, 'alice')).kind).toBe('renewed')
    expect(world.journal.map(({ event }) => event)).toContain('state-unwritable')
  })

  it('refuses a file that is not a proxy, keeps it, and waits an hour', async () => {
    const { world } = await worldWithAlice()
    const path = world.context.repository.path('alice')
    await world.files.replace(path, Buffer.from('garbage'), { mode: 0o600 })
    const outcome = await renewOne(world.context, 'alice')
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'PROXY_FILE_MALFORMED' },
      retryAt: world.clock.now() + HOUR,
    })
    expect(world.files.text(path)).toBe('garbage')
  })

  it('is busy, not failed, while another process holds the lease for more than 5 s', async () => {
    const { world } = await worldWithAlice()
    const lease = await world.context.registry.lease('alice', 0)
    const outcome = renewOne(world.context, 'alice')
    await world.clock.advanceSeconds(6)
    expect(await outcome).toEqual({ kind: 'busy' })
    await lease.release()
  })

  it('renews once when two callers come at the same time', async () => {
    const { world } = await worldWithAlice()
    await world.clock.advanceSeconds(HOUR)
    const both = Promise.all([renewOne(world.context, 'alice'), renewOne(world.context, 'alice')])
    await world.clock.advanceSeconds(1)
    expect((await both).map(({ kind }) => kind).sort()).toEqual(['not-due', 'renewed'])
    expect(world.myproxy.asked).toHaveLength(1)
  })

  it('counts nothing as a failure when it is cancelled in the middle of the exchange', async () => {
    const { world } = await worldWithAlice()
    await world.clock.advanceSeconds(HOUR)
    const stop = new AbortController()
    world.myproxy.behave = ({ signal }) => world.clock.sleep(30_000, signal)
    const outcome = renewOne(world.context, 'alice', { signal: stop.signal })
    await world.clock.advanceSeconds(2)
    stop.abort()
    expect(await outcome).toEqual({ kind: 'cancelled' })
    expect(await world.context.registry.state('alice')).toEqual({ failures: 0 })
  })

  it('says that nothing of that name is registered', async () => {
    expect(await renewOne(renewalWorld().context, 'nobody')).toEqual({ kind: 'not-registered' })
  })
})

describe('renewOne, when there is nothing to gain', () => {
  it('keeps a file that ends with the stored credential, and asks again in an hour', async () => {
    const { world } = await worldWithAlice({ hours: 24, storedDays: 1 })
    await world.clock.advanceSeconds(HOUR)
    const text = world.files.text(world.context.repository.path('alice'))
    const now = world.clock.now()
    const outcome = await renewOne(world.context, 'alice')
    expect(outcome).toMatchObject({ kind: 'capped', end: now + 23 * HOUR, retryAt: now + HOUR })
    expect(world.files.text(world.context.repository.path('alice'))).toBe(text)
    expect(await world.context.registry.state('alice')).toEqual({
      failures: 0,
      attemptedAt: now,
      storedEnd: {
        at: now + 23 * HOUR,
        learnedAt: now,
        from: 'chain',
        server: 'px.example.org:7512',
      },
      retryAt: now + HOUR,
      cappedUntil: now + 23 * HOUR,
    })
    await world.clock.advanceSeconds(60)
    expect(await renewOne(world.context, 'alice')).toMatchObject({
      kind: 'not-due',
      decision: { reason: 'capped', until: now + HOUR },
    })
  })

  it('replaces it all the same with force, which waives that comparison alone', async () => {
    const { world } = await worldWithAlice({ hours: 24, storedDays: 1 })
    await world.clock.advanceSeconds(HOUR)
    const text = world.files.text(world.context.repository.path('alice'))
    expect((await renewOne(world.context, 'alice', { force: true })).kind).toBe('renewed')
    expect(world.files.text(world.context.repository.path('alice'))).not.toBe(text)
  })

  it('takes a new stored credential on the next try', async () => {
    const { world } = await worldWithAlice({ hours: 24, storedDays: 1 })
    await world.clock.advanceSeconds(HOUR)
    await renewOne(world.context, 'alice')
    const [username = ''] = world.myproxy.stored.keys()
    const stored = world.myproxy.stored.get(username)
    const [, ...endEntity] = stored?.credential.chain ?? []
    expect(endEntity).toHaveLength(1)
    await world.clock.advanceSeconds(HOUR)
    // The same user uploads again: another proxy of the same end-entity credential.
    const again = addProxy(world.users.get('alice') as never, {
      now: world.clock.now(),
      hours: 720,
    })
    world.myproxy.stored.set(username, { credential: again, maxSeconds: 48 * HOUR })
    const outcome = await renewOne(world.context, 'alice')
    expect(outcome).toMatchObject({ kind: 'renewed', end: world.clock.now() + 48 * HOUR })
    expect(await world.context.registry.state('alice')).not.toHaveProperty('cappedUntil')
  })
})
