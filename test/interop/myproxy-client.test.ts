/** Our client against Debian's `myproxy-server`: what it gives, and each of the ways it says no. */
import { copyFile, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type MyProxyContext,
  requestDestroy,
  requestInfo,
  requestPut,
  requestRenewal,
} from '../../src/myproxy/client.js'
import { systemClock } from '../../src/node/clock.js'
import { nodeFiles } from '../../src/node/files.js'
import { systemRandom } from '../../src/node/random.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import type { Credential } from '../../src/proxy/credential.js'
import { validateProxyChain } from '../../src/proxy/validate-proxy-chain.js'
import { keysMatch } from '../../src/x509/private-key.js'
import { TrustDirectory } from '../../src/x509/trust-anchors.js'
import { rejectionOf } from '../support/failure.js'
import { dialerWithNames, myproxyContext } from '../support/myproxy-context.js'
import { addProxy, realNow, TestAuthority, testKey } from '../support/pki.js'
import { describeWithPrograms, findProgram } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { deadPort, startTcpPeer } from '../support/scripted-peer.js'

const HOUR = 3600

describeWithPrograms('our client and Debian’s myproxy-server', MYPROXY_PROGRAMS, () => {
  let grid: RealGrid
  let context: MyProxyContext
  let machine: Credential
  let current: Credential

  beforeAll(async () => {
    grid = await startRealGrid()
    const trust = new TrustDirectory(nodeFiles, systemClock, grid.trustDirectory, {
      allowMissingSigningPolicy: false,
    })
    context = {
      ...myproxyContext(grid.ca),
      anchors: () => trust.current(),
      dialer: dialerWithNames({ localhost: ['127.0.0.1'] }),
      connectMs: 5000,
      answerMs: 10_000,
    }
    machine = addProxy(grid.hosts.vobox.credential, { key: 'rsa2048', pathLength: 0 })
    current = addProxy(grid.users.alice.credential, { key: 'rsa2048' })
    await grid.upload({ as: grid.users.alice })
  })

  afterAll(() => grid?.stop())

  const servers = () => [grid.server]
  const renew = (changes: Partial<Parameters<typeof requestRenewal>[1]> = {}) =>
    requestRenewal(context, {
      servers: servers(),
      username: grid.users.alice.dn,
      lifetimeSeconds: 12 * HOUR,
      machine,
      current,
      ...changes,
    })
  /** Stores alice's credential once more, as the C client writes it: it takes seconds an upload. */
  const copyStored = async (file: string, ...lines: string[]) => {
    const store = await readdir(grid.storeDirectory)
    const stored = store.find((name) => /^[0-9a-f]{32}\.creds$/.test(name))
    const data = [`OWNER=${grid.users.alice.dn}`, 'LIFETIME=43200', ...lines, 'END_OPTIONS', '']
    await copyFile(
      join(grid.storeDirectory, stored ?? ''),
      join(grid.storeDirectory, `${file}.creds`),
    )
    await writeFile(join(grid.storeDirectory, `${file}.data`), data.join('\n'), { mode: 0o600 })
  }

  describe('INFO', () => {
    const info = (username: string, credential = current) =>
      requestInfo(context, { servers: servers(), username, credential })

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
      const failure = await rejectionOf(info(grid.users.alice.dn, machine))
      expect(failure.code).toBe('MYPROXY_NO_CREDENTIAL')
      expect(failure.data.serverMessage).toContain(`owner "${grid.hosts.vobox.dn}"`)
    })

    it('says that eve has stored nothing', async () => {
      const failure = await rejectionOf(info(grid.users.eve.dn, grid.users.eve.credential))
      expect(failure.code).toBe('MYPROXY_NO_CREDENTIAL')
      expect(failure.message).toContain(`localhost:${grid.server.port} (127.0.0.1)`)
      expect(failure.hint).toContain('myproxy-init')
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
        const { credential } = await requestRenewal(
          { ...context, tlsMaxVersion },
          {
            servers: servers(),
            username: grid.users.alice.dn,
            lifetimeSeconds: 12 * HOUR,
            machine: addProxy(host.credential, { key: machineKey, pathLength: 0 }),
            current: addProxy(grid.users.alice.credential, { key: currentKey }),
          },
        )
        const [leaf] = credential.chain
        expect(leaf && keysMatch(credential.privateKey, leaf.publicKey)).toBe(true)
        const validated = validateProxyChain(credential.chain, await context.anchors(), {
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
      const { credential } = await requestRenewal(
        { ...context, keys },
        { servers: servers(), username: grid.users.alice.dn, lifetimeSeconds: 0, machine, current },
      )
      expect(credential.chain[0]?.keyBits).toBe(2048)
    })

    it.each([
      ['0', 0],
      ['1,000 h', 1000 * HOUR],
    ])('that asks for %s gives the 48 h of the upload', async (_what, lifetimeSeconds) => {
      const { credential } = await renew({ lifetimeSeconds })
      const left = describeChain(credential.chain).effectiveEnd - realNow()
      expect(Math.abs(left - 48 * HOUR)).toBeLessThan(60)
    })

    it('of a credential with a name gives that one', async () => {
      const lines = ['USERNAME=named', 'NAME=prod', 'RENEWERS=*', `LIFETIME=${3 * HOUR}`]
      await copyStored('named-prod', ...lines)
      const { credential } = await renew({
        username: 'named',
        credentialName: 'prod',
        lifetimeSeconds: 0,
      })
      const left = describeChain(credential.chain).effectiveEnd - realNow()
      expect(Math.abs(left - 3 * HOUR)).toBeLessThan(60)
    })

    it('works for the renewer that the credential names', async () => {
      await copyStored('right', 'USERNAME=right', 'RENEWERS=*/CN=vobox.example.org')
      const { credential } = await renew({ username: 'right' })
      expect(describeChain(credential.chain).identity.oneLine).toBe(grid.users.alice.dn)
    })
  })

  describe('a refusal', () => {
    const expectRefusal = async (
      changes: Partial<Parameters<typeof requestRenewal>[1]>,
      code: string,
      reason: string,
    ) => {
      const failure = await rejectionOf(renew(changes))
      expect(failure.code).toBe(code)
      expect(failure.data).toMatchObject({ reason, peer: expect.stringContaining('localhost') })
      expect(failure.data.serverMessage).toBeTruthy()
      expect(failure.hint).toBeTruthy()
    }

    it('where nothing is stored looks like one without a renewer', () =>
      expectRefusal({ username: 'nobody' }, 'MYPROXY_NOT_AUTHORISED_RENEWER', 'no-renewer-set'))

    it('where no renewer was set', async () => {
      await copyStored('no-renewer', 'USERNAME=no-renewer')
      await expectRefusal(
        { username: 'no-renewer' },
        'MYPROXY_NOT_AUTHORISED_RENEWER',
        'no-renewer-set',
      )
    })

    it('where another renewer was set', async () => {
      await copyStored('wrong', 'USERNAME=wrong', 'RENEWERS=*/CN=other.example.org')
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
      await expectRefusal(
        { username: 'with-phrase' },
        'MYPROXY_PASS_PHRASE_REQUIRED',
        'pass-phrase',
      )
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
        { current: { ...current, privateKey: testKey('rsa2048', 'another') } },
        'MYPROXY_AUTHORISATION_REFUSED',
        'signature',
      ))

    it('where the stored credential has expired', async () => {
      await copyStored('outlived', 'USERNAME=outlived', 'RENEWERS=*')
      const expired = grid.ca.issueUser('alice', {
        notAfter: realNow() - HOUR,
        key: grid.users.alice.credential.privateKey,
      })
      const written = await grid.writeProxy('outlived.creds', expired)
      await rename(written, join(grid.storeDirectory, 'outlived.creds'))
      await expectRefusal({ username: 'outlived' }, 'MYPROXY_CREDENTIAL_EXPIRED', 'stored-expired')
    })

    it.runIf(findProgram('myproxy-admin-query'))('where an administrator locked it', async () => {
      await copyStored('locked', 'USERNAME=locked', 'RENEWERS=*')
      const lock = ['-c', join(grid.directory, 'myproxy-server.config'), '-s', grid.storeDirectory]
      await grid.run('myproxy-admin-query', [...lock, '-l', 'locked', '-L', 'under investigation'])
      await expectRefusal({ username: 'locked' }, 'MYPROXY_CREDENTIAL_LOCKED', 'locked')
    })
  })

  describe('PUT and DESTROY', () => {
    const put = (credential: Credential, username: string, options = {}) =>
      requestPut(context, {
        servers: servers(),
        username,
        credential,
        storedSeconds: 100 * HOUR,
        lifetimeSeconds: 20 * HOUR,
        renewer: '*',
        random: systemRandom,
        ...options,
      })

    it('store a credential that the C client sees and that we can renew, and remove it', async () => {
      const { alice } = grid.users
      await put(alice.credential, 'ours', { credentialDescription: 'by us' })
      const seen = await grid.run('myproxy-info', ['-l', 'ours'], { as: alice })
      expect(seen.stdout).toContain('description: by us')
      expect(seen.stdout).toContain('renewal policy: *')
      expect(seen.stdout).toMatch(/timeleft: (99:59|100:00)/)

      const { credential } = await renew({ username: 'ours', lifetimeSeconds: 0 })
      const left = describeChain(credential.chain).effectiveEnd - realNow()
      expect(Math.abs(left - 20 * HOUR)).toBeLessThan(60)

      const destroy = () =>
        requestDestroy(context, {
          servers: servers(),
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
        requestDestroy(context, {
          servers: servers(),
          username: grid.users.alice.dn,
          credential: grid.users.eve.credential,
        }),
      )
      expect(remove.code).toBe('MYPROXY_NOT_OWNER')
    })
  })

  describe('reaching the server', () => {
    it('goes on from a dead first server to the second', async () => {
      const dead = { host: 'localhost', port: await deadPort() }
      const { server } = await renew({ servers: [dead, grid.server] })
      expect(server).toEqual(grid.server)
    })

    it('goes on from a dead first address of the server to the second', async () => {
      const dialer = dialerWithNames({ localhost: ['::1', '127.0.0.1'] })
      const { server } = await requestRenewal(
        { ...context, dialer },
        { servers: servers(), username: grid.users.alice.dn, lifetimeSeconds: 0, machine, current },
      )
      expect(server).toEqual(grid.server)
    })

    it('goes on after half a second from a first server that takes connections and is silent', async () => {
      const silent = await startTcpPeer(() => undefined)
      try {
        const begin = performance.now()
        const { server } = await requestRenewal(
          { ...context, connectMs: 500 },
          {
            servers: [{ host: 'localhost', port: silent.port }, grid.server],
            username: grid.users.alice.dn,
            lifetimeSeconds: 0,
            machine,
            current,
          },
        )
        expect(server).toEqual(grid.server)
        expect(performance.now() - begin).toBeLessThan(3000)
      } finally {
        await silent.stop()
      }
    })

    it('says so when the server trusts neither our CA nor says why', async () => {
      const stranger = new TestAuthority({ key: 'p256' }).issueHost('vobox.example.org')
      const failure = await rejectionOf(renew({ machine: stranger }))
      expect(failure.code).toBe('ALL_SERVERS_FAILED')
      const [attempt] = failure.data.attempts as { code: string; message: string }[]
      expect(attempt?.code).toBe('TLS_FAILED')
      expect(attempt?.message).toMatch(/our certificate/)
    })

    it.each(['TLSv1.2', 'TLSv1.3'] as const)(
      'says that our certificate has expired, with %s',
      async (tlsMaxVersion) => {
        const expired = grid.ca.issueHost('vobox.example.org', { notAfter: realNow() - HOUR })
        const failure = await rejectionOf(
          requestRenewal(
            { ...context, tlsMaxVersion },
            {
              servers: servers(),
              username: grid.users.alice.dn,
              lifetimeSeconds: 0,
              machine: expired,
              current,
            },
          ),
        )
        expect(failure.code).toBe('ALL_SERVERS_FAILED')
        const [attempt] = failure.data.attempts as { code: string; message: string }[]
        if (tlsMaxVersion === 'TLSv1.3' && attempt?.code === 'CONNECTION_CLOSED') {
          // The server speaks only after our request has left, and its alert may get lost.
          expect(failure.hint).toContain('the credential we presented')
          return
        }
        expect(attempt?.code).toBe('TLS_FAILED')
        expect(attempt?.message).toContain('our certificate, or the CRL of its CA, has expired')
      },
    )
  })
})

describeWithPrograms('a myproxy-server that presents a proxy', MYPROXY_PROGRAMS, () => {
  it('is validated by the rules of proxies and by its host’s name', async () => {
    const grid = await startRealGrid({
      serverCredential: ({ host }) => addProxy(host, { key: 'rsa2048', hours: 2 }),
    })
    try {
      const context = {
        ...myproxyContext(grid.ca, { connectMs: 5000, answerMs: 10_000 }),
        dialer: dialerWithNames({ localhost: ['127.0.0.1'] }),
      }
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

describeWithPrograms('a myproxy-server that takes nobody’s credentials', MYPROXY_PROGRAMS, () => {
  it('refuses to store one, and we say whom to ask', async () => {
    const grid = await startRealGrid({ policy: { accepted_credentials: '"/DC=org/CN=nobody"' } })
    try {
      const { alice } = grid.users
      const failure = await rejectionOf(
        requestPut(
          myproxyContext(grid.ca, {
            dialer: dialerWithNames({ localhost: ['127.0.0.1'] }),
            answerMs: 10_000,
          }),
          {
            servers: [grid.server],
            username: alice.dn,
            credential: alice.credential,
            storedSeconds: HOUR,
            lifetimeSeconds: HOUR,
            random: systemRandom,
          },
        ),
      )
      expect(failure.code).toBe('MYPROXY_NOT_AUTHORISED')
      expect(failure.data.reason).toBe('store')
      expect(failure.hint).toContain('accepted_credentials')
    } finally {
      await grid.stop()
    }
  })
})
