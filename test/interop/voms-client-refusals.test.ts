/** Every refusal of Debian's VOMS server that we know of, watched, with its words and the cure. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/errors.js'
import type { Credential } from '../../src/proxy/credential.js'
import { parseAttributeRequest } from '../../src/voms/attribute-request.js'
import { type DressCall, dressProxy } from '../../src/voms/dress-proxy.js'
import { rejectionOf } from '../support/failure.js'
import { addProxy, realNow, TestAuthority, userName } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { type RealVoms, startRealVoms, VOMS_PROGRAMS } from '../support/real-voms.js'
import { realVomsContext } from '../support/real-voms-context.js'

describeWithPrograms(
  "refusals of Debian's VOMS server",
  [...MYPROXY_PROGRAMS, ...VOMS_PROGRAMS],
  () => {
    let grid: RealGrid
    let voms: RealVoms
    const proxies = {} as Record<'alice' | 'eve', Credential>

    beforeAll(async () => {
      grid = await startRealGrid()
      voms = await startRealVoms(grid)
      for (const name of ['alice', 'eve'] as const) {
        proxies[name] = addProxy(grid.users[name].credential, { key: 'rsa2048' })
      }
    })
    afterAll(async () => {
      await voms?.stop()
      await grid?.stop()
    })
    afterEach(async () => {
      await voms.suspend('alice', undefined)
    })

    const dress = (requests: readonly string[], call: Partial<DressCall> = {}) =>
      dressProxy(realVomsContext(grid, voms), {
        credential: proxies.alice,
        requests: requests.map(parseAttributeRequest),
        lifetimeSeconds: 43_200,
        ...call,
      })

    it.each<[string, keyof typeof proxies, string, ErrorCode, string, RegExp]>([
      [
        'somebody who is no member',
        'eve',
        'alice',
        'VOMS_NO_SUCH_USER',
        'alice: User unknown to this VO.',
        /Join the VO, or add the DN .*CN=eve/,
      ],
      [
        'a role that the user does not have',
        'alice',
        'alice:/alice/Role=production',
        'VOMS_ATTRIBUTE_NOT_GRANTED',
        'alice: Unable to satisfy B/alice:production request!',
        /Ask the administrators of the VO/,
      ],
      [
        'a role that does not exist',
        'alice',
        'alice:/alice/Role=nosuch',
        'VOMS_ATTRIBUTE_NOT_GRANTED',
        'alice: Unable to satisfy B/alice:nosuch request!',
        /Ask the administrators of the VO/,
      ],
      [
        'a group that the user is not in',
        'alice',
        'alice:/alice/other',
        'VOMS_ATTRIBUTE_NOT_GRANTED',
        'alice: Unable to satisfy G/alice/other request!',
        /Ask the administrators of the VO/,
      ],
    ])('%s', async (_what, who, request, code, text, cure) => {
      const failure = await rejectionOf(dress([request], { credential: proxies[who] }))
      expect([failure.code, failure.persistence]).toEqual([code, 'permanent'])
      expect(failure.data.serverText).toBe(text)
      expect(failure.message).toContain(`"${text}"`)
      expect(failure.message).toContain(`localhost:${voms.ports.alice}`)
      expect(failure.hint).toMatch(cure)
    })

    it('a VO that no vomses file names', async () => {
      const failure = await rejectionOf(dress(['carol']))
      expect(failure.code).toBe('VOMS_VO_UNKNOWN')
      expect(failure.message).toContain(`looked in ${voms.vomses}`)
      expect(failure.data.known).toEqual(['alice', 'bob.example.org'])
    })

    it.each([
      ['he left', 'suspended', /Ask the administrators of the VO why/],
      ['AUP not signed', 'aup-not-signed', /Sign the AUP on the web page of the VO/],
      ['Your membership has expired', 'membership-expired', /extend it/],
    ])('a suspended user ("%s")', async (reason, expected, cure) => {
      await voms.suspend('alice', reason)
      const failure = await rejectionOf(dress(['alice:/alice/Role=lcgadmin']))
      expect([failure.code, failure.data.reason]).toEqual(['VOMS_USER_SUSPENDED', expected])
      expect(failure.data.serverCode).toBe('1004')
      expect(failure.message).toContain(`User is currently suspended! Suspension reason: ${reason}`)
      expect(failure.hint).toMatch(cure)
    })

    it('a role that was taken away; the others are there with allowPartial, until it is back', async () => {
      const wanted = ['alice:/alice/Role=lcgadmin', 'alice:/alice/team']
      await voms.revoke('alice', '/alice', 'lcgadmin')
      try {
        expect((await rejectionOf(dress(wanted))).code).toBe('VOMS_ATTRIBUTE_NOT_GRANTED')
        const { missing, warnings } = await dress(wanted, { allowPartial: true })
        expect(missing).toEqual([parseAttributeRequest('alice:/alice/Role=lcgadmin')])
        expect(warnings[0]?.message).toContain('Unable to satisfy B/alice:lcgadmin request!')
      } finally {
        await voms.grant('alice', '/alice', 'lcgadmin')
      }
      expect((await dress(wanted)).missing).toEqual([])
    })

    it('a user of a CA that the server does not trust', async () => {
      const stranger = new TestAuthority({ key: 'rsa2048', name: userName('Unknown CA') })
      const credential = addProxy(stranger.issueUser('alice', { key: 'rsa2048' }), {
        key: 'rsa2048',
      })
      const failure = await rejectionOf(dress(['alice'], { credential }))
      expect(failure.code).toBe('VOMS_SERVERS_FAILED')
      expect(failure.message).toMatch(
        /does not trust the CA|closed the connection|refused our cert/,
      )
    })

    it('a user certificate that has expired', async () => {
      const now = realNow()
      const user = grid.ca.issueUser('expired', { key: 'rsa2048', notAfter: now - 3600 })
      const credential = addProxy(user, { key: 'rsa2048' })
      const failure = await rejectionOf(dress(['alice'], { credential }))
      expect(failure.code).toBe('VOMS_SERVERS_FAILED')
      expect(failure.message).toMatch(/has expired/)
    })

    it('nobody there: told from a refusal, and worth another try', async () => {
      await voms.stopServer('alice')
      try {
        const failure = await rejectionOf(dress(['alice']))
        expect([failure.code, failure.persistence]).toEqual(['VOMS_SERVERS_FAILED', 'transient'])
        expect(failure.data.attempts).toMatchObject([{ code: 'CONNECTION_FAILED' }])
      } finally {
        await voms.startServer('alice')
      }
      expect((await dress(['alice'])).certificates).toHaveLength(1)
    })
  },
)
