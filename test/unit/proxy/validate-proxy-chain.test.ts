import { describe, expect, it } from 'vitest'
import { derNull, derOctetString } from '../../../src/asn1/der.js'
import { OID } from '../../../src/asn1/oids.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import type { Credential } from '../../../src/proxy/credential.js'
import { encodeProxyCertInfo } from '../../../src/proxy/proxy-cert-info.js'
import {
  type ProxyChainOptions,
  validateProxyChain,
} from '../../../src/proxy/validate-proxy-chain.js'
import { buildName } from '../../../src/x509/name.js'
import {
  encodeBasicConstraints,
  encodeSubjectAltNames,
} from '../../../src/x509/sign-certificate.js'
import { failureOf } from '../../support/failure.js'
import {
  addProxies,
  addProxy,
  anchorsOf,
  type ProxyOptions,
  TestAuthority,
  testKey,
  VALID_UNTIL,
} from '../../support/pki.js'
import { withBrokenSignature, withCertificate } from '../../support/pki-broken.js'
import { HOUR } from '../../support/time.js'

const NOW = asUnixSeconds(Date.UTC(2026, 0, 1) / 1000)
const ca = new TestAuthority()
const anchors = anchorsOf(ca)
const alice = ca.issueUser('alice')
const bob = ca.issueUser('bob')
const aliceDn = '/DC=org/DC=example/OU=Users/CN=alice'

const proxyOf = (signer: Credential, options: ProxyOptions = {}) =>
  addProxy(signer, { now: NOW, commonName: '1', ...options })

const validate = ({ chain }: Credential, options: Partial<ProxyChainOptions> = {}) =>
  validateProxyChain(chain, anchors, {
    now: NOW,
    allowLegacyProxies: false,
    maxDelegationDepth: 10,
    ...options,
  })

const refusal = (credential: Credential, options: Partial<ProxyChainOptions> = {}) => {
  const { code, data } = failureOf(() => validate(credential, options))
  return { code, data }
}

describe('validateProxyChain accepts', () => {
  it('a bare user certificate at depth 0', () => {
    const { facts, anchor, effectiveEnd } = validate(alice)
    expect(facts.depth).toBe(0)
    expect(facts.identity.oneLine).toBe(aliceDn)
    expect(anchor).toBe(ca.certificate)
    expect(effectiveEnd).toBe(VALID_UNTIL)
  })

  it('3 proxies, ending with the one that ends first', () => {
    const one = proxyOf(alice, { hours: 48 })
    const two = proxyOf(one, { hours: 2 })
    const three = proxyOf(two, { hours: 12 })
    const { facts, effectiveEnd } = validate(three)
    expect(facts.depth).toBe(3)
    expect(facts.identity.oneLine).toBe(aliceDn)
    expect(effectiveEnd).toBe(NOW + 2 * HOUR)
  })

  it('a chain over an intermediate CA, in RSA and P-384', () => {
    const middle = new TestAuthority({ name: buildName([['CN', 'M']]), parent: ca, key: 'p384' })
    const carol = middle.issueUser('carol', { key: 'rsa2048' })
    expect(validate(proxyOf(carol, { key: 'rsa2048' })).facts.authorities).toHaveLength(1)
  })

  it('a chain with its root still in it', () => {
    const credential = { ...alice, chain: [...proxyOf(alice).chain, ca.certificate] }
    expect(validate(credential).anchor).toBe(ca.certificate)
  })

  it.each(['limited', 'independent'] as const)('a proxy with the policy %s', (policy) => {
    expect(validate(proxyOf(alice, { policy })).facts.policy).toBe(policy)
  })

  it('exactly as many proxies as a path length of 2 allows, and 10 by depth', () => {
    const first = proxyOf(alice, { pathLength: 2 })
    expect(validate(addProxies(first, 2, { now: NOW })).facts.depth).toBe(3)
    expect(validate(addProxies(alice, 10, { now: NOW })).facts.depth).toBe(10)
  })

  it.each(['legacy', 'draft'] as const)('a %s proxy when configured', (kind) => {
    const { facts } = validate(proxyOf(alice, { kind, commonName: 'proxy' }), {
      allowLegacyProxies: true,
    })
    expect(facts.kind).toBe(kind)
    expect(facts.identity.oneLine).toBe(aliceDn)
  })

  it('a proxy that starts 5 minutes from now, and not 1 second later', () => {
    expect(validate(proxyOf(alice, { notBefore: NOW + 300 })).facts.depth).toBe(1)
    expect(refusal(proxyOf(alice, { notBefore: NOW + 301 }))).toEqual({
      code: 'CHAIN_NOT_YET_VALID',
      data: { subject: `${aliceDn}/CN=1`, notBefore: NOW + 301 },
    })
  })

  it('a proxy in the second in which it ends, and not 1 second later', () => {
    expect(validate(proxyOf(alice, { notAfter: NOW })).effectiveEnd).toBe(NOW)
    expect(refusal(proxyOf(alice, { notAfter: NOW - 1 }))).toEqual({
      code: 'CHAIN_EXPIRED',
      data: { subject: `${aliceDn}/CN=1`, notAfter: NOW - 1 },
    })
  })
})

describe('validateProxyChain refuses by kind, depth and policy', () => {
  it.each(['legacy', 'draft'] as const)('a %s proxy, naming the kind', (kind) => {
    expect(refusal(proxyOf(alice, { kind, commonName: 'proxy' }))).toEqual({
      code: 'PROXY_KIND_REFUSED',
      data: { kind, subject: `${aliceDn}/CN=proxy` },
    })
  })

  it('an RFC 3820 proxy below a legacy one, as not of one kind even when configured', () => {
    const mixed = proxyOf(proxyOf(alice, { kind: 'legacy', commonName: 'proxy' }))
    expect(refusal(mixed).code).toBe('PROXY_KIND_REFUSED')
    expect(refusal(mixed, { allowLegacyProxies: true })).toEqual({
      code: 'PROXY_RULE_BROKEN',
      data: { rule: 'mixed-kinds', subject: `${aliceDn}/CN=proxy` },
    })
  })

  it('11 proxies where 10 are the limit', () => {
    const deep = addProxies(alice, 11, { now: NOW, commonName: '1' })
    expect(refusal(deep)).toMatchObject({ code: 'PROXY_TOO_DEEP', data: { depth: 11, limit: 10 } })
  })

  it('2 proxies below one that allows 1', () => {
    const first = proxyOf(alice, { pathLength: 1 })
    expect(refusal(addProxies(first, 2, { now: NOW }))).toEqual({
      code: 'PROXY_RULE_BROKEN',
      data: { rule: 'path-length', subject: `${aliceDn}/CN=1` },
    })
  })

  it('any proxy below one that allows 0, though the lower one claims to allow 5', () => {
    const machine = proxyOf(alice, { pathLength: 0 })
    expect(refusal(proxyOf(machine, { pathLength: 5 })).data.rule).toBe('path-length')
  })

  it('a policy language that nobody understands', () => {
    expect(refusal(proxyOf(alice, { policy: 'restricted' }))).toEqual({
      code: 'PROXY_RULE_BROKEN',
      data: { rule: 'policy-not-understood', subject: `${aliceDn}/CN=1` },
    })
  })

  it('an inherit-all proxy with a policy text', () => {
    const value = encodeProxyCertInfo({
      policyLanguage: OID.policyInheritAll,
      policy: Buffer.from('anything'),
    })
    const proxyCertInfo = { oid: OID.proxyCertInfo, critical: true, value }
    expect(refusal(proxyOf(alice, { proxyCertInfo })).data.rule).toBe('policy-with-content')
  })

  it('a ProxyCertInfo that is not critical', () => {
    const value = encodeProxyCertInfo({ policyLanguage: OID.policyInheritAll })
    const proxyCertInfo = { oid: OID.proxyCertInfo, critical: false, value }
    expect(refusal(proxyOf(alice, { proxyCertInfo })).data.rule).toBe('info-not-critical')
  })
})

describe('validateProxyChain refuses by name', () => {
  it('a proxy whose issuer is not its signer', () => {
    const issuer = bob.chain[0]?.subject
    const subject = buildName([['CN', 'x']])
    expect(refusal(proxyOf(alice, { subject, ...(issuer && { issuer }) }))).toEqual({
      code: 'PROXY_RULE_BROKEN',
      data: { rule: 'issuer-is-not-signer', subject: '/CN=x' },
    })
  })

  it.each([
    ['no common name more', [['CN', 'alice']]],
    [
      'two common names more',
      [
        ['CN', 'alice'],
        ['CN', '1'],
        ['CN', '2'],
      ],
    ],
    [
      'an organisational unit more',
      [
        ['CN', 'alice'],
        ['OU', '1'],
      ],
    ],
    ['another name altogether', [['CN', 'bob']]],
    [
      'a multi-valued part more',
      [
        ['CN', 'alice'],
        [
          ['CN', '1'],
          ['UID', '2'],
        ],
      ],
    ],
    [
      'the issuer in another encoding',
      [
        ['CN', 'alice', 't61'],
        ['CN', '1'],
      ],
    ],
  ] as const)('a proxy whose subject has %s', (_name, tail) => {
    const base = [
      ['DC', 'org'],
      ['DC', 'example'],
      ['OU', 'Users'],
    ] as const
    const subject = buildName([...base, ...tail])
    expect(refusal(proxyOf(alice, { subject })).data.rule).toBe('subject-is-not-one-name-more')
  })

  it('a proxy that has an alternative name', () => {
    const san = encodeSubjectAltNames({ dns: ['evil.example.org'] })
    const ian = { oid: OID.issuerAltName, critical: false, value: san.value }
    for (const extension of [san, ian]) {
      expect(refusal(proxyOf(alice, { extensions: [extension] }))).toEqual({
        code: 'PROXY_RULE_BROKEN',
        data: { rule: 'alternative-name', subject: `${aliceDn}/CN=1` },
      })
    }
  })

  it('a proxy signed by a user without a subject', () => {
    const nobody = ca.issueUser(buildName([]))
    expect(refusal(proxyOf(nobody)).data).toEqual({ rule: 'signer-has-no-name', subject: '' })
  })
})

describe('validateProxyChain refuses by signer', () => {
  it('a proxy signed by a CA', () => {
    const root = { privateKey: ca.privateKey, chain: [ca.certificate] }
    expect(refusal(proxyOf(root))).toEqual({
      code: 'PROXY_RULE_BROKEN',
      data: { rule: 'signer-is-ca', subject: ca.name.oneLine },
    })
  })

  it('a CA in the place of the user', () => {
    expect(refusal({ privateKey: ca.privateKey, chain: [ca.certificate] })).toEqual({
      code: 'CHAIN_BROKEN',
      data: { reason: 'end-entity-is-ca', subject: ca.name.oneLine },
    })
  })

  it.each([
    ['basic constraints', { extensions: [encodeBasicConstraints({ ca: true })] }],
    ['key usage', { keyUsage: ['digitalSignature', 'keyCertSign'] }],
  ] as const)('a proxy that claims to be a CA by its %s', (_name, options) => {
    expect(refusal(proxyOf(alice, options)).data.rule).toBe('proxy-is-ca')
  })

  it('a user certificate that a user signed', () => {
    const victim = addProxy(alice, {
      now: NOW,
      subject: buildName([['CN', 'victim']]),
      proxyCertInfo: null,
    })
    expect(refusal(victim)).toEqual({
      code: 'CHAIN_BROKEN',
      data: { reason: 'not-an-authority', subject: aliceDn },
    })
  })

  it('a user whose key usage has no digitalSignature', () => {
    const signer = ca.issueUser('dave', { keyUsage: ['keyEncipherment'] })
    expect(refusal(proxyOf(signer))).toEqual({
      code: 'KEY_USAGE_FORBIDS',
      data: {
        subject: '/DC=org/DC=example/OU=Users/CN=dave',
        keyUsage: ['keyEncipherment'],
        missing: 'digitalSignature',
      },
    })
  })

  it('a proxy whose key usage has no digitalSignature', () => {
    const proxy = proxyOf(alice, { keyUsage: ['keyEncipherment'] })
    expect(refusal(proxy)).toMatchObject({
      code: 'KEY_USAGE_FORBIDS',
      data: { subject: `${aliceDn}/CN=1` },
    })
    expect(validate(proxyOf(alice, { keyUsage: null })).facts.depth).toBe(1)
  })

  it('a critical extension that nobody understands', () => {
    const extension = { oid: '1.2.3.4', critical: true, value: derNull() }
    expect(refusal(proxyOf(alice, { extensions: [extension] }))).toEqual({
      code: 'EXTENSION_UNKNOWN_CRITICAL',
      data: { subject: `${aliceDn}/CN=1`, oid: '1.2.3.4' },
    })
    const harmless = { ...extension, critical: false, value: derOctetString(new Uint8Array(3)) }
    expect(validate(proxyOf(alice, { extensions: [harmless] })).facts.depth).toBe(1)
  })
})

describe('validateProxyChain refuses by signature and trust', () => {
  it.each([0, 1, 2])('a broken signature at step %i of 2 proxies and their user', (step) => {
    const chain = proxyOf(proxyOf(alice))
    const certificate = chain.chain[step]
    if (certificate === undefined) throw new Error('the chain is too short')
    const broken = withCertificate(chain, step, withBrokenSignature(certificate))
    const { code, data } = refusal(broken)
    expect(code).toBe('SIGNATURE_INVALID')
    expect(data.subject).toBe(certificate.subject.oneLine)
  })

  it('a proxy for alice that bob signed', () => {
    expect(refusal(proxyOf(alice, { signWith: bob.privateKey })).code).toBe('SIGNATURE_INVALID')
  })

  it('a longer-lived forgery with the same DN from an unknown CA of the same name', () => {
    const forger = new TestAuthority()
    const forged = proxyOf(forger.issueUser('alice'), { hours: 1000 })
    expect(refusal(forged).code).toBe('SIGNATURE_INVALID')
  })

  it('a chain of a CA that is not known', () => {
    const other = new TestAuthority({ name: buildName([['CN', 'Other CA']]) })
    expect(refusal(proxyOf(other.issueUser('alice')))).toEqual({
      code: 'CHAIN_UNTRUSTED',
      data: { subject: aliceDn, issuer: '/CN=Other CA' },
    })
  })

  it('an expired user certificate below a living proxy', () => {
    const old = ca.issueUser('old', { notAfter: NOW - 1 })
    expect(refusal(proxyOf(old)).code).toBe('CHAIN_EXPIRED')
  })

  it('a certificate that stands in the chain twice', () => {
    const middle = new TestAuthority({ name: buildName([['CN', 'M']]), parent: ca })
    const proxy = proxyOf(middle.issueUser('carol'))
    const doubled = { ...proxy, chain: [...proxy.chain, ...middle.chain] }
    expect(refusal(doubled)).toMatchObject({ code: 'CHAIN_BROKEN', data: { reason: 'duplicate' } })
  })

  it('half a chain, without the user certificate', () => {
    const proxy = proxyOf(alice)
    expect(refusal({ ...proxy, chain: proxy.chain.slice(0, 1) }).code).toBe('CHAIN_BROKEN')
  })

  it('an RSA key of 512 bits at the leaf', () => {
    // The smallest key that OpenSSL still makes; the limit of 1024 is the path's.
    const weak = proxyOf(alice, { key: testKey('rsa512') })
    expect(refusal(weak)).toMatchObject({ code: 'KEY_TOO_WEAK', data: { keyBits: 512 } })
  })
})

describe('validateProxyChain by purpose', () => {
  const server = ca.issueHost('server.example.org', { extendedKeyUsage: [OID.serverAuth] })
  const client = ca.issueHost('client.example.org', { extendedKeyUsage: [OID.clientAuth] })
  const anything = ca.issueHost('any.example.org', { extendedKeyUsage: [OID.anyExtendedKeyUsage] })
  const unsaid = ca.issueHost('unsaid.example.org', { extendedKeyUsage: null })

  it.each([
    ['server', server, true],
    ['client', server, false],
    ['server', client, false],
    ['client', client, true],
    ['server', anything, true],
    ['client', anything, true],
    ['server', unsaid, true],
    ['client', unsaid, true],
  ] as const)('as a %s (row %#)', (purpose, host, allowed) => {
    for (const credential of [host, proxyOf(host)]) {
      if (allowed) expect(validate(credential, { purpose }).anchor).toBe(ca.certificate)
      else expect(refusal(credential, { purpose }).code).toBe('KEY_USAGE_FORBIDS')
      expect(validate(credential).anchor).toBe(ca.certificate)
    }
  })

  it('takes a server that only deciphers keys, and no such client', () => {
    const host = ca.issueHost('old.example.org', { keyUsage: ['keyEncipherment'] })
    expect(validate(host, { purpose: 'server' }).facts.depth).toBe(0)
    expect(refusal(host, { purpose: 'client' })).toMatchObject({
      code: 'KEY_USAGE_FORBIDS',
      data: { purpose: 'client', missing: 'digitalSignature' },
    })
  })
})
