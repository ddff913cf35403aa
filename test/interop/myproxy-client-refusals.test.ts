/** Each of the ways in which Debian's `myproxy-server` says no, and what we make of it. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RenewalCall, requestPut } from '../../src/myproxy/client.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { rejectionOf } from '../support/failure.js'
import { addProxy, realNow, testKey } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { type RenewalGrid, realContext, startRenewalGrid } from '../support/renewal-grid.js'

const HOUR = 3600

describeWithPrograms('a refusal of Debian’s myproxy-server', MYPROXY_PROGRAMS, () => {
  let renewals: RenewalGrid
  let grid: RealGrid
  beforeAll(async () => {
    renewals = await startRenewalGrid()
    grid = renewals.grid
  })
  afterAll(() => renewals?.grid.stop())

  const expectRefusal = async (changes: Partial<RenewalCall>, code: string, reason: string) => {
    const failure = await rejectionOf(renewals.renew(changes))
    expect(failure.code).toBe(code)
    expect(failure.data).toMatchObject({ reason, peer: expect.stringContaining('localhost') })
    expect(failure.data.serverMessage).toBeTruthy()
    expect(failure.hint).toBeTruthy()
  }

  it('where nothing is stored looks like one without a renewer', () =>
    expectRefusal({ username: 'nobody' }, 'MYPROXY_NOT_AUTHORISED_RENEWER', 'no-renewer-set'))

  it('where no renewer was set', async () => {
    await renewals.copyStored('no-renewer', 'USERNAME=no-renewer')
    await expectRefusal(
      { username: 'no-renewer' },
      'MYPROXY_NOT_AUTHORISED_RENEWER',
      'no-renewer-set',
    )
  })

  it('where another renewer was set', async () => {
    await renewals.copyStored('wrong', 'USERNAME=wrong', 'RENEWERS=*/CN=other.example.org')
    await expectRefusal(
      { username: 'wrong' },
      'MYPROXY_NOT_AUTHORISED_RENEWER',
      'not-by-credential',
    )
  })

  it('of a machine that is no renewer of the server', () =>
    expectRefusal(
      { machine: grid.users.eve.credential },
      'MYPROXY_NOT_AUTHORISED_RENEWER',
      'not-by-server',
    ))

  it('where the credential has a pass phrase', async () => {
    await grid.upload({
      as: grid.users.alice,
      options: ['-l', 'with-phrase', '-a', '-c', '24'],
      passPhrase: 'secret-pass',
    })
    await expectRefusal({ username: 'with-phrase' }, 'MYPROXY_PASS_PHRASE_REQUIRED', 'pass-phrase')
  })

  it('of another user’s proxy as authorisation', () =>
    expectRefusal(
      { current: addProxy(grid.users.eve.credential) },
      'MYPROXY_AUTHORISATION_REFUSED',
      'identity-differs',
    ))

  it('of a proxy that expired an hour ago', () => {
    const now = realNow()
    const expired = addProxy(grid.users.alice.credential, {
      notBefore: now - 10 * HOUR,
      notAfter: now - HOUR,
    })
    return expectRefusal({ current: expired }, 'MYPROXY_AUTHORISATION_REFUSED', 'proxy-expired')
  })

  it('of a signature by another key', () =>
    expectRefusal(
      { current: { ...renewals.current, privateKey: testKey('rsa2048', 'another') } },
      'MYPROXY_AUTHORISATION_REFUSED',
      'signature',
    ))

  it('where the stored credential has expired', async () => {
    await renewals.copyStored('outlived', 'USERNAME=outlived', 'RENEWERS=*')
    const expired = grid.ca.issueUser('alice', {
      notAfter: realNow() - HOUR,
      key: grid.users.alice.credential.privateKey,
    })
    const written = await grid.writeProxy('outlived.creds', expired)
    await rename(written, join(grid.storeDirectory, 'outlived.creds'))
    await expectRefusal({ username: 'outlived' }, 'MYPROXY_CREDENTIAL_EXPIRED', 'stored-expired')
  })

  it('where an administrator locked it', async () => {
    await renewals.copyStored('locked', 'USERNAME=locked', 'RENEWERS=*')
    // As myproxy-admin-query -L leaves it.
    const lock = join(grid.storeDirectory, 'locked.lock')
    await writeFile(lock, 'under investigation', { mode: 0o600 })
    await expectRefusal({ username: 'locked' }, 'MYPROXY_CREDENTIAL_LOCKED', 'locked')
  })
})

describeWithPrograms('a myproxy-server that takes nobody’s credentials', MYPROXY_PROGRAMS, () => {
  it('refuses to store one, and we say whom to ask', async () => {
    const grid = await startRealGrid({ policy: { accepted_credentials: '"/DC=org/CN=nobody"' } })
    try {
      const { alice } = grid.users
      const failure = await rejectionOf(
        requestPut(realContext(grid), {
          servers: [grid.server],
          username: alice.dn,
          credential: alice.credential,
          storedSeconds: HOUR,
          lifetimeSeconds: HOUR,
          random: systemRandom,
        }),
      )
      expect(failure.code).toBe('MYPROXY_NOT_AUTHORISED')
      expect(failure.data.reason).toBe('store')
      expect(failure.hint).toContain('accepted_credentials')
    } finally {
      await grid.stop()
    }
  })
})
