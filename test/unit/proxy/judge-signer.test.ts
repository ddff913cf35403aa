import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import {
  checkSignerTime,
  shortenedWarning,
  signerWarnings,
} from '../../../src/proxy/judge-signer.js'
import { failureOf } from '../../support/failure.js'
import { addProxies, addProxy, type CertificateOptions, TestAuthority } from '../../support/pki.js'
import { DAY, HOUR } from '../../support/time.js'

const NOW = asUnixSeconds(Date.UTC(2026, 5, 1) / 1000)
const ca = new TestAuthority()
const facts = (options: CertificateOptions = {}) =>
  describeChain(ca.issueUser('alice', options).chain)
const codes = (of: ReturnType<typeof facts>, depthLimit = 10) =>
  signerWarnings(of, { now: NOW, depthLimit }).map(({ code }) => code)

describe('checkSignerTime', () => {
  it('accepts a certificate on the last second of its time', () => {
    expect(() => checkSignerTime(facts({ notAfter: NOW + 1 }), NOW)).not.toThrow()
  })

  it.each([
    ['a certificate on the second it ends', { notAfter: NOW }, 'CHAIN_EXPIRED'],
    ['a certificate that begins in 10 s', { notBefore: NOW + 10 }, 'CHAIN_NOT_YET_VALID'],
  ])('refuses %s', (_what, options, code) => {
    const failure = failureOf(() => checkSignerTime(facts(options), NOW))
    expect(failure.code).toBe(code)
    expect(failure.message).toContain('/CN=alice')
  })

  it('tells an expired proxy from an expired CA above the certificate', () => {
    const proxy = addProxy(ca.issueUser('alice'), { now: NOW - DAY, hours: 12 })
    const gone = new TestAuthority({ parent: ca, notAfter: NOW - HOUR })
    const [one, other] = [proxy.chain, gone.issueUser('alice').chain].map((chain) =>
      failureOf(() => checkSignerTime(describeChain(chain), NOW)),
    )
    expect(one).toMatchObject({ code: 'PROXY_EXPIRED', data: { notAfter: NOW - 12 * HOUR } })
    expect(other).toMatchObject({ code: 'CHAIN_EXPIRED', data: { notAfter: NOW - HOUR } })
    expect(other?.message).toContain('a CA above')
  })
})

describe('signerWarnings', () => {
  it('finds nothing in a certificate that lasts for another 14 days', () => {
    expect(codes(facts({ notAfter: NOW + 14 * DAY }))).toEqual([])
  })

  it('says when one ends a second earlier than that', () => {
    const [warning] = signerWarnings(facts({ notAfter: NOW + 14 * DAY - 1 }), {
      now: NOW,
      depthLimit: 10,
    })
    expect(warning).toMatchObject({
      code: 'certificate-ends-soon',
      data: { secondsLeft: 14 * DAY - 1 },
    })
    expect(warning?.message).toContain('in 13 d 23 h')
  })

  it('says that one is for servers alone, or has a small key', () => {
    const weak = facts({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'], key: 'rsa1024' })
    expect(codes(weak)).toEqual(['not-for-clients', 'weak-certificate'])
  })

  it('warns from the sixth delegation on where 10 are the most', () => {
    const user = ca.issueUser('alice')
    const below = (count: number) => describeChain(addProxies(user, count, { now: NOW }).chain)
    expect(codes(below(4))).toEqual([])
    expect(codes(below(5))).toEqual(['delegation-deep'])
  })
})

describe('shortenedWarning', () => {
  const made = (shortenedBySeconds: number) => ({ end: NOW, shortenedBySeconds })

  it('is none where nothing was cut', () => {
    expect(shortenedWarning(facts(), made(0))).toBeUndefined()
  })

  it('names what cut it: the certificate, or the proxy that signs', () => {
    const proxy = describeChain(addProxy(ca.issueUser('alice'), { now: NOW }).chain)
    expect(shortenedWarning(facts(), made(2 * HOUR))?.message).toMatch(/2 h .* your certificate$/)
    expect(shortenedWarning(proxy, made(60))?.message).toMatch(/1 min .* the proxy that signs it$/)
  })
})
