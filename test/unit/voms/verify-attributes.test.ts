import { describe, expect, it } from 'vitest'
import { derNull } from '../../../src/asn1/der.js'
import { OID } from '../../../src/asn1/oids.js'
import type { VoboxError } from '../../../src/errors.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import { parseAttributeCertificate } from '../../../src/voms/attribute-certificate.js'
import {
  type AttributeRules,
  judgeAttributes,
  type VerifiedAttributes,
  verifyAttributes,
} from '../../../src/voms/verify-attributes.js'
import type { Certificate } from '../../../src/x509/certificate.js'
import { type AcOptions, addAttributes, TestVoms, vomsTrustOf } from '../../support/ac.js'
import { failureOf } from '../../support/failure.js'
import { anchorsOf, authority, now } from '../../support/path-validation.js'
import { addProxy, testKey, userName } from '../../support/pki.js'
import { HOUR, MINUTE } from '../../support/time.js'

const ca = authority('CA')
const otherCa = authority('Other')
const voms = new TestVoms(ca)
const bob = new TestVoms(ca, { vo: 'bob' })
const alice = ca.issueUser('alice')
const endEntity = alice.chain[0] as Certificate
const eve = ca.issueUser('eve').chain[0] as Certificate

const rules: AttributeRules = {
  trust: vomsTrustOf(voms, bob),
  anchors: anchorsOf([ca, otherCa]),
  now,
}

function verify(
  options: AcOptions & { by?: TestVoms; holder?: Certificate } = {},
  changed: Partial<AttributeRules> & { endEntity?: Certificate } = {},
): VerifiedAttributes {
  const { by = voms, holder = endEntity, ...rest } = options
  const ac = parseAttributeCertificate(by.grant(holder, { now, ...rest }))
  return verifyAttributes(ac, { endEntity, ...rules, ...changed })
}

const refusal = (...args: Parameters<typeof verify>): VoboxError => failureOf(() => verify(...args))

describe('attributes are verified', () => {
  it('when the .lsc file names the chain of the server, down to the root', () => {
    const verified = verify()
    expect(verified.by).toBe('lsc')
    expect(verified.ac.fqans[0]).toEqual({ group: '/alice', role: 'lcgadmin' })
    expect(verified.issuerChain.map(({ subject }) => subject.oneLine)).toEqual([
      '/DC=org/DC=example/OU=Hosts/CN=voms.alice.example.org',
      '/DC=org/DC=example/CN=CA',
    ])
    expect(verified.effectiveEnd).toBe(now + 12 * HOUR)
  })

  it.each(['subject', 'issuer'] as const)('when the holder is named by its %s', (holderForm) => {
    expect(verify({ holderForm }).by).toBe('lsc')
  })

  it('from 5 minutes before they begin to the second of their end, for 12 hours', () => {
    const at = (seconds: number) => ({ now: asUnixSeconds(now + seconds) })
    expect(verify({}, at(-5 * MINUTE)).by).toBe('lsc')
    expect(verify({}, at(12 * HOUR)).by).toBe('lsc')
    expect(refusal({}, at(-5 * MINUTE - 1))).toMatchObject({
      code: 'VOMS_AC_NOT_YET_VALID',
      persistence: 'transient',
      data: { vo: 'alice', notBefore: now },
    })
    expect(refusal({}, at(12 * HOUR + 1))).toMatchObject({
      code: 'VOMS_AC_EXPIRED',
      persistence: 'permanent',
      data: { vo: 'alice', notAfter: now + 12 * HOUR },
    })
  })

  it('until the certificate of their server ends, where that is earlier', () => {
    const notAfter = now + HOUR
    const shortLived = new TestVoms(ca, { certificate: { notAfter } })
    const trust = vomsTrustOf(shortLived)
    expect(verify({ by: shortLived }, { trust }).effectiveEnd).toBe(notAfter)
  })

  it('with the critical targets of this host, in any letters', () => {
    const targets = ['ce.example.org', 'VOBOX.example.org']
    expect(verify({ targets }, { host: 'vobox.EXAMPLE.org' }).by).toBe('lsc')
  })

  it.each([OID.noRevAvail, OID.authorityKeyIdentifier, OID.vomsGenericAttributes])(
    'though the extension %s is critical',
    (oid) => {
      const ac = parseAttributeCertificate(voms.grant(endEntity, { now }))
      const extensions = [{ oid, critical: true, value: derNull() }]
      const verified = verifyAttributes({ ...ac, extensions }, { endEntity, ...rules })
      expect(verified.by).toBe('lsc')
    },
  )
})

describe('attributes are refused', () => {
  it.each([
    ['with another serial number', { holderSerialHex: eve.serialHex }],
    ['with another name', { holderName: userName('eve') }],
    ['of somebody else', { holder: eve }],
    ['of somebody else by issuer and serial', { holder: eve, holderForm: 'issuer' }],
  ] as const)('that were granted to a holder %s', (_title, options) => {
    expect(refusal(options)).toMatchObject({
      code: 'VOMS_AC_HOLDER_DIFFERS',
      data: { vo: 'alice', subject: endEntity.subject.oneLine, serial: endEntity.serialHex },
    })
  })

  it('when the holder has that name and serial number in other letters or string types', () => {
    const holderName = userName('ALICE')
    expect(refusal({ holderName }).code).toBe('VOMS_AC_HOLDER_DIFFERS')
  })

  it('with one FQAN of another VO among their own', () => {
    const fqans = ['/alice', '/bob/Role=production', '/alice/team']
    expect(refusal({ fqans })).toMatchObject({
      code: 'VOMS_AC_UNTRUSTED',
      data: { reason: 'foreign-fqan', vo: 'alice', fqan: '/bob/Role=production' },
    })
  })

  it('that the server of one VO granted in the name of another', () => {
    const uri = 'bob://voms.bob.example.org:15000'
    expect(refusal({ vo: 'bob', uri })).toMatchObject({
      code: 'VOMS_AC_UNTRUSTED',
      data: { reason: 'lsc-differs', vo: 'bob' },
    })
  })

  it.each([
    ['ce.example.org', ['ce.example.org'], 'vobox.example.org'],
    ['ce.example.org, when we do not know who we are', ['ce.example.org'], undefined],
    ['nobody', [], 'vobox.example.org'],
  ])('that are for %s', (_title, targets, host) => {
    expect(refusal({ targets }, host === undefined ? {} : { host })).toMatchObject({
      code: 'VOMS_AC_UNTRUSTED',
      hint: 'ask for attributes without targets',
      data: { reason: 'not-for-this-host', targets },
    })
  })

  it('with a critical extension that we do not know, and not with one that is not critical', () => {
    const oid = '1.3.6.1.4.1.99999.1'
    const extension = (critical: boolean) => [{ oid, critical, value: derNull() }]
    expect(refusal({ extensions: extension(true) })).toMatchObject({
      code: 'EXTENSION_UNKNOWN_CRITICAL',
      data: { oid, vo: 'alice' },
    })
    expect(verify({ extensions: extension(false) }).by).toBe('lsc')
  })
})

describe('judging a chain', () => {
  const grant = (options: AcOptions = {}) => voms.grant(endEntity, { now, ...options })
  const judge = (...acs: Uint8Array[]) => {
    const { chain } = addProxy(addAttributes(alice, acs, { now }), { now })
    return judgeAttributes(describeChain(chain), rules)
  }

  it('says of each of 4 attribute certificates whether it is verified, and why not', () => {
    const judged = judge(
      grant(),
      grant({ signWith: testKey() }),
      Buffer.from('3000', 'hex'),
      bob.grant(endEntity, { now }),
    )
    expect(judged.map((one) => ('verified' in one ? one.verified.by : one.problem.code))).toEqual([
      'lsc',
      'SIGNATURE_INVALID',
      'VOMS_AC_MALFORMED',
      'lsc',
    ])
    expect(judged.map(({ ac }) => ac?.vo)).toEqual(['alice', 'alice', undefined, 'bob'])
  })

  it('compares the holder with the end-entity certificate, through 2 proxies', () => {
    expect(judge(voms.grant(eve, { now }))).toMatchObject([
      { problem: { code: 'VOMS_AC_HOLDER_DIFFERS' } },
    ])
  })

  it('has nothing to say of a plain proxy', () => {
    expect(judgeAttributes(describeChain(addProxy(alice).chain), rules)).toEqual([])
  })

  it('calls an extension that cannot be read a problem', () => {
    expect(judge()).toMatchObject([{ ac: undefined, problem: { code: 'VOMS_AC_MALFORMED' } }])
  })
})
