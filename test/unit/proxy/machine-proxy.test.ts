import { describe, expect, it } from 'vitest'
import { OID } from '../../../src/asn1/oids.js'
import type { KeyGenerator } from '../../../src/ports/key-generator.js'
import type { Random } from '../../../src/ports/random.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import type { Credential } from '../../../src/proxy/credential.js'
import { makeMachineProxy } from '../../../src/proxy/machine-proxy.js'
import { validateProxyChain } from '../../../src/proxy/validate-proxy-chain.js'
import { rejectionOf } from '../../support/failure.js'
import { FakeClock } from '../../support/fake-clock.js'
import { addProxy, anchorsOf, TestAuthority, testKey } from '../../support/pki.js'
import { HOUR } from '../../support/time.js'

const clock = new FakeClock()
const random: Random = { bytes: (length) => new Uint8Array(length).fill(7), fraction: () => 0 }
const ca = new TestAuthority()
const host = ca.issueHost('vobox.example.org')
const hostDn = '/DC=org/DC=example/OU=Hosts/CN=vobox.example.org'

/** Notes which kinds of key were asked for. */
class CountingKeys implements KeyGenerator {
  readonly kinds: string[] = []
  async generate(kind: string) {
    this.kinds.push(kind)
    return testKey('p256')
  }
}

const make = (hostCredential: Credential, options: { hours?: number; keyKind?: 'p256' } = {}) => {
  const keys = new CountingKeys()
  const made = makeMachineProxy({ hostCredential, keys, clock, random, ...options })
  return { keys, made }
}

describe('makeMachineProxy', () => {
  it('makes a proxy of the host for 24 hours that nobody can delegate further', async () => {
    const { keys, made } = make(host)
    const proxy = await made
    const { facts } = validateProxyChain(proxy.chain, anchorsOf(ca), {
      now: clock.now(),
      allowLegacyProxies: false,
      maxDelegationDepth: 10,
      purpose: 'client',
    })
    expect(facts.identity.oneLine).toBe(hostDn)
    expect(facts.proxies).toMatchObject([{ policy: 'inherit-all', pathLength: 0 }])
    expect(proxy.end).toBe(clock.now() + 24 * HOUR)
    expect(proxy.shortenedBySeconds).toBe(0)
    expect(keys.kinds).toEqual(['rsa2048'])
  })

  it('takes the hours and the kind of key that it is told', async () => {
    const { keys, made } = make(host, { hours: 0.5, keyKind: 'p256' })
    expect((await made).end).toBe(clock.now() + HOUR / 2)
    expect(keys.kinds).toEqual(['p256'])
  })

  it('says by how much a host certificate with 10 hours left shortens it', async () => {
    const ending = ca.issueHost('a.example.org', { notAfter: clock.now() + 10 * HOUR })
    const { end, shortenedBySeconds } = await make(ending).made
    expect(end).toBe(clock.now() + 10 * HOUR)
    expect(shortenedBySeconds).toBe(14 * HOUR)
  })

  it('refuses an expired host certificate before a key is made, and says whom to ask', async () => {
    const expired = ca.issueHost('old.example.org', { notAfter: clock.now() - 1 })
    const { keys, made } = make(expired)
    const failure = await rejectionOf(made)
    expect(failure).toMatchObject({ code: 'CHAIN_EXPIRED', data: { notAfter: clock.now() - 1 } })
    expect(failure.message).toContain('the host certificate')
    expect(failure.hint).toContain('site manager')
    expect(keys.kinds).toEqual([])
  })

  it('refuses a host certificate for servers only, and says what is missing', async () => {
    const serverOnly = ca.issueHost('web.example.org', { extendedKeyUsage: [OID.serverAuth] })
    const { keys, made } = make(serverOnly)
    const failure = await rejectionOf(made)
    expect(failure.code).toBe('KEY_USAGE_FORBIDS')
    expect(failure.data).toMatchObject({
      extendedKeyUsage: [OID.serverAuth],
      missing: OID.clientAuth,
    })
    expect(keys.kinds).toEqual([])
  })

  it('takes a host certificate without any extended key usage', async () => {
    const old = ca.issueHost('plain.example.org', { extendedKeyUsage: null })
    expect(describeChain((await make(old).made).chain).depth).toBe(1)
  })

  it('refuses a proxy in the place of the host certificate', async () => {
    const failure = await rejectionOf(make(addProxy(host, { now: clock.now() })).made)
    expect(failure).toMatchObject({ code: 'NOT_PERMITTED', data: { subject: hostDn, depth: 1 } })
  })

  it('refuses a CA in the place of the host certificate', async () => {
    const root = { privateKey: ca.privateKey, chain: [ca.certificate] }
    const failure = await rejectionOf(make(root).made)
    expect(failure).toMatchObject({ code: 'PROXY_RULE_BROKEN', data: { rule: 'signer-is-ca' } })
  })

  it.each([0, -1, Number.NaN])('calls %s hours misuse', async (hours) => {
    await expect(make(host, { hours }).made).rejects.toThrow(TypeError)
  })
})
