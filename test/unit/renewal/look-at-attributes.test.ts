import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import type { Credential } from '../../../src/proxy/credential.js'
import {
  type AttributeJudge,
  lookAtAttributes,
} from '../../../src/renewal/query/look-at-attributes.js'
import { reportInnerAttributes } from '../../../src/voms/attribute-report.js'
import { addAttributes, TestVoms, vomsTrustOf } from '../../support/ac.js'
import { addProxy, anchorsOf, realNow, TestAuthority } from '../../support/pki.js'
import { HOUR } from '../../support/time.js'

const ca = new TestAuthority()
const anna = ca.issueUser('anna')
const dn = anna.chain[0]?.subject.oneLine
const alice = new TestVoms(ca)
const bob = new TestVoms(ca, { vo: 'bob' })
const now = realNow()

const judge: AttributeJudge = {
  anchorsFor: async () => anchorsOf(ca),
  vomsTrust: async () => vomsTrustOf(alice),
  host: 'box.example.org',
  allowLegacyProxies: false,
  maxDelegationDepth: 10,
}

const look = (credential: Credential, changes: Partial<AttributeJudge> = {}) =>
  lookAtAttributes(describeChain(credential.chain), { ...judge, ...changes }, now)

describe('attributes that somebody looks at', () => {
  it('are described with whom they are of, how long they live, and what vouches for them', async () => {
    const proxy = alice.addProxyTo(anna, {
      now,
      hours: 12,
      targets: ['box.example.org'],
      genericAttributes: [['nickname', 'an\u001b[2Jna', 'alice']],
    })
    expect(await look(proxy)).toEqual([
      {
        vo: 'alice',
        holder: dn,
        issuer: alice.certificate.subject.oneLine,
        uri: 'voms.alice.example.org:15000',
        serial: '1267',
        fqans: ['/alice/Role=lcgadmin', '/alice'],
        fqansAsWritten: [
          '/alice/Role=lcgadmin/Capability=NULL',
          '/alice/Role=NULL/Capability=NULL',
        ],
        genericAttributes: [{ name: 'nickname', value: 'an [2Jna', qualifier: 'alice' }],
        targets: ['box.example.org'],
        notBefore: now,
        notAfter: now + 12 * HOUR,
        secondsLeft: 12 * HOUR,
        verified: true,
        verifiedBy: 'lsc',
        problem: null,
      },
    ])
  })

  it('are judged one by one: of 2 VOs, the one that nothing vouches for is not believed', async () => {
    const proxy = addAttributes(anna, [alice.grant(anna), bob.grant(anna)])
    const [first, second] = await look(proxy)
    expect(first).toMatchObject({ vo: 'alice', verified: true })
    expect(second).toMatchObject({
      vo: 'bob',
      verified: false,
      verifiedBy: null,
      problem: { code: 'VOMS_TRUST_MISSING' },
    })
  })

  it('are nobody’s under a chain that is not valid', async () => {
    const stranger = new TestAuthority().issueUser('anna')
    const [report] = await look(alice.addProxyTo(stranger))
    expect(report).toMatchObject({
      fqans: ['/alice/Role=lcgadmin', '/alice'],
      verified: false,
      problem: {
        code: 'SIGNATURE_INVALID',
        message: expect.stringMatching(/^the proxy is not valid: /),
      },
    })
  })

  it('are not believed where the CAs cannot be read', async () => {
    const unreadable = new VoboxError('TRUST_ANCHORS_UNREADABLE', 'no directory')
    const [report] = await look(alice.addProxyTo(anna), {
      anchorsFor: () => Promise.reject(unreadable),
    })
    expect(report?.problem).toMatchObject({ code: unreadable.code, message: 'no directory' })
  })

  it('may be unreadable, and then say so and nothing else', async () => {
    const [report] = await look(addAttributes(anna, [Buffer.from('300102', 'hex')]))
    expect(report).toMatchObject({ vo: null, fqans: [], secondsLeft: 0, verified: false })
    expect(report?.problem?.code).toBe('VOMS_AC_MALFORMED')
    const broken = { oid: '1.3.6.1.4.1.8005.100.100.5', critical: false, value: Buffer.from('05') }
    const [whole] = await look(addProxy(anna, { extensions: [broken] }))
    expect(whole).toMatchObject({ vo: null, problem: { code: 'VOMS_AC_MALFORMED' } })
  })

  it('are none of a plain proxy, for which nothing is read', async () => {
    const never = () => Promise.reject(new Error('nothing to judge'))
    expect(await look(addProxy(anna), { anchorsFor: never, vomsTrust: never })).toEqual([])
  })

  it('ask for the anchors of the chain and of the server', async () => {
    const asked: string[] = []
    await look(alice.addProxyTo(anna), {
      anchorsFor: async (certificates) => {
        asked.push(...certificates.map(({ subject }) => subject.oneLine))
        return anchorsOf(ca)
      },
    })
    expect(asked.slice(1)).toEqual([dn, alice.certificate.subject.oneLine])
  })
})

describe('attributes further inside', () => {
  it('are named with the proxy that carries them, nearest first', () => {
    const inner = alice.addProxyTo(anna, { now, hours: 1, proxy: { commonName: '1' } })
    const broken = addAttributes(inner, [Buffer.from('300102', 'hex')], { commonName: '2' })
    const outer = bob.addProxyTo(broken, { holder: describeChain(anna.chain).endEntity })
    const facts = describeChain(outer.chain)
    expect(reportInnerAttributes(facts, asUnixSeconds(now + 2 * HOUR))).toEqual([
      { proxy: `${dn}/CN=1/CN=2`, vo: null, fqans: [], notAfter: null, secondsLeft: 0 },
      {
        proxy: `${dn}/CN=1`,
        vo: 'alice',
        fqans: ['/alice/Role=lcgadmin', '/alice'],
        notAfter: now + HOUR,
        secondsLeft: 0,
      },
    ])
  })
})
