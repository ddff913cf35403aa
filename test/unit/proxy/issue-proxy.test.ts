import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { derOctetString } from '../../../src/asn1/der.js'
import { OID } from '../../../src/asn1/oids.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import type { Random } from '../../../src/ports/random.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import type { Credential } from '../../../src/proxy/credential.js'
import { issueProxy, type ProxyRequest } from '../../../src/proxy/issue-proxy.js'
import { validateProxyChain } from '../../../src/proxy/validate-proxy-chain.js'
import { isSignedBy } from '../../../src/x509/certificate.js'
import { buildName, type Name } from '../../../src/x509/name.js'
import { failureOf } from '../../support/failure.js'
import {
  addProxies,
  addProxy,
  anchorsOf,
  type ProxyOptions,
  TestAuthority,
  testKey,
  VALID_FROM,
} from '../../support/pki.js'
import { DAY, HOUR } from '../../support/time.js'

const NOW = asUnixSeconds(Date.UTC(2026, 0, 1) / 1000)
const ca = new TestAuthority()
const alice = ca.issueUser('alice')
const aliceDn = '/DC=org/DC=example/OU=Users/CN=alice'

/** Always the same bytes. */
const bytesOf = (hex: string): Random => ({
  bytes: (length) => Buffer.from(hex.padEnd(length * 2, '0').slice(0, length * 2), 'hex'),
  fraction: () => 0,
})

const curveKey = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey

const issue = (signer: Credential, options: Partial<ProxyRequest> = {}): Credential => {
  const privateKey: KeyObject = testKey()
  const leaf = issueProxy({
    signer,
    publicKey: createPublicKey(privateKey),
    notAfter: asUnixSeconds(NOW + 12 * HOUR),
    now: NOW,
    random: bytesOf('0123456789abcdef'),
    ...options,
  })
  return { privateKey, chain: [leaf, ...signer.chain] }
}

const leafOf = ({ chain: [leaf] }: Credential) => {
  if (leaf === undefined) throw new Error('a credential has a leaf')
  return leaf
}

const proxyOf = (signer: Credential, options: ProxyOptions = {}) =>
  addProxy(signer, { now: NOW, commonName: '1', ...options })

const validate = (credential: Credential) =>
  validateProxyChain(credential.chain, anchorsOf(ca), {
    now: NOW,
    allowLegacyProxies: false,
    maxDelegationDepth: 10,
  })

describe('issueProxy', () => {
  it('makes a proxy that our own validation accepts, for 12 hours from now', () => {
    const { facts, effectiveEnd } = validate(issue(alice))
    expect(facts).toMatchObject({ kind: 'rfc3820', policy: 'inherit-all', depth: 1 })
    expect(facts.notBefore).toBe(NOW - 300)
    expect(effectiveEnd).toBe(NOW + 12 * HOUR)
  })

  it('writes the serial number in decimal as the common name', () => {
    const leaf = leafOf(issue(alice))
    expect(leaf.serialHex).toBe('0123456789abcdef'.slice(1).padStart(16, '0'))
    expect(leaf.subject.oneLine).toBe(`${aliceDn}/CN=81985529216486895`)
  })

  it.each([
    ['ffffffffffffffff', '7fffffffffffffff', '9223372036854775807'],
    ['0000000000000000', '01', '1'],
    ['8000000000000000', '01', '1'],
  ])('keeps the serial number of random %s positive: %s', (random, serialHex, commonName) => {
    const leaf = leafOf(issue(alice, { random: bytesOf(random) }))
    expect(leaf.serialHex).toBe(serialHex)
    expect(leaf.subject.oneLine).toBe(`${aliceDn}/CN=${commonName}`)
  })

  it('never outlives what stands above it', () => {
    const short = proxyOf(alice, { hours: 2 })
    expect(leafOf(issue(short)).notAfter).toBe(NOW + 2 * HOUR)
    const living = ca.issueUser('short', { notAfter: NOW + HOUR })
    expect(leafOf(issue(proxyOf(living))).notAfter).toBe(NOW + HOUR)
  })

  it('starts 5 minutes ago, and not before its signer', () => {
    expect(leafOf(issue(alice)).notBefore).toBe(NOW - 300)
    const fresh = proxyOf(alice, { notBefore: NOW - 60 })
    expect(leafOf(issue(fresh)).notBefore).toBe(NOW - 60)
    expect(VALID_FROM).toBeLessThan(NOW - 300)
  })

  it('puts a subject key identifier in, and names its signer by key where that has one', () => {
    const leaf = leafOf(issue(alice))
    expect(leaf.subjectKeyId).toHaveLength(20)
    expect(leaf.authorityKeyId).toEqual(alice.chain[0]?.subjectKeyId)
    const plain = ca.issueUser('plain', { withoutKeyIdentifier: true })
    expect(leafOf(issue(plain)).authorityKeyId).toBeUndefined()
  })

  it.each([
    ['an RSA key', 'rsa2048', undefined, ['digitalSignature', 'keyEncipherment']],
    ['an EC key', 'p256', undefined, ['digitalSignature']],
    [
      'an RSA key below a signer that may only sign',
      'rsa2048',
      ['digitalSignature'],
      ['digitalSignature'],
    ],
    [
      'an RSA key below a signer without key usage',
      'rsa2048',
      null,
      ['digitalSignature', 'keyEncipherment'],
    ],
  ] as const)(
    'gives %s the key usage it can use and its signer has',
    (_name, kind, usage, expected) => {
      const signer = ca.issueUser('carol', {
        key: testKey('rsa2048', 'carol'),
        ...(usage === undefined ? {} : { keyUsage: usage }),
      })
      const publicKey = createPublicKey(testKey(kind, 'proxy'))
      const leaf = leafOf(issue(signer, { publicKey }))
      expect([...(leaf.keyUsage ?? [])]).toEqual(expected)
      expect(leaf.extension(OID.keyUsage)?.critical).toBe(true)
    },
  )

  it('signs with SHA-256 and SHA-384 by the signer and its curve', () => {
    const names = (['rsa2048', 'p256', 'p384'] as const).map((kind) => {
      const signer = ca.issueUser(kind, { key: kind })
      const leaf = leafOf(issue(signer))
      expect(isSignedBy(leaf, leafOf(signer).publicKey)).toBe(true)
      return leaf.signatureAlgorithm.name
    })
    expect(names).toEqual(['sha256WithRSAEncryption', 'ecdsa-with-SHA256', 'ecdsa-with-SHA384'])
  })

  it('writes policy and path length, and they hold', () => {
    const [step] = describeChain(issue(alice, { policy: 'limited', pathLength: 0 }).chain).proxies
    expect(step).toMatchObject({ kind: 'rfc3820', policy: 'limited', pathLength: 0 })
    expect(describeChain(issue(alice, { policy: 'independent' }).chain).policy).toBe('independent')
  })

  it('makes a limited proxy of a limited signer, whatever is asked', () => {
    const limited = proxyOf(alice, { policy: 'limited' })
    for (const policy of ['inherit-all', 'limited', undefined] as const) {
      const [step] = describeChain(issue(limited, { policy }).chain).proxies
      expect(step?.policy).toBe('limited')
    }
    const failure = failureOf(() => issue(limited, { policy: 'independent' }))
    expect(failure).toMatchObject({ code: 'PROXY_LIMITED', data: { policy: 'independent' } })
  })

  it('embeds further extensions as they are, and none that it sets itself', () => {
    const value = derOctetString(Buffer.from('opaque'))
    const extension = { oid: OID.vomsAcSequence, critical: false, value }
    expect(leafOf(issue(alice, { extensions: [extension] })).extensions).toContainEqual(extension)
    const forbidden = { ...extension, oid: OID.subjectAltName }
    expect(() => issue(alice, { extensions: [forbidden] })).toThrow(TypeError)
  })

  const names: readonly [string, Name][] = [
    [
      'UTF-8',
      buildName([
        ['O', 'Università'],
        ['CN', 'Zoë Ångström'],
      ]),
    ],
    [
      'T61',
      buildName([
        ['O', 'CNRS', 't61'],
        ['CN', 'André', 't61'],
      ]),
    ],
    ['BMP', buildName([['CN', 'Ωμέγα', 'bmp']])],
    [
      'a multi-valued part',
      buildName([
        ['O', 'Grid'],
        [
          ['CN', 'alice'],
          ['UID', 'a1'],
        ],
      ]),
    ],
  ]

  it.each(names)('keeps a name with %s byte for byte', (_name, subject) => {
    const user = ca.issueUser(subject)
    const proxy = issue(issue(user))
    expect(leafOf(proxy).issuer.der).toEqual(proxy.chain[1]?.subject.der)
    const { facts } = validate(proxy)
    expect(facts.identity.der).toEqual(subject.der)
    expect(facts.depth).toBe(2)
  })
})

describe('issueProxy refuses', () => {
  const refusal = (signer: Credential, options: Partial<ProxyRequest> = {}) => {
    const { code, data } = failureOf(() => issue(signer, options))
    return { code, data }
  }

  it('a CA as the signer', () => {
    expect(refusal({ privateKey: ca.privateKey, chain: [ca.certificate] })).toEqual({
      code: 'PROXY_RULE_BROKEN',
      data: { rule: 'signer-is-ca', subject: ca.name.oneLine },
    })
  })

  it('a signer whose path length is used up: 0 at once, 1 after one proxy', () => {
    const machine = proxyOf(alice, { pathLength: 0 })
    expect(refusal(machine)).toEqual({
      code: 'PROXY_RULE_BROKEN',
      data: { rule: 'path-length', subject: `${aliceDn}/CN=1` },
    })
    const one = proxyOf(alice, { pathLength: 1 })
    const two = issue(one)
    expect(validate(two).facts.depth).toBe(2)
    expect(refusal(two).data.rule).toBe('path-length')
    expect(validate(issue(addProxies(alice, 3, { now: NOW, pathLength: 5 }))).facts.depth).toBe(4)
  })

  it.each(['legacy', 'draft'] as const)('a %s signer', (kind) => {
    expect(refusal(proxyOf(alice, { kind, commonName: 'proxy' }))).toEqual({
      code: 'PROXY_KIND_REFUSED',
      data: { kind, subject: `${aliceDn}/CN=proxy` },
    })
  })

  it('a signer with a policy that is not understood', () => {
    expect(refusal(proxyOf(alice, { policy: 'restricted' })).data.rule).toBe(
      'policy-not-understood',
    )
  })

  it('a signer that may not sign', () => {
    const cipherOnly = ca.issueUser('cipher', { keyUsage: ['keyEncipherment'] })
    expect(refusal(cipherOnly)).toMatchObject({
      code: 'KEY_USAGE_FORBIDS',
      data: { missing: 'digitalSignature' },
    })
  })

  it('a signer that has expired, or starts in more than 5 minutes', () => {
    expect(refusal(proxyOf(alice, { notAfter: NOW - 1 })).code).toBe('CHAIN_EXPIRED')
    expect(refusal(proxyOf(alice, { notBefore: NOW + 301 })).code).toBe('CHAIN_NOT_YET_VALID')
    expect(leafOf(issue(proxyOf(alice, { notBefore: NOW + 300 }))).notBefore).toBe(NOW + 300)
  })

  it('a signing key that is not the signer’s', () => {
    expect(refusal({ ...alice, privateKey: testKey() })).toEqual({
      code: 'PROXY_KEY_MISMATCH',
      data: { subjects: [aliceDn] },
    })
  })

  it('an RSA key of 512 bits where 1024 are enough', () => {
    const publicKey = createPublicKey(testKey('rsa512'))
    const { code, data } = refusal(alice, { publicKey, minRsaBits: 1024 })
    expect([code, data.keyBits]).toEqual(['KEY_TOO_WEAK', 512])
  })

  it('the signer’s own key as the key of the proxy', () => {
    const publicKey = createPublicKey(alice.privateKey)
    expect(refusal(alice, { publicKey }).code).toBe('PROXY_KEY_MISMATCH')
  })

  it.each([
    ['an RSA key of 1024 bits', testKey('rsa1024'), { keyType: 'rsa', keyBits: 1024 }],
    ['a curve that TLS peers do not take', curveKey('secp256k1'), { curve: 'secp256k1' }],
    ['an Ed25519 key', generateKeyPairSync('ed25519').privateKey, { keyType: 'ed25519' }],
  ])('%s', (_name, key, data) => {
    const publicKey = createPublicKey(key)
    expect(refusal(alice, { publicKey })).toMatchObject({ code: 'KEY_TOO_WEAK', data })
  })

  it('an end that is not in the future, as misuse', () => {
    expect(() => issue(alice, { notAfter: NOW })).toThrow(TypeError)
    expect(leafOf(issue(alice, { notAfter: asUnixSeconds(NOW + 1) })).notAfter).toBe(NOW + 1)
    expect(leafOf(issue(alice, { notAfter: asUnixSeconds(NOW + 9 * DAY) })).notAfter).toBe(
      NOW + 9 * DAY,
    )
  })
})
