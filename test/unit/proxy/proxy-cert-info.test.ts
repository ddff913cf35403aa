import { describe, expect, it } from 'vitest'
import {
  encodeProxyCertInfo,
  languageOfPolicy,
  parseProxyCertInfo,
  policyOfLanguage,
} from '../../../src/proxy/proxy-cert-info.js'
import { failureOf } from '../../support/failure.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (text: string) => Buffer.from(text, 'hex')

/** Values as `grid-proxy-init` and `voms-proxy-init` write them. */
const WRITTEN_BY_TOOLS = [
  ['inherit-all', 'rfc3820', '300c300a06082b06010505071501', undefined],
  ['independent', 'rfc3820', '300c300a06082b06010505071502', undefined],
  ['limited', 'rfc3820', '300f300d060b2b060104019b5001010109', undefined],
  ['inherit-all', 'rfc3820', '300f020103300a06082b06010505071501', 3],
  ['inherit-all', 'draft', '300c300a06082b06010505071501', undefined],
  ['limited', 'draft', '300f300d060b2b060104019b5001010109', undefined],
  ['inherit-all', 'draft', '3011300a06082b06010505071501a103020103', 3],
] as const

describe('parseProxyCertInfo', () => {
  it.each(WRITTEN_BY_TOOLS)('reads %s of a %s proxy from %s (path length %s)', (...row) => {
    const [policy, kind, value, pathLength] = row
    const info = parseProxyCertInfo(bytes(value), kind)
    expect(policyOfLanguage(info.policyLanguage)).toBe(policy)
    expect(info.pathLength).toBe(pathLength)
    expect(info.policy).toBeUndefined()
    expect(hex(encodeProxyCertInfo(info, kind))).toBe(value)
  })

  it('keeps the policy of a language that nobody knows', () => {
    const info = { policyLanguage: '1.2.3.4', policy: bytes('c0ffee'), pathLength: 0 }
    const parsed = parseProxyCertInfo(encodeProxyCertInfo(info), 'rfc3820')
    expect({ ...parsed, policy: hex(parsed.policy ?? bytes('')) }).toEqual({
      policyLanguage: '1.2.3.4',
      policy: 'c0ffee',
      pathLength: 0,
    })
    expect(policyOfLanguage('1.2.3.4')).toBe('restricted')
  })

  it.each([
    ['nothing', ''],
    ['an empty sequence', '3000'],
    ['a policy cut short', '300c300a06082b060105050715'],
    ['a byte after the end', '300c300a06082b0601050507150100'],
    ['a second policy', '3018300a06082b06010505071501300a06082b06010505071501'],
    ['a negative path length', '300f0201ff300a06082b06010505071501'],
    ['a path length of 2^31', '301302050080000000300a06082b06010505071501'],
    ['a path length that is not minimal', '301002020003300a06082b06010505071501'],
    ['the order of the draft', '3011300a06082b06010505071501a103020103'],
    ['a policy that is no octet string', '300f300d06082b06010505071501020103'],
  ])('refuses %s', (_name, value) => {
    expect(failureOf(() => parseProxyCertInfo(bytes(value), 'rfc3820')).code).toBe('ASN1_MALFORMED')
  })

  it('refuses the order of RFC 3820 in a draft extension', () => {
    const value = bytes('300f020103300a06082b06010505071501')
    expect(failureOf(() => parseProxyCertInfo(value, 'draft')).code).toBe('ASN1_MALFORMED')
  })
})

describe('languageOfPolicy', () => {
  it.each(['inherit-all', 'limited', 'independent'] as const)('is undone for %s', (policy) => {
    expect(policyOfLanguage(languageOfPolicy(policy))).toBe(policy)
  })
})
