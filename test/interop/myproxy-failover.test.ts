/**
 * Servers that are dead in every way, before Debian's `myproxy-server` at the end of the list: what
 * was tried, in which order, and what is said of each.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Attempt, FailedAttempt } from '../../src/gsi/reach.js'
import {
  type MyProxyContext,
  requestChangePassPhrase,
  requestDestroy,
  requestInfo,
  requestPut,
  requestStore,
} from '../../src/myproxy/client.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { encodePem } from '../../src/x509/pem.js'
import { encodePrivateKey } from '../../src/x509/private-key.js'
import { type DeadServers, startDeadServers } from '../support/dead-servers.js'
import { rejectionOf } from '../support/failure.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS } from '../support/real-peers.js'
import { type RenewalGrid, startRenewalGrid } from '../support/renewal-grid.js'

/** In the order of the list: how far each came, and the sentence after its name. */
const DEAD = [
  ['closed', 'connect', 'CONNECTION_FAILED', /cannot connect to 127\.0\.0\.1:\d+: nothing listens/],
  ['blackhole', 'tls', 'DEADLINE_EXCEEDED', /took the connection and then said nothing: no TLS wi/],
  [
    'wrongname',
    'peer',
    'PEER_NAME_MISMATCH',
    /is not of wrongname\.example\.org but of other\.exa/,
  ],
  ['expired', 'peer', 'PEER_UNTRUSTED', /the certificate \S+=expired\.example\.org has expired$/],
  ['unknownca', 'peer', 'PEER_UNTRUSTED', /the CA .*CN=Unknown CA, .* is not known here$/],
  ['revoked', 'peer', 'PEER_UNTRUSTED', /the certificate \S+=revoked\.example\.org was revoked$/],
  ['revokedca', 'peer', 'PEER_UNTRUSTED', /the certificate \S+=Sub CA was revoked$/],
  ['servicename', 'exchange', 'CONNECTION_CLOSED', /cut the connection|closed the connection/],
  ['dies', 'exchange', 'CONNECTION_CLOSED', /closed the connection without an answer|cut the con/],
] as const

const nameOf = (server: string) => server.replace(/\..*/, '')

describeWithPrograms('dead servers before Debian’s myproxy-server', MYPROXY_PROGRAMS, () => {
  let renewals: RenewalGrid
  let peers: DeadServers
  beforeAll(async () => {
    renewals = await startRenewalGrid()
    const { grid } = renewals
    peers = await startDeadServers(grid.ca, grid.server.port, grid.directory)
  })
  afterAll(async () => {
    await peers?.stop()
    await renewals?.grid.stop()
  })

  const context = (): MyProxyContext => ({
    ...renewals.context,
    dialer: peers.dialer,
    anchors: () => peers.trust.current(),
    connectMs: 1000,
    answerMs: 20_000,
  })
  const owner = () => {
    const { alice } = renewals.grid.users
    return { username: alice.dn, credential: alice.credential }
  }
  const dead = (name: string) => {
    const found = peers.dead.find(({ host }) => nameOf(host) === name)
    if (found === undefined) throw new TypeError(`no ${name}`)
    return found
  }

  it('are tried in their order, nine of them, and the renewal comes from the tenth over IPv6', async () => {
    const attempts: Attempt[] = []
    const { server, credential } = await renewals.renew(
      { servers: [...peers.dead, peers.ipv6Only], onAttempt: (one) => attempts.push(one) },
      context(),
    )
    expect(server).toEqual(peers.ipv6Only)
    expect(credential.chain.length).toBeGreaterThan(1)
    expect(attempts.map((one) => [nameOf(one.server), one.phase, one.outcome, one.code])).toEqual([
      ...DEAD.map(([name, phase, code]) => [name, phase, 'failed', code]),
      [`${peers.ipv6Only.host}:${peers.ipv6Only.port}`, 'exchange', 'answered', undefined],
    ])
    for (const [at, [name, , , sentence]] of DEAD.entries()) {
      const label = `${name}.example.org:${dead(name).port} (127.0.0.1)`
      expect(attempts[at]?.sentence).toMatch(sentence)
      expect(attempts[at]?.sentence.startsWith(label)).toBe(true)
    }
    expect(attempts.at(-1)?.address).toBe('::1')
  })

  it('are all named when there is no other, each with its reason', async () => {
    const failure = await rejectionOf(renewals.renew({ servers: peers.dead }, context()))
    expect(failure.code).toBe('ALL_SERVERS_FAILED')
    expect(failure.persistence).toBe('transient')
    const attempts = failure.data.attempts as FailedAttempt[]
    expect(attempts.map(({ server, code }) => [nameOf(server), code])).toEqual(
      DEAD.map(([name, , code]) => [name, code]),
    )
    for (const { message } of attempts) expect(failure.message).toContain(message)
  })

  it.each(DEAD.slice(0, 7))(
    'leave a change undone where the first is %s: nothing was sent, and no other is asked',
    async (name, phase, code) => {
      const attempts: Attempt[] = []
      const failure = await rejectionOf(
        requestDestroy(context(), {
          ...owner(),
          servers: [dead(name), peers.ipv6Only],
          onAttempt: (one) => attempts.push(one),
        }),
      )
      const second = `localhost:${peers.ipv6Only.port}`
      expect(failure.code).toBe('ALL_SERVERS_FAILED')
      expect(failure.data).toMatchObject({ attempts: [{ code }], notAsked: [second] })
      expect(failure.message).toContain(`${second} was not asked: changes go to the first server`)
      expect(attempts.map((one) => [one.phase, one.outcome])).toEqual([
        [phase, 'failed'],
        ['name', 'left-out'],
      ])
    },
  )

  const changes = {
    PUT: (call: ReturnType<typeof change>) =>
      requestPut(context(), {
        ...call,
        storedSeconds: 3600,
        lifetimeSeconds: 3600,
        random: systemRandom,
      }),
    STORE: (call: ReturnType<typeof change>) => {
      const { chain, privateKey } = renewals.grid.users.alice.credential
      const certificatesPem = chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('')
      const stored = { certificatesPem, keyPem: encodePrivateKey(privateKey) }
      return requestStore(context(), { ...call, lifetimeSeconds: 3600, stored })
    },
    DESTROY: (call: ReturnType<typeof change>) => requestDestroy(context(), call),
    CHANGE_PASSPHRASE: (call: ReturnType<typeof change>) =>
      requestChangePassPhrase(context(), {
        ...call,
        passPhrase: 'as it was before',
        newPassPhrase: 'as it is to be',
      }),
  }
  const change = () => ({ ...owner(), servers: [dead('dies'), dead('dies'), peers.ipv6Only] })

  it.each(Object.keys(changes) as (keyof typeof changes)[])(
    'that die after the request leave open what became of %s, which is sent once',
    async (command) => {
      const before = peers.connections('dies')
      const failure = await rejectionOf(changes[command](change()))
      expect(failure).toMatchObject({
        code: 'OUTCOME_UNKNOWN',
        persistence: 'permanent',
        data: { peer: `dies.example.org:${dead('dies').port} (127.0.0.1)` },
      })
      expect(failure.message).toContain('may or may not have been done')
      expect(peers.connections('dies')).toBe(before + 1)
    },
  )

  it('have changed nothing on the server at the end of the list', async () => {
    const servers = [peers.ipv6Only]
    const { credentials } = await requestInfo(context(), { ...owner(), servers })
    expect(credentials).toHaveLength(1)
  })
})
