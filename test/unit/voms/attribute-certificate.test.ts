import { describe, expect, it } from 'vitest'
import {
  derContext,
  derInteger,
  derNull,
  derOctetString,
  derOid,
  derSequence,
  derSet,
} from '../../../src/asn1/der.js'
import { OID } from '../../../src/asn1/oids.js'
import { encodeAcSequence, parseAcSequence } from '../../../src/voms/ac-sequence.js'
import { parseAttributeCertificate } from '../../../src/voms/attribute-certificate.js'
import { showFqan } from '../../../src/voms/fqan.js'
import { type AcOptions, TestVoms } from '../../support/ac.js'
import { failureOf } from '../../support/failure.js'
import { TestAuthority } from '../../support/pki.js'
import { HOUR, hours } from '../../support/time.js'

const ca = new TestAuthority()
const voms = new TestVoms(ca)
const [user] = ca.issueUser('alice').chain
if (user === undefined) throw new TypeError('no user')

const granted = (options: AcOptions = {}) => parseAttributeCertificate(voms.grant(user, options))

describe('an attribute certificate', () => {
  it('says who holds it, who granted it, what and for how long', () => {
    const ac = granted({ now: hours(500_000), hours: 24 })
    expect(ac.holderName.oneLine).toBe('/DC=org/DC=example/OU=Users/CN=alice')
    expect(ac.holderSerialHex).toBe(user.serialHex)
    expect(ac.issuer.der).toEqual(voms.certificate.subject.der)
    expect(ac.serialHex).toBe('1267')
    expect(ac.notBefore).toBe(500_000 * HOUR)
    expect(ac.notAfter).toBe(500_024 * HOUR)
    expect(ac).toMatchObject({
      vo: 'alice',
      uri: 'alice://voms.alice.example.org:15000',
      server: { host: 'voms.alice.example.org', port: 15000 },
      targeted: false,
      targets: [],
      genericAttributes: [],
    })
    expect(ac.fqans.map(showFqan)).toEqual(['/alice/Role=lcgadmin', '/alice'])
    expect(ac.issuerCertificates.map(({ der }) => der)).toEqual([voms.certificate.der])
    expect(ac.authorityKeyId).toEqual(voms.certificate.subjectKeyId)
    expect(ac.signatureAlgorithm.name).toBe('ecdsa-with-SHA256')
  })

  it('keeps its bytes, and the order of 3 FQANs with NULL parts or without', () => {
    const fqans = ['/alice/team', '/alice/Role=NULL/Capability=NULL', '/alice/Role=b']
    const der = voms.grant(user, { fqans })
    const ac = parseAttributeCertificate(der)
    expect(ac.der).toEqual(der)
    expect(ac.fqans.map(showFqan)).toEqual(['/alice/team', '/alice', '/alice/Role=b'])
  })

  it('names its holder by the issuer of the certificate where the server follows RFC 5755', () => {
    expect(granted({ holderForm: 'issuer' }).holderName.der).toEqual(ca.name.der)
  })

  it.each([
    ['rfc', ['ce1.example.org', 'ce2.example.org']],
    ['java', ['ce1.example.org', 'ce2.example.org']],
    ['c', []],
  ] as const)('has the 2 targets as %s servers write them', (targetForm, expected) => {
    const ac = granted({ targets: ['ce1.example.org', 'ce2.example.org'], targetForm })
    expect(ac).toMatchObject({ targeted: true, targets: expected })
  })

  it('has generic attributes in order, UTF-8 and empty values included', () => {
    const genericAttributes = [
      ['nickname', 'Ælis', 'alice'],
      ['quota', '', ''],
    ] as const
    expect(granted({ genericAttributes }).genericAttributes).toEqual([
      { name: 'nickname', value: 'Ælis', qualifier: 'alice' },
      { name: 'quota', value: '', qualifier: '' },
    ])
  })

  it.each([
    ['alice://', undefined],
    ['alice://voms.example.org', undefined],
    ['alice://voms.example.org:0', undefined],
    ['alice://voms.example.org:65536', undefined],
    ['alice://[2001:db8::1]:15000', { host: '[2001:db8::1]', port: 15000 }],
    ['alice://VOMS.example.org:443', { host: 'VOMS.example.org', port: 443 }],
  ])('of %s has a server or none', (uri, server) => {
    expect(granted({ uri })).toMatchObject({ vo: 'alice', uri, server })
  })

  it('without the certificates of its issuer has none', () => {
    expect(granted({ issuerCertificates: null }).issuerCertificates).toEqual([])
  })
})

/** Replaces the first occurrence of `from` in the part that is signed, by bytes of the same number. */
const replacing = (from: Uint8Array, to: Uint8Array) => (tbs: Buffer) => {
  const at = tbs.indexOf(from)
  if (at < 0 || from.length !== to.length) throw new TypeError('nothing to replace')
  tbs.set(to, at)
  return tbs
}

const version2 = derInteger(1)
const acOid = derOid(OID.vomsAttributes)
const otherOid = derOid('1.3.6.1.4.1.8005.100.100.3')
const extension = (oid: string, value: Uint8Array): AcOptions => ({
  extensions: [{ oid, critical: false, value }],
})
const noText = derSequence(derOctetString(Buffer.of(1)), derOctetString(Buffer.of(2)))

describe('what is no attribute certificate', () => {
  const cases: [string, AcOptions, string][] = [
    ['of version 1', { before: replacing(version2, derInteger(0)) }, 'version is unknown'],
    [
      'without attributes of VOMS',
      { before: replacing(acOid, otherOid) },
      'attributes of VOMS are missing',
    ],
    ['that grants nothing', { fqans: [] }, 'attribute grants nothing'],
    ['that grants what is no FQAN', { fqans: ['/alice/Role='] }, 'is not an FQAN'],
    ['with a control character in an FQAN', { fqans: ['/alice\n/bob'] }, 'is not an FQAN'],
    ['with a control character in its URI', { uri: 'alice://h:1\n' }, 'name holds characters'],
    ['without a VO in its URI', { uri: '://voms.example.org:15000' }, 'names no VO'],
    ['with a VO that is a path', { uri: '..://voms.example.org:15000' }, 'names no VO'],
    ['with an extension twice', extension(OID.noRevAvail, derNull()), 'there twice'],
    [
      'with a certificate of its issuer that is none',
      {
        issuerCertificates: null,
        ...extension(OID.vomsIssuerCertificates, derSequence(derSequence(derSequence()))),
      },
      'certificate is malformed',
    ],
    [
      'with 11 certificates',
      { issuerCertificates: Array(11).fill(voms.certificate) },
      'more than 10',
    ],
    ['with a control character in a target', { targets: ['a\u001b[31m'] }, 'name holds characters'],
    ['with targets that are no list', extension(OID.targetInformation, derNull()), 'another type'],
    [
      'with generic attributes of 2 texts',
      extension(OID.vomsGenericAttributes, noText),
      'another type',
    ],
    ['whose validity is in UTCTime', { before: toUtcTime }, 'validity is no GeneralizedTime'],
  ]

  it.each(cases)('%s is VOMS_AC_MALFORMED', (_title, options, reason) => {
    const failure = failureOf(() => granted(options))
    expect(failure.code).toBe('VOMS_AC_MALFORMED')
    expect(failure.message).toMatch(/^attribute certificate is malformed: /)
    expect(failure.message).toContain(reason)
  })

  it('is one cut at any byte, or with a byte more', () => {
    const der = voms.grant(user)
    for (let end = 0; end < der.length; end++) {
      const failure = failureOf(() => parseAttributeCertificate(der.subarray(0, end)))
      expect(failure.code).toBe('VOMS_AC_MALFORMED')
    }
    const longer = Buffer.concat([der, Buffer.of(0)])
    expect(failureOf(() => parseAttributeCertificate(longer)).code).toBe('VOMS_AC_MALFORMED')
  })
})

/** Both times of the validity from 15 to 13 characters, without mending the lengths around them. */
function toUtcTime(tbs: Buffer): Buffer {
  const at = tbs.indexOf(Buffer.from([0x18, 0x0f]))
  tbs.set([0x17, 0x0f], at)
  return tbs
}

describe('the extension of a proxy', () => {
  const acs = [voms.grant(user), voms.grant(user, { fqans: ['/alice/team'] })]

  it('keeps 2 attribute certificates byte for byte and in order', () => {
    expect(parseAcSequence(encodeAcSequence(acs)).map(({ der }) => der)).toEqual(acs)
  })

  it.each([
    ['nothing in it', encodeAcSequence([])],
    ['no inner list', derSequence()],
    ['two lists', derSequence(derSequence(...acs), derSequence())],
    ['33 of them', encodeAcSequence(Array(33).fill(acs[0]))],
    ['something else', derContext(0, derSet())],
    ['a byte too many', Buffer.concat([encodeAcSequence(acs), Buffer.of(0)])],
  ])('with %s is VOMS_AC_MALFORMED', (_title, value) => {
    expect(failureOf(() => parseAcSequence(value)).code).toBe('VOMS_AC_MALFORMED')
  })
})
