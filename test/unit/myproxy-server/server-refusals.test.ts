import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestDestroy, requestPut } from '../../../src/myproxy/client.js'
import { systemRandom } from '../../../src/node/ports/random.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../../support/embedded-myproxy.js'
import { rejectionOf } from '../../support/failure.js'
import { callsTo, type Renewal } from '../../support/owner-calls.js'
import { addProxies, addProxy, realNow, TestAuthority } from '../../support/pki.js'

const HOUR = 3600

let grid: EmbeddedGrid

beforeAll(async () => {
  grid = await startEmbeddedGrid()
})
afterAll(() => grid.stop())

const { put, renew, info } = callsTo(() => grid)

describe('a server of ours says no', () => {
  beforeAll(async () => {
    await put({ username: 'vobox-only', renewer: '*/CN=vobox.example.org' })
    await put({ username: 'with-pass-phrase', passPhrase: 'secret-pass' })
    await requestPut(grid.myproxy, {
      servers: grid.servers,
      username: 'no-renewer',
      credential: grid.users.alice.credential,
      storedSeconds: HOUR,
      lifetimeSeconds: HOUR,
      random: systemRandom,
    })
  })

  it.each<[string, () => Renewal, string, Record<string, unknown>]>([
    [
      'to a machine that the credential does not name',
      () => ({ machine: addProxy(grid.hosts.portal.credential) }),
      'MYPROXY_NOT_AUTHORISED_RENEWER',
      { reason: 'not-by-credential' },
    ],
    [
      'to a machine that the server does not list',
      () => ({ machine: addProxy(grid.users.eve.credential) }),
      'MYPROXY_NOT_AUTHORISED_RENEWER',
      { reason: 'not-by-server' },
    ],
    [
      'where no renewer was set, and the default is none',
      () => ({ username: 'no-renewer' }),
      'MYPROXY_NOT_AUTHORISED_RENEWER',
      { reason: 'no-renewer-set' },
    ],
    [
      'to a proxy of somebody else',
      () => ({ current: addProxy(grid.users.eve.credential) }),
      'MYPROXY_AUTHORISATION_REFUSED',
      { reason: 'identity-differs' },
    ],
    [
      'to a proxy that expired a minute ago',
      () => ({ current: addProxy(grid.users.alice.credential, { notAfter: realNow() - 60 }) }),
      'MYPROXY_AUTHORISATION_REFUSED',
      { reason: 'proxy-expired' },
    ],
    [
      'to a proxy of the same name from an unknown CA',
      () => ({ current: addProxy(new TestAuthority().issueUser('alice')) }),
      'MYPROXY_AUTHORISATION_REFUSED',
      { reason: 'proxy-untrusted' },
    ],
    [
      'to a key that is not the one of the chain',
      () => {
        const { chain } = addProxy(grid.users.alice.credential)
        return { current: { chain, privateKey: addProxy(grid.users.eve.credential).privateKey } }
      },
      'MYPROXY_AUTHORISATION_REFUSED',
      { reason: 'signature' },
    ],
    [
      'to an independent proxy, which does not speak for its owner',
      () => ({ current: addProxy(grid.users.alice.credential, { policy: 'independent' }) }),
      'MYPROXY_REFUSED',
      {},
    ],
    [
      'to a machine whose certificate comes from an unknown CA',
      () => ({ machine: addProxy(new TestAuthority().issueHost('vobox.example.org')) }),
      'MYPROXY_REFUSED',
      {},
    ],
    [
      'to a chain of eleven proxies',
      () => ({ current: addProxies(grid.users.alice.credential, 11) }),
      'MYPROXY_AUTHORISATION_REFUSED',
      { reason: 'proxy-untrusted' },
    ],
    [
      'where the credential was stored with a pass phrase',
      () => ({ username: 'with-pass-phrase' }),
      'MYPROXY_PASS_PHRASE_REQUIRED',
      { reason: 'pass-phrase' },
    ],
    [
      'where nothing is stored',
      () => ({ username: 'nobody' }),
      'MYPROXY_NO_CREDENTIAL',
      { reason: 'none-of-this-owner' },
    ],
    [
      'to a user name that begins with a dot',
      () => ({ username: '../vobox-only' }),
      'MYPROXY_REFUSED',
      { serverMessage: 'Invalid user name: "../vobox-only"' },
    ],
  ])('%s', async (_name, renewal, code, data) => {
    const error = await rejectionOf(renew({ username: 'vobox-only', ...renewal() }))
    expect(error.code).toBe(code)
    expect(error.data).toMatchObject(data)
  })

  it('to the owner’s own proxy, which cannot renew itself', async () => {
    const own = addProxy(grid.users.alice.credential)
    const error = await rejectionOf(renew({ username: 'vobox-only', machine: own, current: own }))
    expect(error.code).toBe('MYPROXY_NOT_AUTHORISED_RENEWER')
  })

  it('to somebody else who asks what alice stored, in the same words as for nothing', async () => {
    const eve = grid.users.eve.credential
    const error = await rejectionOf(info('vobox-only', eve))
    const none = await rejectionOf(info('nobody', eve))
    expect([error.code, none.code]).toEqual(['MYPROXY_NO_CREDENTIAL', 'MYPROXY_NO_CREDENTIAL'])
    const words = (text: unknown) => String(text).replace(/user \S+/, 'user')
    expect(words(error.data.serverMessage)).toBe(words(none.data.serverMessage))
  })

  it('to somebody else who replaces or removes what alice stored', async () => {
    const eve = grid.users.eve.credential
    const replaced = await rejectionOf(put({ username: 'vobox-only', as: eve }))
    expect(replaced.code).toBe('MYPROXY_NOT_OWNER')
    const call = { servers: grid.servers, username: 'vobox-only', credential: eve }
    expect((await rejectionOf(requestDestroy(grid.myproxy, call))).code).toBe('MYPROXY_NOT_OWNER')
    expect((await renew({ username: 'vobox-only' })).credential.chain).toHaveLength(3)
  })

  it('to a pass phrase of five characters', async () => {
    const error = await rejectionOf(put({ username: 'short', passPhrase: '12345' }))
    expect(error.data.serverMessage).toMatch(/too short.*at least 6 characters/)
  })

  it('to an independent proxy that wants to store', async () => {
    const independent = addProxy(grid.users.alice.credential, { policy: 'independent' })
    const error = await rejectionOf(put({ username: 'independent', as: independent }))
    expect(error.data.serverMessage).toMatch(/does not speak for its owner/)
  })

  it('and logs who was refused what, with the code', () => {
    const refused = grid.log.filter(({ event }) => event === 'myproxy-refused')
    expect(refused.map(({ fields }) => fields)).toContainEqual(
      expect.objectContaining({
        client: grid.hosts.portal.dn,
        command: 'get',
        username: 'vobox-only',
        code: 'MYPROXY_NOT_AUTHORISED_RENEWER',
      }),
    )
    expect(JSON.stringify(grid.log)).not.toContain('secret-pass')
  })
})
