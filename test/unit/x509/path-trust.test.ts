import { describe, expect, it } from 'vitest'
import { derBitString, derInteger, derNull, derSequence, derTime } from '../../../src/asn1/der.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { parseCrl } from '../../../src/x509/crl.js'
import { buildName, nameHash } from '../../../src/x509/name.js'
import { encodeAlgorithmFor, signBytes } from '../../../src/x509/signature-algorithms.js'
import { parseSigningPolicy } from '../../../src/x509/signing-policy.js'
import {
  anchorsOf,
  authority,
  crlFrom,
  now,
  policiesOf,
  refusal,
  userOf,
  validate,
} from '../../support/path-validation.js'
import { TestAuthority } from '../../support/pki.js'
import { signingPolicy } from '../../support/pki-files.js'
import { DAY } from '../../support/time.js'

const root = authority('Root')
const middle = authority('Middle', { parent: root })
const issuing = authority('Issuing', { parent: middle })

describe('signing policies', () => {
  const user = userOf(root)
  const none = { signingPolicies: new Map() }

  it('that are missing refuse, unless anchors or caller say otherwise', () => {
    expect(refusal(user, anchorsOf([root], none))).toMatchObject({
      code: 'SIGNING_POLICY_MISSING',
      data: { authority: '/DC=org/DC=example/CN=Root' },
    })
    const lenient = anchorsOf([root], { ...none, allowMissingSigningPolicy: true })
    expect(validate(user, lenient).certificates).toHaveLength(2)
    const options = { allowMissingSigningPolicy: true }
    expect(validate(user, anchorsOf([root], none), [], options).certificates).toHaveLength(2)
    expect(refusal(user, lenient, [], { allowMissingSigningPolicy: false }).code).toBe(
      'SIGNING_POLICY_MISSING',
    )
  })

  it('that cannot be read refuse, whatever is allowed to be missing', () => {
    const signingPolicies = new Map([[nameHash(root.name), undefined]])
    const anchors = anchorsOf([root], { signingPolicies, allowMissingSigningPolicy: true })
    expect(refusal(user, anchors).code).toBe('SIGNING_POLICY_MALFORMED')
  })

  it('count for every CA of the path', () => {
    const missing = { signingPolicies: policiesOf(root, issuing) }
    expect(refusal(userOf(issuing), anchorsOf([root, middle, issuing], missing))).toMatchObject({
      code: 'SIGNING_POLICY_MISSING',
      data: { authority: '/DC=org/DC=example/CN=Middle' },
    })
    const narrow = policiesOf(root, middle)
    narrow.set(nameHash(issuing.name), parseSigningPolicy(signingPolicy(issuing, ['/C=CH/*'])))
    const anchors = anchorsOf([root, middle, issuing], { signingPolicies: narrow })
    expect(refusal(userOf(issuing), anchors)).toMatchObject({
      code: 'SIGNING_POLICY_FORBIDS',
      data: { authority: '/DC=org/DC=example/CN=Issuing' },
    })
  })
})

describe('revocation', () => {
  const user = userOf(root)
  const anchorsWith = (...crls: readonly ReturnType<typeof crlFrom>[]) =>
    anchorsOf([root], { crls })

  it('takes a certificate that no list names, and one of a CA without a list', () => {
    expect(validate(user, anchorsWith(crlFrom(root))).certificates).toHaveLength(2)
    expect(validate(user, anchorsWith()).certificates).toHaveLength(2)
  })

  it('refuses a revoked user, and everything below a revoked CA', () => {
    expect(refusal(user, anchorsWith(crlFrom(root, { revoked: [user] })))).toMatchObject({
      code: 'CERTIFICATE_REVOKED',
      data: { serial: user.serialHex, file: '/certs/x.r0' },
    })
    const crls = [crlFrom(middle, { revoked: [issuing.certificate] })]
    expect(refusal(userOf(issuing), anchorsOf([root, middle, issuing], { crls }))).toMatchObject({
      code: 'CERTIFICATE_REVOKED',
      data: { subject: '/DC=org/DC=example/CN=Issuing' },
    })
  })

  it('finds the list of a CA that only the peer sent', () => {
    const alice = userOf(middle)
    const crls = [crlFrom(middle, { revoked: [alice] })]
    const anchors = anchorsOf([root], { crls, signingPolicies: policiesOf(root, middle) })
    expect(refusal(alice, anchors, [middle.certificate]).code).toBe('CERTIFICATE_REVOKED')
  })

  it.each([
    ['a list that expired a second ago', { nextUpdate: now - 1 }, 'CRL_EXPIRED', 'transient'],
    ['a list that begins in an hour', { thisUpdate: now + 3600 }, 'CRL_UNREADABLE', 'transient'],
  ])('fails closed for %s', (_name, options, code, persistence) => {
    const failure = refusal(user, anchorsWith(crlFrom(root, options)))
    expect(failure).toMatchObject({ code, persistence, data: { file: '/certs/x.r0' } })
    expect(failure.hint).toBe('look at /certs/x.r0, and run fetch-crl')
  })

  it.each([
    ['that ends now', { nextUpdate: now }],
    ['that begins in five minutes', { thisUpdate: now + 300 }],
    ['that never ends', { nextUpdate: null }],
  ])('takes a list %s', (_name, options) => {
    expect(validate(user, anchorsWith(crlFrom(root, options))).certificates).toHaveLength(2)
  })

  it('fails closed for a list under the name of the CA that its key did not sign', () => {
    const forged = crlFrom(authority('Root'))
    expect(refusal(user, anchorsWith(forged))).toMatchObject({
      code: 'CRL_UNREADABLE',
      data: { reason: 'bad-signature', file: '/certs/x.r0' },
    })
    expect(validate(user, anchorsWith(forged, crlFrom(root))).certificates).toHaveLength(2)
  })

  it('fails closed for a list that cannot be read, but not for the other CAs', () => {
    const unreadableCrls = new Map([[nameHash(root.name), '/certs/x.r0']])
    const other = authority('Other')
    const anchors = anchorsOf([root, other], { unreadableCrls })
    expect(refusal(user, anchors)).toMatchObject({
      code: 'CRL_UNREADABLE',
      data: { reason: 'malformed' },
    })
    expect(validate(userOf(other), anchors).certificates).toHaveLength(2)
  })

  it('fails closed for a list that cannot be read beside one that can', () => {
    const unreadableCrls = new Map([[nameHash(root.name), '/certs/x.r1']])
    const anchors = anchorsOf([root], { unreadableCrls, crls: [crlFrom(root)] })
    expect(refusal(user, anchors)).toMatchObject({
      code: 'CRL_UNREADABLE',
      data: { reason: 'malformed', file: '/certs/x.r1' },
    })
  })

  it('fails closed for a list that the CA signed with an entry that is none', () => {
    const algorithm = encodeAlgorithmFor(root.privateKey)
    const entries = derSequence(derNull())
    const times = [derTime(now), derTime(asUnixSeconds(now + DAY))]
    const tbs = derSequence(derInteger(1), algorithm, root.name.der, ...times, entries)
    const signature = derBitString(signBytes(root.privateKey, tbs))
    const crl = parseCrl(derSequence(tbs, algorithm, signature))
    expect(refusal(user, anchorsWith({ crl, file: '/certs/x.r0' }))).toMatchObject({
      code: 'CRL_UNREADABLE',
      data: { reason: 'malformed', file: '/certs/x.r0' },
    })
  })

  it('fails closed for a list of a CA that may not sign lists', () => {
    const ca = authority('No CRL', { keyUsage: ['keyCertSign'] })
    const anchors = anchorsOf([ca], { crls: [crlFrom(ca)] })
    expect(refusal(userOf(ca), anchors)).toMatchObject({
      code: 'CRL_UNREADABLE',
      data: { reason: 'key-usage' },
    })
  })

  it('believes the newest of two lists', () => {
    const before = crlFrom(root, { revoked: [user], thisUpdate: now - 2 * DAY })
    const after = crlFrom(root, { thisUpdate: now - DAY })
    expect(validate(user, anchorsWith(before, after)).certificates).toHaveLength(2)
    const again = crlFrom(root, { revoked: [user], thisUpdate: now })
    expect(refusal(user, anchorsWith(again, before, after)).code).toBe('CERTIFICATE_REVOKED')
  })

  it('finds a list whose issuer is spelled in another string type than the CA', () => {
    const name = buildName([
      ['DC', 'org'],
      ['DC', 'example'],
      ['CN', 'Root', 'printable'],
    ])
    const spelled = new TestAuthority({ name, key: root.privateKey })
    expect(spelled.name.der).not.toEqual(root.name.der)
    const crls = [crlFrom(spelled, { revoked: [user] })]
    expect(refusal(user, anchorsOf([root], { crls })).code).toBe('CERTIFICATE_REVOKED')
  })

  it('keeps the lists of two keys of one CA apart', () => {
    const rekeyed = authority('Root')
    const crls = [crlFrom(rekeyed)]
    const anchors = anchorsOf([root, rekeyed], { crls })
    expect(validate(user, anchors).certificates).toHaveLength(2)
    expect(validate(userOf(rekeyed), anchors).certificates).toHaveLength(2)
  })
})
