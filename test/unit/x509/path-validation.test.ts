import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  DerReader,
  derBitString,
  derContext,
  derNull,
  derOid,
  derSequence,
  encodeDer,
} from '../../../src/asn1/der.js'
import { OID } from '../../../src/asn1/oids.js'
import { constructedContextTag } from '../../../src/asn1/tags.js'
import { type Certificate, parseCertificate } from '../../../src/x509/certificate.js'
import { type AttributeText, buildName } from '../../../src/x509/name.js'
import { cpuSecondsOf } from '../../support/cpu-time.js'
import { failureOf } from '../../support/failure.js'
import {
  anchorsOf,
  authority,
  now,
  policiesOf,
  refusal,
  userOf,
  validate,
} from '../../support/path-validation.js'
import { type AuthorityOptions, TestAuthority, testKey, VALID_UNTIL } from '../../support/pki.js'
import { DAY } from '../../support/time.js'

const root = authority('Root')
const middle = authority('Middle', { parent: root })
const issuing = authority('Issuing', { parent: middle })
const stranger = authority('Stranger')
const all = anchorsOf([root, middle, issuing])
const critical = (oid: string, value: Uint8Array) => ({ oid, critical: true, value })

describe('a path', () => {
  it('goes from the user over CAs of the directory to the root and ends with the earliest', () => {
    const user = userOf(issuing, { notAfter: now + DAY })
    const path = validate(user, all)
    expect(path.certificates.map(({ subject }) => subject.oneLine)).toEqual([
      '/DC=org/DC=example/OU=Users/CN=alice',
      '/DC=org/DC=example/CN=Issuing',
      '/DC=org/DC=example/CN=Middle',
      '/DC=org/DC=example/CN=Root',
    ])
    expect(path.anchor).toBe(root.certificate)
    expect(path.effectiveEnd).toBe(now + DAY)
    expect(validate(userOf(issuing), all).effectiveEnd).toBe(VALID_UNTIL)
  })

  it('uses intermediate CAs that the peer sent, in any order, whatever else is among them', () => {
    const anchors = anchorsOf([root], { signingPolicies: policiesOf(root, middle, issuing) })
    const sent = [authority('Stray').certificate, middle.certificate, issuing.certificate]
    expect(validate(userOf(issuing), anchors, sent).certificates).toHaveLength(4)
  })

  it('of one certificate is a root of the directory itself', () => {
    expect(validate(root.certificate, all).certificates).toEqual([root.certificate])
  })

  it('is found for RSA, P-384 and mixed chains', () => {
    const rsa = authority('RSA', { key: 'rsa2048' })
    const p384 = authority('P-384', { key: 'p384', parent: rsa })
    const path = validate(userOf(p384, { key: 'rsa1024' }), anchorsOf([rsa, p384]))
    expect(path.certificates).toHaveLength(3)
  })

  it('is found with the new certificate of a CA that renewed it, or changed its key', () => {
    const old = authority('Renewed', { notAfter: now - DAY })
    const renewed = authority('Renewed', { key: old.privateKey })
    const rekeyed = authority('Renewed')
    const anchors = anchorsOf([old, rekeyed, renewed])
    expect(validate(userOf(old), anchors).anchor).toBe(renewed.certificate)
    expect(validate(userOf(rekeyed), anchors).anchor).toBe(rekeyed.certificate)
  })

  it.each([
    [
      'a user of a CA that nobody here knows',
      userOf(stranger),
      [],
      '/DC=org/DC=example/CN=Stranger',
    ],
    [
      'the same with its root sent along',
      userOf(stranger),
      [stranger.certificate],
      '/DC=org/DC=example/CN=Stranger',
    ],
    [
      'a user of a CA whose root is missing',
      userOf(middle),
      [middle.certificate],
      '/DC=org/DC=example/CN=Root',
    ],
  ])('is refused to %s', (_name, certificate, sent, issuer) => {
    const failure = refusal(certificate, anchorsOf([issuing]), sent)
    expect(failure).toMatchObject({ code: 'CHAIN_UNTRUSTED', data: { issuer } })
  })

  it('is refused to a root of the same name and another key', () => {
    const forged = userOf(authority('Root'))
    expect(refusal(forged, anchorsOf([root]))).toMatchObject({
      code: 'SIGNATURE_INVALID',
      data: { reason: 'bad-signature', issuer: '/DC=org/DC=example/CN=Root' },
    })
  })

  it('is refused to a certificate that was changed after signing', () => {
    const der = Buffer.from(userOf(root).der)
    der[der.indexOf('alice')] = 'A'.charCodeAt(0)
    expect(refusal(parseCertificate(der), anchorsOf([root])).code).toBe('SIGNATURE_INVALID')
  })

  it('is refused to a user who signs another user', () => {
    const user = authority('User', { parent: root, ca: false })
    const below = userOf(user)
    expect(refusal(below, anchorsOf([root]), [user.certificate])).toMatchObject({
      code: 'CHAIN_BROKEN',
      data: { reason: 'not-an-authority', subject: '/DC=org/DC=example/CN=User' },
    })
  })

  it('ends its search: 20 copies of a CA name that sign each other give CHAIN_TOO_LONG', () => {
    const key = testKey('p256')
    const loop = Array.from({ length: 20 }, () => authority('Loop', { key }))
    const sent = loop.map(({ certificate }) => certificate)
    const user = userOf(loop[0] as TestAuthority)
    const search = () => expect(refusal(user, anchorsOf([root]), sent).code).toBe('CHAIN_TOO_LONG')
    expect(cpuSecondsOf(search)).toBeLessThan(10)
    expect(refusal(userOf(root), anchorsOf([root]), [...sent, ...sent]).code).toBe('CHAIN_TOO_LONG')
  })
})

describe('validity', () => {
  it.each([
    ['5 minutes before notBefore', { notBefore: now + 300 }, undefined],
    ['5 minutes and a second before notBefore', { notBefore: now + 301 }, 'CHAIN_NOT_YET_VALID'],
    ['at notAfter', { notAfter: now }, undefined],
    ['a second after notAfter', { notAfter: now - 1 }, 'CHAIN_EXPIRED'],
  ])('%s', (_name, times, code) => {
    const check = () => validate(userOf(root, times), anchorsOf([root]))
    if (code === undefined) expect(check().certificates).toHaveLength(2)
    else expect(failureOf(check).code).toBe(code)
  })

  it('counts for every CA, the root included', () => {
    const old = authority('Old', { notAfter: now - 1 })
    expect(refusal(userOf(old), anchorsOf([old]))).toMatchObject({
      code: 'CHAIN_EXPIRED',
      data: { subject: '/DC=org/DC=example/CN=Old', notAfter: now - 1 },
    })
  })
})

describe('certification authorities', () => {
  it.each<[string, AuthorityOptions, string]>([
    ['without basic constraints', { ca: null }, 'CHAIN_BROKEN'],
    ['with basic constraints that say no', { ca: false }, 'CHAIN_BROKEN'],
    [
      'with a key usage that lacks keyCertSign',
      { keyUsage: ['cRLSign', 'digitalSignature'] },
      'KEY_USAGE_FORBIDS',
    ],
  ])('%s may not sign', (_name, options, code) => {
    const ca = authority('Odd', { parent: root, ...options })
    expect(refusal(userOf(ca), anchorsOf([root, ca])).code).toBe(code)
    const odd = authority('Odd root', options)
    expect(refusal(userOf(odd), anchorsOf([odd])).code).toBe(code)
  })

  it('without any key usage may sign', () => {
    const ca = authority('Plain', { parent: root, keyUsage: null })
    expect(validate(userOf(ca), anchorsOf([root, ca])).certificates).toHaveLength(3)
  })

  it.each([
    [0, 1, undefined],
    [0, 2, 'CHAIN_TOO_LONG'],
    [1, 2, undefined],
    [1, 3, 'CHAIN_TOO_LONG'],
  ])('with path length %i and %i CAs in all', (pathLength, count, code) => {
    const chain = [authority('Top', { pathLength })]
    while (chain.length < count) {
      chain.unshift(authority(`CA ${chain.length}`, { parent: chain[0] as TestAuthority }))
    }
    const check = () => validate(userOf(chain[0] as TestAuthority), anchorsOf(chain))
    if (code === undefined) expect(check().certificates).toHaveLength(count + 1)
    else expect(failureOf(check)).toMatchObject({ code, data: { pathLength, length: count - 1 } })
  })

  it('do not count against a path length when they are self-issued', () => {
    const top = authority('Top', { pathLength: 0 })
    const rollover = new TestAuthority({ name: top.name, parent: top })
    expect(validate(userOf(rollover), anchorsOf([top]), [rollover.certificate]).anchor).toBe(
      top.certificate,
    )
  })

  it('confine those below them to their name constraints', () => {
    const of = (...parts: AttributeText[]) => {
      const name = encodeDer(constructedContextTag(4), buildName(parts).der)
      const value = derSequence(derContext(0, derSequence(name)))
      return authority('Confined', {
        parent: root,
        extensions: [critical(OID.nameConstraints, value)],
      })
    }
    const fits = of(['DC', 'org'])
    expect(validate(userOf(fits), anchorsOf([root, fits])).certificates).toHaveLength(3)
    const other = of(['DC', 'net'])
    expect(refusal(userOf(other), anchorsOf([root, other]))).toMatchObject({
      code: 'NAME_CONSTRAINTS_FORBID',
      data: { authority: '/DC=org/DC=example/CN=Confined' },
    })
    const broken = authority('Confined', {
      parent: root,
      extensions: [critical(OID.nameConstraints, derNull())],
    })
    expect(refusal(userOf(broken), anchorsOf([root, broken])).code).toBe('CERTIFICATE_MALFORMED')
  })
})

describe('extensions, keys and algorithms', () => {
  it.each([
    ['an unknown one', '1.2.3.4'],
    ['policy constraints, which could demand a policy', OID.policyConstraints],
    ['a proxy certificate info in an end entity', OID.proxyCertInfo],
  ])('refuse a path with a critical extension: %s', (_name, oid) => {
    const extensions = [critical(oid, derNull())]
    expect(refusal(userOf(root, { extensions }), anchorsOf([root]))).toMatchObject({
      code: 'EXTENSION_UNKNOWN_CRITICAL',
      data: { oid },
    })
    const ca = authority('Odd', { parent: root, extensions })
    expect(refusal(userOf(ca), anchorsOf([root, ca])).code).toBe('EXTENSION_UNKNOWN_CRITICAL')
  })

  it('take certificate policies that are critical, since none is demanded', () => {
    const extensions = [critical(OID.certificatePolicies, derSequence())]
    expect(validate(userOf(root, { extensions }), anchorsOf([root])).certificates).toHaveLength(2)
  })

  it('refuse an RSA key of 1023 bits and take one of 1024', () => {
    const weak = testKey('rsa1024', 'weak')
    expect(validate(userOf(root, { key: weak }), anchorsOf([root])).certificates).toHaveLength(2)
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1023 })
    expect(refusal(userOf(root, { key: privateKey }), anchorsOf([root]))).toMatchObject({
      code: 'KEY_TOO_WEAK',
      data: { keyBits: 1023, minimumBits: 1024 },
    })
  })

  it('refuse a signature with MD5 and take one with SHA-1, which is named', () => {
    const rsa = authority('RSA', { key: 'rsa2048' })
    const md5 = resign(userOf(rsa), rsa, OID.md5WithRsa, 'md5')
    expect(refusal(md5, anchorsOf([rsa]))).toMatchObject({
      code: 'SIGNATURE_INVALID',
      data: { reason: 'broken-algorithm', algorithm: 'md5WithRSAEncryption' },
    })
    const sha1 = resign(userOf(rsa), rsa, OID.sha1WithRsa, 'sha1')
    expect(validate(sha1, anchorsOf([rsa])).certificates[0]?.signatureAlgorithm).toMatchObject({
      name: 'sha1WithRSAEncryption',
      hash: 'sha1',
    })
  })

  it('refuse a purpose that the extended key usage of any certificate leaves out', () => {
    const client = userOf(root, { extendedKeyUsage: [OID.clientAuth] })
    const anchors = anchorsOf([root])
    expect(validate(client, anchors, [], { purpose: 'client' }).certificates).toHaveLength(2)
    expect(refusal(client, anchors, [], { purpose: 'server' })).toMatchObject({
      code: 'KEY_USAGE_FORBIDS',
      data: { needed: OID.serverAuth },
    })
    const any = userOf(root, { extendedKeyUsage: [OID.anyExtendedKeyUsage] })
    expect(validate(any, anchors, [], { purpose: 'server' }).certificates).toHaveLength(2)
    const ca = authority('Mail', { parent: root, extendedKeyUsage: [OID.serverAuth] })
    const below = [userOf(ca), anchorsOf([root, ca]), []] as const
    expect(refusal(...below, { purpose: 'client' }).code).toBe('KEY_USAGE_FORBIDS')
  })
})

/** The same certificate, signed by `ca` with another hash. */
function resign(certificate: Certificate, ca: TestAuthority, oid: string, hash: string) {
  const algorithm = derSequence(derOid(oid), derNull())
  const fields: Uint8Array[] = []
  const tbs = new DerReader(certificate.tbs).readSequence()
  while (!tbs.atEnd()) fields.push(tbs.readElement().raw)
  fields[2] = algorithm
  const signed = derSequence(...fields)
  const signature = sign(hash, signed, ca.privateKey)
  return parseCertificate(derSequence(signed, algorithm, derBitString(signature)))
}
