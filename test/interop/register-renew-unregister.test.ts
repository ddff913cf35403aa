/** The whole line against Debian's `myproxy-server`: register, renew, unregister. */
import { stat } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { registerProxy } from '../../src/renewal/registering/register.js'
import { unregisterProxy } from '../../src/renewal/registering/unregister.js'
import { renewOne } from '../../src/renewal/renew-one.js'
import { rejectionOf } from '../support/failure.js'
import { addProxy, realNow } from '../support/pki.js'
import { describeWithPrograms, findProgram } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { type RealRegisteringOptions, realRegistering } from '../support/real-registering.js'
import { HOUR } from '../support/time.js'

describeWithPrograms(
  'register, renew, unregister with Debian’s myproxy-server',
  MYPROXY_PROGRAMS,
  () => {
    let grid: RealGrid
    let made = 0

    beforeAll(async () => {
      grid = await startRealGrid()
      await grid.upload({ as: grid.users.alice })
    })
    afterAll(() => grid?.stop())

    /** A VO of its own with alice's login proxy of two hours. */
    async function vo(options: RealRegisteringOptions = {}) {
      made += 1
      const { keys = 'p256' } = options
      const machine = keys === 'p256' ? grid.hosts.voboxEc : grid.hosts.vobox
      const registering = await realRegistering(grid, { machine, ...options, name: `vo-${made}` })
      await registering.login(addProxy(grid.users.alice.credential, { key: keys, hours: 2 }))
      return registering
    }

    const kinds = ['rsa2048', 'p256'] as const
    it.each(
      kinds.flatMap((keys) => (['TLSv1.2', 'TLSv1.3'] as const).map((tls) => [keys, tls] as const)),
    )(
      'with keys on %s and %s: two hours become 48, and nothing is left behind',
      async (keys, tlsMaxVersion) => {
        const { context, request } = await vo({ keys, tlsMaxVersion })
        const { registration, file } = await registerProxy(context, {
          ...request,
          lifetimeSeconds: 48 * HOUR,
        })
        const { fileName } = registration
        const outcome = await renewOne(context, fileName, { force: true })
        expect(outcome).toMatchObject({ kind: 'renewed', server: `localhost:${grid.server.port}` })

        const credential = await context.repository.read(fileName)
        const facts = describeChain(credential.chain)
        expect(facts.identity.oneLine).toBe(grid.users.alice.dn)
        expect(facts.effectiveEnd - realNow()).toBeGreaterThan(48 * HOUR - 120)
        expect(credential.privateKey.asymmetricKeyType).toBe(keys === 'p256' ? 'ec' : 'rsa')
        expect((await stat(file)).mode & 0o777).toBe(0o600)
        if (findProgram('grid-proxy-info') !== undefined) {
          const { stdout } = await grid.run('grid-proxy-info', ['-file', file, '-identity'])
          expect(stdout.trim()).toBe(grid.users.alice.dn)
        }

        expect(await unregisterProxy(context, { fileName })).toMatchObject({ fileRemoved: true })
        expect((await context.registry.all()).size).toBe(0)
        expect(await context.repository.list()).toEqual([])
        expect(await renewOne(context, fileName)).toEqual({ kind: 'not-registered' })
      },
    )

    it('with the server behind a dead first address', async () => {
      const { context, request } = await vo({ addresses: ['127.0.0.9', '127.0.0.1'] })
      const { registration, stored } = await registerProxy(context, request)
      expect(stored?.server).toBe(`localhost:${grid.server.port}`)
      const outcome = await renewOne(context, registration.fileName, { force: true })
      expect(outcome.kind).toBe('renewed')
    })

    it('with a dead server before it in the list', async () => {
      const { context, request } = await vo()
      const servers = ['localhost:9', `localhost:${grid.server.port}`]
      const { registration, stored } = await registerProxy(context, { ...request, servers })
      expect(registration.servers).toEqual(servers)
      expect(stored?.server).toBe(servers[1])
      const outcome = await renewOne(context, registration.fileName, { force: true })
      expect(outcome).toMatchObject({ kind: 'renewed', server: servers[1] })
    })

    it('says that no server could be used, each with its reason, and registers nothing', async () => {
      const { context, request } = await vo()
      const servers = ['localhost:9', 'nowhere.example.org']
      const error = await rejectionOf(registerProxy(context, { ...request, servers }))
      expect(error.code).toBe('ALL_SERVERS_FAILED')
      expect(error.message).toContain('localhost:9')
      expect(error.message).toContain('nowhere.example.org')
      expect((await context.registry.all()).size).toBe(0)
      expect(await context.repository.list()).toEqual([])
    })

    describe('as soon as it is registered', () => {
      it('is known where the stored credential ends, from INFO', async () => {
        const { context, request } = await vo()
        const { registration } = await registerProxy(context, request)
        const { storedEnd } = await context.registry.state(registration.fileName)
        expect(storedEnd?.from).toBe('info')
        expect((storedEnd?.at ?? 0) - realNow()).toBeGreaterThan(167 * HOUR)
      })
    })
  },
)
