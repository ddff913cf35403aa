/** How our client finds a living server among dead ones, with Debian's `myproxy-server` at the end. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { rejectionOf } from '../support/failure.js'
import { dialerWithNames } from '../support/myproxy-context.js'
import { realNow, TestAuthority } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid } from '../support/real-peers.js'
import { type RenewalGrid, startRenewalGrid } from '../support/renewal-grid.js'
import { deadPort, startTcpPeer } from '../support/scripted-peer.js'

describeWithPrograms('reaching Debian’s myproxy-server', MYPROXY_PROGRAMS, () => {
  let renewals: RenewalGrid
  let grid: RealGrid
  beforeAll(async () => {
    renewals = await startRenewalGrid()
    grid = renewals.grid
  })
  afterAll(() => renewals?.grid.stop())

  it('goes on from a dead first server to the second', async () => {
    const dead = { host: 'localhost', port: await deadPort() }
    const { server } = await renewals.renew({ servers: [dead, grid.server] })
    expect(server).toEqual(grid.server)
  })

  it('goes on from a dead first address of the server to the second', async () => {
    const dialer = dialerWithNames({ localhost: ['::1', '127.0.0.1'] })
    const { server } = await renewals.renew({ lifetimeSeconds: 0 }, { dialer })
    expect(server).toEqual(grid.server)
  })

  it('goes on after its deadline of 3 s from a first server that takes connections and is silent', async () => {
    const silent = await startTcpPeer(() => undefined)
    try {
      const { server } = await renewals.renew(
        { servers: [{ host: 'localhost', port: silent.port }, grid.server] },
        { connectMs: 3000 },
      )
      expect(server).toEqual(grid.server)
    } finally {
      await silent.stop()
    }
  })

  it('says so when the server trusts neither our CA nor says why', async () => {
    const stranger = new TestAuthority({ key: 'p256' }).issueHost('vobox.example.org')
    const failure = await rejectionOf(renewals.renew({ machine: stranger }))
    expect(failure.code).toBe('ALL_SERVERS_FAILED')
    const [attempt] = failure.data.attempts as { code: string; message: string }[]
    expect(attempt?.code).toBe('TLS_FAILED')
    expect(attempt?.message).toMatch(/our certificate/)
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'says that our certificate has expired, with %s',
    async (tlsMaxVersion) => {
      const expired = grid.ca.issueHost('vobox.example.org', { notAfter: realNow() - 3600 })
      const failure = await rejectionOf(renewals.renew({ machine: expired }, { tlsMaxVersion }))
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
