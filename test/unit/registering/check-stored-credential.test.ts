import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { rejectionOf } from '../../support/failure.js'
import { addProxy } from '../../support/pki.js'
import { unreachable } from '../../support/renewal-world.js'
import { DAY, HOUR } from '../../support/time.js'
import { ALICE, MACHINE, registeringWorld, UPLOAD } from './fixtures.js'

const US = `${UPLOAD} --vobox-dn ${MACHINE}`

/** A world in which the login proxy is there and the server refuses the trial renewal. */
async function refusing(
  code: 'MYPROXY_NOT_AUTHORISED_RENEWER' | 'MYPROXY_PASS_PHRASE_REQUIRED',
  reason: string,
) {
  const world = await registeringWorld()
  await world.login()
  world.myproxy.falsify = () => {
    throw new VoboxError(code, 'px says no', { data: { reason, serverMessage: 'no' } })
  }
  return world
}

describe('the check of a stored credential', () => {
  it.each([
    [
      'no renewer',
      'MYPROXY_NOT_AUTHORISED_RENEWER',
      'no-renewer-set',
      'CREDENTIAL_HAS_NO_RENEWER',
      `Store it so that this machine may renew it: ${US}`,
    ],
    [
      'another renewer',
      'MYPROXY_NOT_AUTHORISED_RENEWER',
      'not-by-credential',
      'CREDENTIAL_RENEWER_NOT_US',
      `Store it so that this machine may renew it: ${US}`,
    ],
    [
      'a server that lets us not renew whatever a credential says',
      'MYPROXY_NOT_AUTHORISED_RENEWER',
      'not-by-server',
      'MYPROXY_NOT_AUTHORISED_RENEWER',
      `Ask the manager of the MyProxy server to add: authorized_renewers "${MACHINE}"; ` +
        'or store it with a pass phrase and register with --pass-phrase-file FILE',
    ],
    [
      'a pass phrase',
      'MYPROXY_PASS_PHRASE_REQUIRED',
      'pass-phrase',
      'CREDENTIAL_HAS_PASS_PHRASE',
      `Register with --pass-phrase-file FILE, which holds it; or store it without one: ${UPLOAD}`,
    ],
  ] as const)(
    'tells %s by its own code, with the command that cures it',
    async (_name, code, reason, expected, hint) => {
      const { register, registrations } = await refusing(code, reason)
      const error = await rejectionOf(register())
      expect(error).toMatchObject({ code: expected, hint, data: { reason, machineDn: MACHINE } })
      expect(await registrations()).toEqual([])
    },
  )

  it('says that a missing renewer and a pass phrase can look the same', async () => {
    const { register } = await refusing('MYPROXY_NOT_AUTHORISED_RENEWER', 'no-renewer-set')
    expect((await rejectionOf(register())).message).toContain('pass phrase looks the same')
  })

  it('tells that nothing is stored, with the command that stores it', async () => {
    const { login, register, myproxy } = await registeringWorld()
    await login()
    myproxy.stored.clear()
    const error = await rejectionOf(register({ lifetimeSeconds: 72 * HOUR }))
    expect(error.code).toBe('MYPROXY_NO_CREDENTIAL')
    expect(error.hint).toContain('vobox-proxy myproxy init --for-vobox -s px.example.org -t 72')
    expect(error.message).toContain(ALICE)
  })

  it.each([
    ['the login name of the caller', 'asm001', 'asm001'],
    ['the CN of the DN', 'alice', undefined],
  ])('finds a credential under %s', async (_name, name, callerName) => {
    const { login, register, myproxy } = await registeringWorld()
    await login()
    const stored = myproxy.stored.get(ALICE)
    myproxy.stored.clear()
    if (stored) myproxy.stored.set(name, stored)
    const error = await rejectionOf(register(callerName === undefined ? {} : { callerName }))
    expect(error).toMatchObject({
      code: 'CREDENTIAL_UNDER_LOGIN_NAME',
      data: { foundAs: name, expected: ALICE },
    })
    expect(error.hint).toContain(`--username ${name}`)
    expect(error.hint).toContain(UPLOAD)
  })

  it('finds one under the DN as an OpenSSL before 3 writes it', async () => {
    const { login, register, myproxy, store } = await registeringWorld()
    await login({}, store('robot/alice'))
    const dn = '/DC=org/DC=example/OU=Users/CN=robot\\/alice'
    const stored = myproxy.stored.get(dn)
    myproxy.stored.clear()
    if (stored) myproxy.stored.set(dn.replace('\\', ''), stored)
    const error = await rejectionOf(register())
    expect(error).toMatchObject({
      code: 'CREDENTIAL_UNDER_LOGIN_NAME',
      data: { foundAs: '/DC=org/DC=example/OU=Users/CN=robot/alice', expected: dn },
    })
    expect(error.hint).toContain('--username /DC=org/DC=example/OU=Users/CN=robot/alice')
  })

  it('finds one under the DN when --username names another place', async () => {
    const { login, register } = await registeringWorld()
    await login()
    const error = await rejectionOf(register({ username: 'asm001' }))
    expect(error).toMatchObject({ code: 'CREDENTIAL_UNDER_LOGIN_NAME', data: { foundAs: ALICE } })
  })

  it('takes one under --username', async () => {
    const { login, register, myproxy } = await registeringWorld()
    await login()
    const stored = myproxy.stored.get(ALICE)
    myproxy.stored.clear()
    if (stored) myproxy.stored.set('asm001', stored)
    const { registration, stored: found } = await register({ username: 'asm001' })
    expect(registration.username).toBe('asm001')
    expect(found?.username).toBe('asm001')
    expect(myproxy.asked.map(({ username }) => username)).toEqual(['asm001'])
  })

  it('tells that the credential has no such name, and which names there are', async () => {
    const { login, register, myproxy, clock } = await registeringWorld()
    await login()
    const named = { name: 'grid', owner: ALICE, start: clock.now(), end: clock.now() }
    myproxy.info = async ({ servers: [server] }) => ({
      server: server ?? { host: 'px', port: 1 },
      credentials: [named],
    })
    const wrong = await rejectionOf(register({ credentialName: 'other' }))
    expect(wrong).toMatchObject({ code: 'MYPROXY_NO_CREDENTIAL', data: { names: ['grid'] } })
    expect(wrong.hint).toContain('with --credname, one of: grid')
    const none = await rejectionOf(register())
    expect(none.message).toContain('no default credential')
  })

  it('tells that the stored credential has expired before it tries to renew', async () => {
    const { login, register, myproxy, store, clock } = await registeringWorld()
    const user = store('alice', 1)
    await clock.advanceSeconds(DAY)
    await login({}, user)
    const error = await rejectionOf(register())
    expect(error).toMatchObject({ code: 'MYPROXY_CREDENTIAL_EXPIRED', data: { end: clock.now() } })
    expect(error.hint).toContain(UPLOAD)
    expect(myproxy.asked).toEqual([])
  })

  it('tells a credential of somebody else under that name', async () => {
    const { login, register, myproxy, store } = await registeringWorld()
    await login()
    store('eve')
    const eve = myproxy.stored.get(ALICE.replace('alice', 'eve'))
    if (eve) myproxy.stored.set(ALICE, eve)
    expect((await rejectionOf(register())).code).toBe('RENEWED_IDENTITY_DIFFERS')
  })

  it('tells a stored credential that is limited, and names the cure', async () => {
    const { login, register, myproxy, user, clock } = await registeringWorld()
    await login()
    const credential = addProxy(user, { now: clock.now(), policy: 'limited', hours: 24 * 30 })
    myproxy.stored.set(ALICE, { credential, maxSeconds: 48 * HOUR })
    const error = await rejectionOf(register())
    expect(error.code).toBe('RENEWED_LIMITED')
    expect(error.hint).toContain('vobox-proxy myproxy init')
  })

  it('tells a missing machine proxy from all that, before it asks the server', async () => {
    const { login, register, files, paths, myproxy } = await registeringWorld()
    await login()
    await files.remove(paths.machineProxy)
    const error = await rejectionOf(register())
    expect(error.code).toBe('MACHINE_PROXY_MISSING')
    expect(error.hint).toContain('/etc/init.d/alice-box-proxyrenewal proxy')
    expect(myproxy.infos).toEqual([])
  })

  it('tells one that has expired', async () => {
    const { login, register, putMachineProxy, clock } = await registeringWorld()
    await putMachineProxy(24)
    await clock.advanceSeconds(DAY)
    await login()
    expect((await rejectionOf(register())).code).toBe('MACHINE_PROXY_EXPIRED')
  })

  it('tells a server that is down as what it is, and registers with noCheck all the same', async () => {
    const { login, register, myproxy } = await registeringWorld()
    await login()
    myproxy.behave = async () => {
      throw unreachable()
    }
    expect((await rejectionOf(register())).code).toBe('ALL_SERVERS_FAILED')
    expect((await register({ noCheck: true })).outcome).toBe('registered')
  })

  it('warns that 48 h were asked for and 12 h granted, because of a shorter -t', async () => {
    const { login, register, store, context } = await registeringWorld()
    store('alice', 30, 12 * HOUR)
    await login()
    const { warnings, stored, registration } = await register({ lifetimeSeconds: 48 * HOUR })
    expect(stored).toMatchObject({ grantedSeconds: 12 * HOUR, shortGrant: 'stored-lifetime' })
    expect(warnings).toMatchObject([
      {
        code: 'short-grant',
        data: { askedSeconds: 48 * HOUR, grantedSeconds: 12 * HOUR, limit: 'stored-lifetime' },
      },
    ])
    expect(warnings[0]?.hint).toContain(UPLOAD)
    const state = await context.registry.state(registration.fileName)
    expect(state.shortGrant).toEqual({
      askedSeconds: 48 * HOUR,
      grantedSeconds: 12 * HOUR,
      limit: 'stored-lifetime',
    })
  })

  it('warns that the stored credential ends in 9 days, and that it is why less was granted', async () => {
    const { login, register, store } = await registeringWorld()
    store('alice', 1)
    await login()
    const { warnings } = await register({ lifetimeSeconds: 48 * HOUR })
    expect(warnings.map(({ code }) => code)).toEqual(['short-grant', 'stored-credential-ends-soon'])
    expect(warnings[0]).toMatchObject({ data: { limit: 'stored-credential-ends' } })
    expect(warnings[1]).toMatchObject({ data: { leftSeconds: DAY } })
  })

  it('quotes a user name with a quote and a blank so that the command can be pasted', async () => {
    const { login, register, myproxy } = await registeringWorld()
    await login()
    myproxy.stored.clear()
    const error = await rejectionOf(register({ username: "o'alice b" }))
    expect(error.hint).toContain(`--for-vobox -s px.example.org -l 'o'\\''alice b'`)
  })
})
