import { describe, expect, it } from 'vitest'
import { derOctetString, derSequence } from '../../../src/asn1/der.js'
import { OID } from '../../../src/asn1/oids.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import { PROXY_CERT_INFO_OID } from '../../../src/proxy/proxy-cert-info.js'
import { buildName } from '../../../src/x509/name.js'
import { failureOf } from '../../support/failure.js'
import { addProxies, addProxy, TestAuthority } from '../../support/pki.js'

const ca = new TestAuthority()
const alice = ca.issueUser('alice')
const identity = '/DC=org/DC=example/OU=Users/CN=alice'

describe('describeChain', () => {
  it('says of a bare user certificate that it is no proxy', () => {
    const facts = describeChain(alice.chain)
    expect(facts.identity.oneLine).toBe(identity)
    expect(facts.subject.oneLine).toBe(identity)
    expect(facts).toMatchObject({ kind: undefined, policy: undefined, limited: false, depth: 0 })
    expect(facts.endEntity).toBe(alice.chain[0])
  })

  it('finds the identity below 3 proxies, whatever their common names are', () => {
    const one = addProxy(alice, { commonName: 'proxy' })
    const two = addProxy(one, { commonName: 'limited proxy', pathLength: 4 })
    const three = addProxy(two, { commonName: '12345' })
    const facts = describeChain(three.chain)
    expect(facts.identity.oneLine).toBe(identity)
    expect(facts.subject.oneLine).toBe(`${identity}/CN=proxy/CN=limited proxy/CN=12345`)
    expect(facts).toMatchObject({ kind: 'rfc3820', policy: 'inherit-all', depth: 3 })
    expect(facts.proxies.map(({ pathLength }) => pathLength)).toEqual([undefined, 4, undefined])
    expect(facts.limited).toBe(false)
  })

  it('keeps a numeric common name that belongs to the user certificate itself', () => {
    const robot = ca.issueUser(
      buildName([
        ['DC', 'ch'],
        ['CN', 'robot'],
        ['CN', '760410'],
      ]),
    )
    const facts = describeChain(addProxy(robot).chain)
    expect(facts.identity.oneLine).toBe('/DC=ch/CN=robot/CN=760410')
    expect(facts.depth).toBe(1)
  })

  it.each([
    ['rfc3820', 'inherit-all', false],
    ['rfc3820', 'limited', true],
    ['rfc3820', 'independent', false],
    ['rfc3820', 'restricted', false],
    ['draft', 'inherit-all', false],
    ['draft', 'limited', true],
    ['legacy', 'inherit-all', false],
    ['legacy', 'limited', true],
  ] as const)('names a %s proxy with the policy %s', (kind, policy, limited) => {
    const facts = describeChain(addProxy(alice, { kind, policy }).chain)
    expect(facts).toMatchObject({ kind, policy, limited, depth: 1 })
    expect(facts.identity.oneLine).toBe(identity)
  })

  it.each(['rfc3820', 'draft', 'legacy'] as const)(
    'calls a full %s proxy limited when it stands below a limited one',
    (kind) => {
      const limited = addProxy(alice, { kind, policy: 'limited' })
      const facts = describeChain(addProxy(limited, { kind }).chain)
      expect(facts).toMatchObject({ limited: true, policy: 'limited', depth: 2 })
    },
  )

  it('takes the end of the certificate that ends first, wherever it stands', () => {
    const short = addProxy(alice, { now: 2_000_000_000, hours: 1 })
    const facts = describeChain(addProxy(short, { now: 2_000_000_000, hours: 5 }).chain)
    expect(facts.effectiveEnd).toBe(2_000_003_600)
    expect(facts.notBefore).toBe(2_000_000_000 - 300)
  })

  it('lists intermediate CAs apart from the proxies', () => {
    const middle = new TestAuthority({ name: buildName([['CN', 'Middle']]), parent: ca })
    const bob = middle.issueUser('bob')
    const facts = describeChain(addProxy(bob).chain)
    expect(facts.identity.oneLine).toBe('/DC=org/DC=example/OU=Users/CN=bob')
    expect(facts.authorities.map(({ subject }) => subject.oneLine)).toEqual(['/CN=Middle'])
  })

  it('does not take a user whom a CA named proxy for a proxy', () => {
    const middle = new TestAuthority({ name: buildName([['CN', 'Middle']]), parent: ca })
    const named = middle.issueUser(
      buildName([
        ['CN', 'Middle'],
        ['CN', 'proxy'],
      ]),
    )
    const facts = describeChain(named.chain)
    expect(facts.identity.oneLine).toBe('/CN=Middle/CN=proxy')
    expect(facts.depth).toBe(0)
  })

  it('refuses a legacy proxy that comes without its user certificate', () => {
    const [proxy] = addProxy(alice, { kind: 'legacy' }).chain
    const failure = failureOf(() => describeChain(proxy === undefined ? [] : [proxy]))
    expect(failure.code).toBe('CHAIN_BROKEN')
    expect(failure.data).toEqual({ depth: 1, subject: `${identity}/CN=proxy` })
  })

  it('refuses an empty chain', () => {
    expect(failureOf(() => describeChain([])).code).toBe('CHAIN_BROKEN')
  })

  it('refuses a certificate that claims to be a draft and an RFC 3820 proxy', () => {
    const info = addProxy(alice).chain[0]?.extension(PROXY_CERT_INFO_OID.rfc3820)
    const extensions = info === undefined ? [] : [{ ...info, oid: PROXY_CERT_INFO_OID.draft }]
    const failure = failureOf(() => describeChain(addProxy(alice, { extensions }).chain))
    expect(failure.code).toBe('PROXY_RULE_BROKEN')
    expect(failure.data.rule).toBe('two-kinds')
  })

  it('refuses a ProxyCertInfo that does not parse', () => {
    const proxyCertInfo = {
      oid: PROXY_CERT_INFO_OID.rfc3820,
      critical: true,
      value: derSequence(),
    }
    const proxy = addProxy(alice, { proxyCertInfo, commonName: '7' })
    const failure = failureOf(() => describeChain(proxy.chain))
    expect(failure.code).toBe('CERTIFICATE_MALFORMED')
    expect(failure.data).toEqual({ subject: `${identity}/CN=7` })
  })

  it('takes the attribute certificates of the outermost proxy that carries any', () => {
    const carrying = (text: string) => ({
      extensions: [
        {
          oid: OID.vomsAcSequence,
          critical: false,
          value: derSequence(derOctetString(Buffer.from(text))),
        },
      ],
    })
    const stored = addProxy(alice, carrying('inner'))
    const renewed = addProxy(stored, carrying('outer'))
    expect(describeChain(alice.chain).acBytes).toBeUndefined()
    expect(describeChain(addProxy(stored).chain).acBytes).toEqual(
      derSequence(derOctetString(Buffer.from('inner'))),
    )
    expect(describeChain(addProxies(renewed, 2).chain).acBytes).toEqual(
      derSequence(derOctetString(Buffer.from('outer'))),
    )
  })
})
