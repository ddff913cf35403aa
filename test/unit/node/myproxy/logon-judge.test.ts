import { describe, expect, it } from 'vitest'
import { OID } from '../../../../src/asn1/oids.js'
import { judgeLogon, type LogonRules } from '../../../../src/node/myproxy/logon-judge.js'
import { asUnixSeconds } from '../../../../src/ports/clock.js'
import { describeChain } from '../../../../src/proxy/chain-facts.js'
import type { Credential } from '../../../../src/proxy/credential.js'
import { failureOf } from '../../../support/failure.js'
import { addProxies, addProxy, anchorsOf, realNow, TestAuthority } from '../../../support/pki.js'

const ca = new TestAuthority()
const alice = ca.issueUser('alice')
const eve = ca.issueUser('eve')

const judge = ({ chain }: Credential, changes: Partial<LogonRules> = {}) =>
  judgeLogon(chain, {
    anchors: anchorsOf(ca),
    now: realNow(),
    allowLegacyProxies: false,
    maxDelegationDepth: 10,
    askedSeconds: 43_200,
    ...changes,
  })

const factsOf = ({ chain }: Credential) => describeChain(chain)
const stored = addProxy(alice, { hours: 168 })
const fresh = addProxy(stored, { hours: 12 })

describe('judgeLogon', () => {
  it('takes a proxy of 12 hours below a stored one, without a word', () => {
    const { facts, end, warnings } = judge(fresh)
    expect([facts.identity.oneLine, facts.depth, warnings]).toEqual([
      '/DC=org/DC=example/OU=Users/CN=alice',
      2,
      [],
    ])
    expect(end).toBe(fresh.chain[0]?.notAfter)
  })

  it('takes a bare certificate, as a server that is a CA gives it', () => {
    expect(judge(alice, { askedSeconds: 0 }).warnings).toEqual([])
  })

  it.each<[string, Credential, Partial<LogonRules>, string]>([
    ['a chain of a CA that nobody here knows', fresh, { anchors: anchorsOf() }, 'CHAIN_UNTRUSTED'],
    [
      'a chain of a CA of the same name and another key',
      fresh,
      { anchors: anchorsOf(new TestAuthority({ key: 'p384' })) },
      'SIGNATURE_INVALID',
    ],
    ['a proxy that has ended', addProxy(stored, { hours: -1 }), {}, 'CHAIN_EXPIRED'],
    ['a legacy proxy', addProxy(alice, { kind: 'legacy' }), {}, 'PROXY_KIND_REFUSED'],
    ['eleven delegations', addProxies(alice, 11), {}, 'PROXY_TOO_DEEP'],
    [
      'another identity than is renewed',
      addProxy(eve),
      { identity: factsOf(alice).identity },
      'RENEWED_IDENTITY_DIFFERS',
    ],
    [
      'a limited proxy for a full one',
      addProxy(alice, { policy: 'limited' }),
      { current: factsOf(fresh) },
      'RENEWED_LIMITED',
    ],
  ])('refuses %s', (_what, credential, changes, code) => {
    expect(failureOf(() => judge(credential, changes)).code).toBe(code)
  })

  it('does not tell somebody to trust another CA because a server sent a forgery', () => {
    const { hint } = failureOf(() =>
      judge(fresh, { anchors: anchorsOf(new TestAuthority({ key: 'p384' })) }),
    )
    expect(hint).toMatch(/^ask the manager of the MyProxy server/)
  })

  it('accepts a limited proxy for a limited one, and says so', () => {
    const limited = addProxy(alice, { policy: 'limited' })
    const { warnings } = judge(limited, { current: factsOf(limited) })
    expect(warnings.map(({ code }) => code)).toEqual(['limited-proxy'])
  })

  it('says that 12 hours came of 48', () => {
    const { warnings } = judge(fresh, { askedSeconds: 172_800 })
    expect(warnings).toMatchObject([
      { code: 'short-grant', message: expect.stringContaining('48 h were asked for') },
    ])
  })

  it('says nothing of as much as there is, which is what 0 asks for', () => {
    expect(judge(addProxy(stored, { hours: 1 }), { askedSeconds: 0 }).warnings).toEqual([])
  })

  it('says that the credential was stored with attributes', () => {
    const value = Uint8Array.of(0x30, 0)
    const extensions = [{ oid: OID.vomsAcSequence, critical: false, value }]
    const { warnings } = judge(addProxy(addProxy(alice, { extensions }), { hours: 12 }))
    expect(warnings.map(({ code }) => code)).toEqual(['stored-with-attributes'])
  })

  it('says that the user certificate ends in 10 days', () => {
    const soon = ca.issueUser('soon', { notAfter: realNow() + 10 * 86_400 })
    const { warnings } = judge(addProxy(addProxy(soon), { hours: 12 }))
    expect(warnings.map(({ code }) => code)).toEqual(['certificate-ends-soon'])
  })

  it('judges at the instant it is given', () => {
    const later = asUnixSeconds(realNow() + 86_400)
    expect(failureOf(() => judge(fresh, { now: later })).code).toBe('CHAIN_EXPIRED')
  })
})
