import { describe, expect, it } from 'vitest'
import type { VoboxError } from '../../../src/errors.js'
import { parseAttributeCertificate } from '../../../src/voms/attribute-certificate.js'
import { type VerifiedAttributes, verifyAttributes } from '../../../src/voms/verify-attributes.js'
import {
  makeVomsTrust,
  type VomsTrust,
  type VomsTrustProblem,
} from '../../../src/voms/voms-trust.js'
import type { Certificate } from '../../../src/x509/certificate.js'
import { nameHash } from '../../../src/x509/name.js'
import { parseSigningPolicy } from '../../../src/x509/signing-policy.js'
import type { TrustAnchors } from '../../../src/x509/trust-anchors.js'
import { type AcOptions, TestVoms, vomsTrustOf } from '../../support/ac.js'
import { failureOf } from '../../support/failure.js'
import { anchorsOf, authority, crlFrom, now } from '../../support/path-validation.js'
import { testKey } from '../../support/pki.js'
import { signingPolicy } from '../../support/pki-files.js'
import { DAY } from '../../support/time.js'

const ca = authority('CA')
const voms = new TestVoms(ca)
const rsa = new TestVoms(ca, { host: 'rsa.example.org', certificate: { key: 'rsa2048' } })
const holder = ca.issueUser('alice').chain[0] as Certificate
const anchors = anchorsOf([ca])
const DIRECTORY = '/etc/grid-security/vomsdir'

interface Given extends AcOptions {
  by?: TestVoms
  trust?: VomsTrust
  anchors?: TrustAnchors
}

function verify(given: Given = {}): VerifiedAttributes {
  const { by = voms, trust = vomsTrustOf(by), anchors: trusted = anchors, ...options } = given
  const ac = parseAttributeCertificate(by.grant(holder, { now, ...options }))
  return verifyAttributes(ac, { endEntity: holder, trust, anchors: trusted, now })
}

const refusal = (given: Given): VoboxError => failureOf(() => verify(given))

/** A vomsdir with certificates alone. */
const withCertificates = (...certificates: readonly Certificate[]): VomsTrust =>
  makeVomsTrust({
    directory: DIRECTORY,
    certificates: certificates.map((certificate) => ({ vo: 'alice', certificate })),
  })

describe('the signature', () => {
  it.each([
    ['by another key', { signWith: testKey() }],
    ['over other attributes', { after: (tbs: Buffer) => replaced(tbs, 'Role=a', 'Role=b') }],
  ])('%s is refused', (_title, options) => {
    expect(refusal({ ...options, fqans: ['/alice/Role=a'] })).toMatchObject({
      code: 'SIGNATURE_INVALID',
      data: { reason: 'bad-signature', issuer: voms.certificate.subject.oneLine },
    })
  })

  it('by RSA is verified with SHA-256 and, as in chains, with SHA-1; with MD5 it is refused', () => {
    expect(verify({ by: rsa }).by).toBe('lsc')
    expect(verify({ by: rsa, hash: 'sha1' }).ac.signatureAlgorithm.hash).toBe('sha1')
    expect(refusal({ by: rsa, hash: 'md5' })).toMatchObject({
      code: 'SIGNATURE_INVALID',
      data: { reason: 'broken-algorithm', algorithm: 'md5WithRSAEncryption', vo: 'alice' },
    })
  })
})

function replaced(tbs: Buffer, from: string, to: string): Buffer {
  tbs.write(to, tbs.indexOf(from), 'latin1')
  return tbs
}

describe('an issuer that a .lsc file names', () => {
  it('may be below an intermediate CA that comes along', () => {
    const middle = authority('Middle', { parent: ca })
    const below = new TestVoms(middle)
    const verified = verify({
      by: below,
      anchors: anchorsOf([ca], { allowMissingSigningPolicy: true }),
    })
    expect(verified.issuerChain.map(({ subject }) => subject.oneLine)).toEqual([
      '/DC=org/DC=example/OU=Hosts/CN=voms.alice.example.org',
      '/DC=org/DC=example/CN=Middle',
      '/DC=org/DC=example/CN=CA',
    ])
  })

  it('must be the one that the attributes say they are from', () => {
    const issuer = holder.subject
    expect(refusal({ issuer })).toMatchObject({
      code: 'VOMS_AC_UNTRUSTED',
      data: { reason: 'issuer-differs', issuer: issuer.oneLine },
    })
  })

  it('must come along; the hint says what else would do', () => {
    expect(refusal({ issuerCertificates: null })).toMatchObject({
      code: 'VOMS_AC_UNTRUSTED',
      data: { reason: 'no-issuer-certificate', vo: 'alice' },
      hint: `put the certificate of ${voms.certificate.subject.oneLine} beside ${DIRECTORY}/alice/voms.alice.example.org.lsc`,
    })
  })

  it('that is another: the hint is what the file would have to hold', () => {
    const renamed = new TestVoms(ca, { host: 'new.example.org' })
    const uri = 'alice://voms.alice.example.org:15000'
    expect(refusal({ by: renamed, uri, trust: vomsTrustOf(voms) })).toMatchObject({
      code: 'VOMS_AC_UNTRUSTED',
      data: {
        reason: 'lsc-differs',
        file: `${DIRECTORY}/alice/voms.alice.example.org.lsc`,
        found: ['/DC=org/DC=example/OU=Hosts/CN=new.example.org', '/DC=org/DC=example/CN=CA'],
      },
      hint: [
        "if the VO has changed its server's certificate, " +
          `${DIRECTORY}/alice/voms.alice.example.org.lsc must hold:`,
        '/DC=org/DC=example/OU=Hosts/CN=new.example.org',
        '/DC=org/DC=example/CN=CA',
      ].join('\n'),
    })
  })

  it('of the same name from a CA that nobody trusts is CHAIN_UNTRUSTED or a bad signature', () => {
    const impostor = new TestVoms(authority('CA'))
    expect(refusal({ by: impostor }).code).toBe('SIGNATURE_INVALID')
    expect(refusal({ by: impostor, anchors: anchorsOf([authority('Other')]) }).code).toBe(
      'CHAIN_UNTRUSTED',
    )
  })

  it('must not have been revoked, and its CA must not have an expired CRL', () => {
    const revoked = anchorsOf([ca], { crls: [crlFrom(ca, { revoked: [voms.certificate] })] })
    expect(refusal({ anchors: revoked })).toMatchObject({
      code: 'CERTIFICATE_REVOKED',
      data: { subject: voms.certificate.subject.oneLine },
    })
    const late = anchorsOf([ca], { crls: [crlFrom(ca, { nextUpdate: now - DAY })] })
    expect(refusal({ anchors: late })).toMatchObject({
      code: 'CRL_EXPIRED',
      persistence: 'transient',
    })
  })

  it('must be within the signing policy of its CA', () => {
    const policy = parseSigningPolicy(signingPolicy(ca, ['/DC=org/DC=example/OU=Users/*']))
    const signingPolicies = new Map([[nameHash(ca.name), policy]])
    expect(refusal({ anchors: anchorsOf([ca], { signingPolicies }) }).code).toBe(
      'SIGNING_POLICY_FORBIDS',
    )
  })

  it('must not have expired', () => {
    const expired = new TestVoms(ca, { certificate: { notAfter: now - 1 } })
    expect(refusal({ by: expired }).code).toBe('CHAIN_EXPIRED')
  })

  it('must have a key that may sign, and be no CA', () => {
    const encipherOnly = new TestVoms(ca, { certificate: { keyUsage: ['keyEncipherment'] } })
    expect(refusal({ by: encipherOnly })).toMatchObject({
      code: 'KEY_USAGE_FORBIDS',
      data: { needed: 'digitalSignature' },
    })
    const trust = withCertificates(ca.certificate)
    const asCa = { issuer: ca.name, signWith: ca.privateKey, issuerCertificates: null, trust }
    expect(refusal(asCa)).toMatchObject({
      code: 'VOMS_AC_UNTRUSTED',
      data: { reason: 'issuer-is-ca' },
    })
  })
})

describe('an issuer whose certificate lies in the vomsdir', () => {
  const trust = withCertificates(voms.certificate)

  it('needs to bring nothing along, and no host in its URI', () => {
    const verified = verify({ trust, issuerCertificates: null, uri: 'alice://' })
    expect(verified.by).toBe('certificate')
    expect(verified.issuerChain[0]?.der).toEqual(voms.certificate.der)
  })

  it('is found though a .lsc file for its host names another', () => {
    const other = new TestVoms(ca, { host: 'other.example.org' })
    const [lsc] = vomsTrustOf(voms).lscFor('alice', voms.host)
    if (lsc === undefined) throw new TypeError('no .lsc file')
    const mixed = makeVomsTrust({
      directory: DIRECTORY,
      lscs: [{ vo: 'alice', host: other.host, lsc }],
      certificates: [{ vo: 'alice', certificate: other.certificate }],
    })
    expect(verify({ by: other, trust: mixed }).by).toBe('certificate')
  })

  it('may be one of two with the same name, while the certificate is replaced', () => {
    const next = new TestVoms(ca)
    const both = withCertificates(voms.certificate, next.certificate)
    expect(verify({ trust: both }).issuerChain[0]?.der).toEqual(voms.certificate.der)
    expect(verify({ by: next, trust: both }).issuerChain[0]?.der).toEqual(next.certificate.der)
  })

  it('must have signed', () => {
    expect(refusal({ trust, signWith: testKey() })).toMatchObject({
      code: 'SIGNATURE_INVALID',
      data: { reason: 'bad-signature', vo: 'alice' },
    })
  })

  it('for one VO is nobody in another; beside the VOs it is for all', () => {
    const { certificate } = voms
    const of = (vo: string | undefined) =>
      makeVomsTrust({ directory: DIRECTORY, certificates: [{ vo, certificate }] })
    expect(refusal({ trust: of('bob') }).code).toBe('VOMS_TRUST_MISSING')
    expect(verify({ trust: of(undefined) }).by).toBe('certificate')
  })

  it('must lead to a trusted CA all the same', () => {
    const elsewhere = anchorsOf([authority('Other')])
    expect(refusal({ trust, anchors: elsewhere }).code).toBe('CHAIN_UNTRUSTED')
  })
})

describe('an issuer that nothing vouches for', () => {
  const lscPath = `${DIRECTORY}/alice/voms.alice.example.org.lsc`
  const empty = (...problems: VomsTrustProblem[]) =>
    makeVomsTrust({ directory: DIRECTORY, problems })

  it('is VOMS_TRUST_MISSING, with the file that is missing', () => {
    expect(refusal({ trust: empty() })).toMatchObject({
      code: 'VOMS_TRUST_MISSING',
      persistence: 'permanent',
      message: `nothing in ${DIRECTORY} says who may grant attributes of VO alice`,
      data: { vo: 'alice', host: 'voms.alice.example.org', file: lscPath },
      hint: [
        `if the VO says that this is its server, make ${lscPath} of these lines:`,
        voms.certificate.subject.oneLine,
        ca.name.oneLine,
      ].join('\n'),
    })
  })

  it('is asked for its certificate where it does not say its host', () => {
    expect(refusal({ trust: empty(), uri: 'alice://' }).hint).toBe(
      `install the certificate of ${voms.certificate.subject.oneLine} in ${DIRECTORY}/alice`,
    )
  })

  it.each([
    ['of this VO', 'alice', true, 'transient'],
    ['of all VOs', undefined, true, 'transient'],
    ['of this VO that stays', 'alice', false, 'permanent'],
    ['of another VO', 'bob', true, 'permanent'],
  ] as const)('because of a problem %s', (_title, vo, transient, persistence) => {
    const message = `${lscPath} cannot be used: it does not answer`
    const problem = { kind: 'lsc-unusable', file: lscPath, vo, transient, message } as const
    const failure = refusal({ trust: empty(problem) })
    expect(failure).toMatchObject({ code: 'VOMS_TRUST_MISSING', persistence })
    expect(failure.message.includes(message)).toBe(vo !== 'bob')
  })
})
