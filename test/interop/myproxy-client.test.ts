/** Our client against Debian's `myproxy-server`: INFO, renewal, PUT and DESTROY. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestDestroy, requestInfo, requestPut } from '../../src/myproxy/client.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import type { Credential } from '../../src/proxy/credential.js'
import { validateProxyChain } from '../../src/proxy/validate-proxy-chain.js'
import { keysMatch } from '../../src/x509/private-key.js'
import { rejectionOf } from '../support/failure.js'
import { addProxy, realNow, testKey } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { type RenewalGrid, realContext, startRenewalGrid } from '../support/renewal-grid.js'

const HOUR = 3600

describeWithPrograms('our client and Debian’s myproxy-server', MYPROXY_PROGRAMS, () => {
  let renewals: RenewalGrid
  let grid: RealGrid
  beforeAll(async () => {
    renewals = await startRenewalGrid()
    grid = renewals.grid
  })
  afterAll(() => renewals?.grid.stop())

  describe('INFO', () => {
    const info = (username: string, credential = renewals.current) =>
      requestInfo(renewals.context, { servers: [grid.server], username, credential })

    it('tells the owner when the credential ends, and that anybody may renew it', async () => {
      const { server, credentials } = await info(grid.users.alice.dn)
      expect(server).toEqual(grid.server)
      expect(credentials).toHaveLength(1)
      const [credential] = credentials
      expect(credential).toMatchObject({ owner: grid.users.alice.dn, renewer: '*' })
      const left = (credential?.end ?? 0) - realNow()
      expect(left).toBeGreaterThan(167 * HOUR)
      expect(left).toBeLessThanOrEqual(168 * HOUR + 60)
    })

    it('lists a default credential and two named ones, with all that was said of them', async () => {
      const upload = (...options: string[]) =>
        grid.upload({ as: grid.users.alice, options: ['-l', 'several', '-n', ...options] })
      await upload('-A')
      await upload('-A', '-k', 'first', '-K', 'with = and ü', '-x', '-r', '/DC=org/.*')
      await upload('-A', '-k', 'second', '-Z', 'portal')
      const { credentials } = await info('several')
      const byName = new Map(credentials.map((credential) => [credential.name, credential]))
      expect(new Set(byName.keys())).toEqual(new Set([undefined, 'first', 'second']))
      expect(byName.get('first')).toMatchObject({
        description: 'with = and ü',
        retriever: '/DC=org/.*',
      })
      expect(byName.get('second')?.trustedRetriever).toContain('/CN=portal')
    })

    it('is told nothing by the machine proxy, which is not the owner', async () => {
      const failure = await rejectionOf(info(grid.users.alice.dn, renewals.machine))
      expect(failure.code).toBe('MYPROXY_NO_CREDENTIAL')
      expect(failure.data.serverMessage).toContain(`owner "${grid.hosts.vobox.dn}"`)
    })

    it('says that eve has stored nothing', async () => {
      const failure = await rejectionOf(info(grid.users.eve.dn, grid.users.eve.credential))
      expect(failure.code).toBe('MYPROXY_NO_CREDENTIAL')
      expect(failure.message).toContain(`localhost:${grid.server.port} (127.0.0.1)`)
      expect(failure.hint).toContain('vobox-proxy myproxy init')
    })
  })

  describe('renewal', () => {
    const kinds = ['rsa2048', 'p256'] as const
    const cases = kinds.flatMap((machineKey) =>
      kinds.flatMap((currentKey) =>
        (['TLSv1.2', 'TLSv1.3'] as const).map((tls) => [machineKey, currentKey, tls] as const),
      ),
    )

    it.each(cases)(
      'with a machine proxy on %s, a current proxy on %s and %s gives 12 h for a fresh key',
      async (machineKey, currentKey, tlsMaxVersion) => {
        const host = machineKey === 'p256' ? grid.hosts.voboxEc : grid.hosts.vobox
        const machine = addProxy(host.credential, { key: machineKey, pathLength: 0 })
        const current = addProxy(grid.users.alice.credential, { key: currentKey })
        const { credential } = await renewals.renew({ machine, current }, { tlsMaxVersion })
        const [leaf] = credential.chain
        expect(leaf && keysMatch(credential.privateKey, leaf.publicKey)).toBe(true)
        const validated = validateProxyChain(credential.chain, await renewals.context.anchors(), {
          now: realNow(),
          allowLegacyProxies: false,
          maxDelegationDepth: 10,
          purpose: 'client',
        })
        expect(validated.facts.identity.oneLine).toBe(grid.users.alice.dn)
        expect(validated.facts.kind).toBe('rfc3820')
        const left = validated.effectiveEnd - realNow()
        expect(left).toBeGreaterThan(12 * HOUR - 60)
        expect(left).toBeLessThanOrEqual(12 * HOUR)
      },
    )

    it('with an RSA-2048 key of ours is accepted too', async () => {
      const keys = { generate: async () => testKey('rsa2048', 'fresh') }
      const { credential } = await renewals.renew({ lifetimeSeconds: 0 }, { keys })
      expect(credential.chain[0]?.keyBits).toBe(2048)
    })

    it.each([
      ['0', 0],
      ['1,000 h', 1000 * HOUR],
    ])('that asks for %s gives the 48 h of the upload', async (_what, lifetimeSeconds) => {
      const { credential } = await renewals.renew({ lifetimeSeconds })
      const left = describeChain(credential.chain).effectiveEnd - realNow()
      expect(Math.abs(left - 48 * HOUR)).toBeLessThan(60)
    })

    it('of a credential with a name gives that one', async () => {
      const lines = ['USERNAME=named', 'NAME=prod', 'RENEWERS=*', `LIFETIME=${3 * HOUR}`]
      await renewals.copyStored('named-prod', ...lines)
      const { credential } = await renewals.renew({
        username: 'named',
        credentialName: 'prod',
        lifetimeSeconds: 0,
      })
      const left = describeChain(credential.chain).effectiveEnd - realNow()
      expect(Math.abs(left - 3 * HOUR)).toBeLessThan(60)
    })

    it('works for the renewer that the credential names', async () => {
      await renewals.copyStored('right', 'USERNAME=right', 'RENEWERS=*/CN=vobox.example.org')
      const { credential } = await renewals.renew({ username: 'right' })
      expect(describeChain(credential.chain).identity.oneLine).toBe(grid.users.alice.dn)
    })
  })

  describe('PUT and DESTROY', () => {
    const put = (credential: Credential, username: string, options = {}) =>
      requestPut(renewals.context, {
        servers: [grid.server],
        username,
        credential,
        storedSeconds: 100 * HOUR,
        lifetimeSeconds: 20 * HOUR,
        policies: { renewer: '*' },
        random: systemRandom,
        ...options,
      })

    it('store a credential that the C client sees and that we can renew, and remove it', async () => {
      const { alice } = grid.users
      await put(alice.credential, 'ours', { description: 'by us' })
      const seen = await grid.run('myproxy-info', ['-l', 'ours'], { as: alice })
      expect(seen.stdout).toContain('description: by us')
      expect(seen.stdout).toContain('renewal policy: *')
      expect(seen.stdout).toMatch(/timeleft: (99:59|100:00)/)

      const { credential } = await renewals.renew({ username: 'ours', lifetimeSeconds: 0 })
      const left = describeChain(credential.chain).effectiveEnd - realNow()
      expect(Math.abs(left - 20 * HOUR)).toBeLessThan(60)

      const destroy = () =>
        requestDestroy(renewals.context, {
          servers: [grid.server],
          username: 'ours',
          credential: alice.credential,
        })
      await destroy()
      expect((await rejectionOf(destroy())).code).toBe('MYPROXY_NO_CREDENTIAL')
    })

    it('are refused over somebody else’s credential', async () => {
      const overwrite = await rejectionOf(put(grid.users.eve.credential, grid.users.alice.dn))
      expect(overwrite.code).toBe('MYPROXY_NOT_OWNER')
      const remove = await rejectionOf(
        requestDestroy(renewals.context, {
          servers: [grid.server],
          username: grid.users.alice.dn,
          credential: grid.users.eve.credential,
        }),
      )
      expect(remove.code).toBe('MYPROXY_NOT_OWNER')
    })
  })
})

describeWithPrograms('a myproxy-server that presents a proxy', MYPROXY_PROGRAMS, () => {
  it('is validated by the rules of proxies and by its host’s name', async () => {
    const grid = await startRealGrid({
      serverCredential: ({ host }) => addProxy(host, { key: 'rsa2048', hours: 2 }),
    })
    try {
      const context = realContext(grid)
      const { alice } = grid.users
      await requestPut(context, {
        servers: [grid.server],
        username: alice.dn,
        credential: alice.credential,
        storedSeconds: 10 * HOUR,
        lifetimeSeconds: HOUR,
        random: systemRandom,
      })
      const { credentials } = await requestInfo(context, {
        servers: [grid.server],
        username: alice.dn,
        credential: alice.credential,
      })
      const end = asUnixSeconds(realNow() + 10 * HOUR)
      expect(Math.abs((credentials[0]?.end ?? 0) - end)).toBeLessThan(60)
    } finally {
      await grid.stop()
    }
  })
})
