import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { encodeCredential } from '../../../src/proxy/credential.js'
import { rejectionOf } from '../../support/failure.js'
import { addProxy, TestAuthority, testKey, userName } from '../../support/pki.js'
import { DAY, HOUR, MINUTE } from '../../support/time.js'
import { ALICE, ALICE_FILE, LOGIN, registeringWorld } from './fixtures.js'

describe('registerProxy, for the first time', () => {
  it('stores proxy and registration with the configured defaults, and says what the server showed', async () => {
    const { login, register, clock, inRepository, registrations, myproxy } =
      await registeringWorld()
    const proxy = await login()
    const result = await register()

    expect(result).toMatchObject({
      outcome: 'registered',
      file: `/var/lib/vobox/alice/proxy_repository/${ALICE_FILE}`,
      proxy: 'login-proxy',
      proxyEnd: clock.now() + 24 * HOUR,
      stored: {
        server: 'px.example.org:7512',
        username: ALICE,
        owner: ALICE,
        end: clock.now() + 30 * DAY,
        askedSeconds: 12 * HOUR,
        grantedSeconds: 12 * HOUR,
      },
      warnings: [],
    })
    expect(await registrations()).toEqual([
      {
        fileName: ALICE_FILE,
        identity: ALICE,
        identityDer: Buffer.from(userName('alice').der).toString('base64'),
        servers: ['px.example.org'],
        lifetimeSeconds: 12 * HOUR,
        refreshSeconds: HOUR,
        proxySafeSeconds: HOUR,
        myproxySafeSeconds: 10 * DAY,
        email: null,
        voms: [],
        allowLimited: false,
        allowPartial: false,
        registeredAt: clock.now(),
        updatedAt: clock.now(),
      },
    ])
    expect(inRepository(ALICE_FILE)).toBe(encodeCredential(proxy).toString())
    expect(myproxy.asked).toHaveLength(1)
  })

  it('keeps every setting that was given', async () => {
    const { login, register } = await registeringWorld()
    await login()
    const { registration } = await register({
      servers: ['px.example.org:7512', 'px2.example.org:7513'],
      lifetimeSeconds: 48 * HOUR,
      refreshSeconds: null,
      proxySafeSeconds: 7200,
      myproxySafeSeconds: 259_200,
      email: 'alice@example.org',
    })
    expect(registration).toMatchObject({
      servers: ['px.example.org', 'px2.example.org:7513'],
      lifetimeSeconds: 48 * HOUR,
      refreshSeconds: null,
      proxySafeSeconds: 7200,
      myproxySafeSeconds: 259_200,
      email: 'alice@example.org',
    })
  })

  it('writes the end of the stored credential into the state, and a line into events.log', async () => {
    const { login, register, context, clock, events } = await registeringWorld()
    await login()
    await register()
    expect(await context.registry.state(ALICE_FILE)).toEqual({
      failures: 0,
      storedEnd: {
        at: clock.now() + 30 * DAY,
        learnedAt: clock.now(),
        from: 'info',
        server: 'px.example.org:7512',
      },
    })
    expect(events('registered')).toEqual([
      `registered dn="${ALICE}" file=${ALICE_FILE} as=registered end=2026-01-02T00:00:00Z`,
    ])
  })

  it('asks the server nothing with noCheck, and says so', async () => {
    const { login, register, myproxy } = await registeringWorld()
    await login()
    const { warnings, stored } = await register({ noCheck: true })
    expect(warnings.map(({ code }) => code)).toEqual(['not-checked'])
    expect(stored).toBeUndefined()
    expect([myproxy.asked, myproxy.infos]).toEqual([[], []])
  })

  it('registers two people under two names', async () => {
    const { login, register, ca, store, registrations } = await registeringWorld()
    await login()
    await register()
    store('bob')
    await login({}, ca.issueUser('bob'))
    await register()
    expect((await registrations()).map(({ identity }) => identity)).toEqual([
      ALICE,
      ALICE.replace('alice', 'bob'),
    ])
  })
})

describe('registerProxy, refusing', () => {
  it('refuses when no server is known, and names the three places for one', async () => {
    const { login, register } = await registeringWorld({ myproxy: { servers: [] } })
    await login()
    const error = await rejectionOf(register())
    expect(error.code).toBe('SERVER_LIST_INVALID')
    expect(error.hint).toContain('$MYPROXY_SERVER')
  })

  it.each([
    ['registration.json cannot be written', 'registry.json'],
    ['the proxy cannot be written', 'proxy_repository/+'],
  ])('leaves nothing behind when %s', async (_name, path) => {
    const { login, register, files, registrations, inRepository } = await registeringWorld()
    await login()
    files.refuse = (operation, at) =>
      operation === 'replace' && at.includes(path)
        ? new VoboxError('FILE_UNWRITABLE', 'the disk is full')
        : undefined
    expect((await rejectionOf(register())).code).toBe('FILE_UNWRITABLE')
    files.refuse = () => undefined
    expect(await registrations()).toEqual([])
    expect(inRepository(ALICE_FILE)).toBe('')
  })

  it('puts the old proxy back when an update fails half-way', async () => {
    const { login, register, files, inRepository } = await registeringWorld()
    const old = await login()
    await register()
    await login({ hours: 36 })
    files.refuse = (operation, at) =>
      operation === 'replace' && at.endsWith('registry.json')
        ? new VoboxError('FILE_UNWRITABLE', 'the disk is full')
        : undefined
    expect((await rejectionOf(register())).code).toBe('FILE_UNWRITABLE')
    expect(inRepository(ALICE_FILE)).toBe(encodeCredential(old).toString())
  })

  it('does not bother the server when the repository takes nothing', async () => {
    const { login, register, files, myproxy } = await registeringWorld()
    await login()
    files.refuse = (operation) =>
      operation === 'probe' ? new VoboxError('FILE_UNWRITABLE', 'the disk is full') : undefined
    expect((await rejectionOf(register())).code).toBe('FILE_UNWRITABLE')
    expect(myproxy.infos).toEqual([])
  })

  it('stops as soon as the signal aborts, with nothing written', async () => {
    const { login, register, myproxy, registrations } = await registeringWorld()
    await login()
    const stop = new AbortController()
    myproxy.behave = async () => {
      stop.abort(new VoboxError('CANCELLED', 'stopped'))
      throw stop.signal.reason
    }
    expect((await rejectionOf(register({ signal: stop.signal }))).code).toBe('CANCELLED')
    expect(await registrations()).toEqual([])
  })
})

describe('registerProxy, again', () => {
  it('replaces an older proxy, changes what was given and keeps what was not', async () => {
    const { login, register, clock, inRepository, registrations } = await registeringWorld()
    await login()
    const first = await register({ email: 'alice@example.org', lifetimeSeconds: 48 * HOUR })
    await clock.advanceSeconds(HOUR)
    const newer = await login({ hours: 30 })
    const again = await register({ proxySafeSeconds: 7200 })
    expect(again).toMatchObject({ outcome: 'updated', proxy: 'login-proxy' })
    expect(await registrations()).toEqual([
      { ...first.registration, proxySafeSeconds: 7200, updatedAt: clock.now() },
    ])
    expect(inRepository(ALICE_FILE)).toBe(encodeCredential(newer).toString())
  })

  it('keeps a proxy that lives a second longer, says so, and updates the settings', async () => {
    const { login, register, clock, inRepository } = await registeringWorld()
    const longer = await login({ notAfter: clock.now() + 24 * HOUR + 1 })
    await register()
    await login()
    const again = await register({ email: 'alice@example.org' })
    expect(again).toMatchObject({
      outcome: 'updated',
      proxy: 'kept',
      proxyEnd: clock.now() + 24 * HOUR + 1,
      registration: { email: 'alice@example.org' },
    })
    expect(again.warnings).toMatchObject([
      { code: 'stored-proxy-kept', data: { loginEnd: clock.now() + 24 * HOUR } },
    ])
    expect(inRepository(ALICE_FILE)).toBe(encodeCredential(longer).toString())
  })

  it('replaces it all the same with force', async () => {
    const { login, register, inRepository } = await registeringWorld()
    await login({ hours: 48 })
    await register()
    const shorter = await login()
    expect(await register({ force: true })).toMatchObject({ proxy: 'login-proxy', warnings: [] })
    expect(inRepository(ALICE_FILE)).toBe(encodeCredential(shorter).toString())
  })

  it.each(['garbage', ''])('replaces a file that holds "%s"', async (text) => {
    const { login, register, files, paths, inRepository } = await registeringWorld()
    const proxy = await login()
    await register()
    const path = `${paths.repository}/${ALICE_FILE}`
    await files.replace(path, Buffer.from(text), { mode: 0o600 })
    expect(await register()).toMatchObject({ proxy: 'login-proxy' })
    expect(inRepository(ALICE_FILE)).toBe(encodeCredential(proxy).toString())
  })

  it('replaces a longer-lived forgery with the same DN from an unknown CA', async () => {
    const { login, register, files, paths, inRepository } = await registeringWorld()
    const proxy = await login()
    await register()
    const forged = addProxy(new TestAuthority().issueUser('alice'), { hours: 24 * 365 })
    const path = `${paths.repository}/${ALICE_FILE}`
    await files.replace(path, encodeCredential(forged), { mode: 0o600 })
    expect(await register()).toMatchObject({ proxy: 'login-proxy' })
    expect(inRepository(ALICE_FILE)).toBe(encodeCredential(proxy).toString())
  })

  it('forgets failures and back-off, so that the service tries at once', async () => {
    const { login, register, context, clock } = await registeringWorld()
    await login()
    await register()
    await context.registry.writeState(ALICE_FILE, {
      failures: 5,
      attemptedAt: clock.now(),
      renewedAt: clock.now(),
      renewedFrom: 'px.example.org:7512',
      retryAt: clock.now(),
      cappedUntil: clock.now(),
      lastFailure: { at: clock.now(), code: 'X', message: 'x', persistence: 'permanent' },
    })
    await register({ noCheck: true })
    expect(await context.registry.state(ALICE_FILE)).toEqual({
      failures: 0,
      renewedAt: clock.now(),
      renewedFrom: 'px.example.org:7512',
    })
  })

  it('takes names off again that a registration had', async () => {
    const { login, register, myproxy } = await registeringWorld()
    await login()
    const stored = myproxy.stored.get(ALICE)
    if (stored) myproxy.stored.set('grid-user', stored)
    await register({ username: 'grid-user' })
    const { registration } = await register({ username: null })
    expect('username' in registration).toBe(false)
  })

  it('three at once take turns, and leave one registration with one whole proxy', async () => {
    const { login, register, registrations, inRepository, clock } = await registeringWorld()
    const proxy = await login()
    let done = false
    const all = Promise.all([register(), register(), register()]).finally(() => {
      done = true
    })
    while (!done) await clock.advance(10)
    const outcomes = (await all).map(({ outcome }) => outcome).sort()
    expect(outcomes).toEqual(['registered', 'updated', 'updated'])
    expect(await registrations()).toHaveLength(1)
    expect(inRepository(ALICE_FILE)).toBe(encodeCredential(proxy).toString())
  })
})

describe('registerProxy, of a limited proxy', () => {
  it('takes one with allowLimited, remembers that, and warns', async () => {
    const { login, register } = await registeringWorld()
    await login({ policy: 'limited' })
    const { registration, warnings } = await register({ allowLimited: true })
    expect(registration.allowLimited).toBe(true)
    expect(warnings.map(({ code }) => code)).toEqual(['limited-proxy'])
  })

  it('never lets it replace a full one, not even with force', async () => {
    const { login, register, inRepository } = await registeringWorld()
    const full = await login({ hours: 1 })
    await register()
    await login({ policy: 'limited', hours: 48 })
    const error = await rejectionOf(register({ allowLimited: true, force: true }))
    expect(error.code).toBe('PROXY_LIMITED')
    expect(inRepository(ALICE_FILE)).toBe(encodeCredential(full).toString())
  })

  it('lets a shorter full one replace a limited one', async () => {
    const { login, register } = await registeringWorld()
    await login({ policy: 'limited', hours: 48 })
    await register({ allowLimited: true })
    await login({ hours: 1 })
    const { proxy, registration } = await register()
    expect(proxy).toBe('login-proxy')
    expect(registration.allowLimited).toBe(false)
  })
})

describe('registerProxy, with --replaces', () => {
  const NEW = ALICE.replace('alice', 'alice new')

  async function changedDn() {
    const world = await registeringWorld()
    await world.login({ hours: 48 })
    const old = await world.register({ email: 'alice@example.org', lifetimeSeconds: 24 * HOUR })
    await world.clock.advanceSeconds(MINUTE)
    const renamed = world.store('alice new')
    const proxy = await world.login({}, renamed)
    return { ...world, old, renamed, proxy }
  }

  it('carries settings and file name over, and takes the new proxy though it ends earlier', async () => {
    const { register, old, proxy, registrations, inRepository, clock } = await changedDn()
    const result = await register({ replaces: ALICE })
    expect(result).toMatchObject({ outcome: 'replaced', proxy: 'login-proxy' })
    expect(await registrations()).toEqual([
      {
        ...old.registration,
        identity: NEW,
        identityDer: Buffer.from(userName('alice new').der).toString('base64'),
        updatedAt: clock.now(),
      },
    ])
    expect(inRepository(ALICE_FILE)).toBe(encodeCredential(proxy).toString())
  })

  it('is found by the new DN from then on, and stays under the old name', async () => {
    const { register, registrations } = await changedDn()
    await register({ replaces: ALICE })
    const again = await register({ proxySafeSeconds: 7200 })
    expect(again.outcome).toBe('updated')
    expect(again.registration.fileName).toBe(ALICE_FILE)
    expect(await registrations()).toHaveLength(1)
  })

  it('does no harm when it is said twice', async () => {
    const { register, registrations } = await changedDn()
    await register({ replaces: ALICE })
    expect((await register({ replaces: ALICE })).outcome).toBe('updated')
    expect(await registrations()).toHaveLength(1)
  })

  it('refuses a DN that nobody is registered with, and names who is', async () => {
    const { register } = await changedDn()
    const error = await rejectionOf(register({ replaces: '/CN=nobody' }))
    expect(error).toMatchObject({ code: 'NOT_REGISTERED', data: { identity: '/CN=nobody' } })
    expect(error.hint).toContain(ALICE)
  })

  it('refuses when both DNs are registered already', async () => {
    const { register } = await changedDn()
    await register()
    const error = await rejectionOf(register({ replaces: ALICE }))
    expect(error.code).toBe('REGISTRATION_AMBIGUOUS')
    expect(error.hint).toContain('unregister --dn')
  })
})

describe('registerProxy, of a key on P-256 and on RSA', () => {
  it.each(['p256', 'rsa2048'] as const)('takes one on %s', async (kind) => {
    const { login, register } = await registeringWorld()
    await login({ key: testKey(kind, 'login') })
    expect((await register({ proxyFile: LOGIN })).outcome).toBe('registered')
  })
})
