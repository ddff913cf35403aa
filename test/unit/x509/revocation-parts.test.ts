/** Lists that a CA splits into parts: which of them speak about which certificate. */
import { describe, expect, it } from 'vitest'
import {
  derBoolean,
  derContext,
  derOctetString,
  derOid,
  derSequence,
  encodeDer,
} from '../../../src/asn1/der.js'
import { OID } from '../../../src/asn1/oids.js'
import { contextTag } from '../../../src/asn1/tags.js'
import type { Certificate } from '../../../src/x509/certificate.js'
import { buildName, nameContent } from '../../../src/x509/name.js'
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

const root = authority('Root')
const issuing = authority('Issuing', { parent: root })

const uri = (text: string) => encodeDer(contextTag(6), Buffer.from(text))
const full = (...names: Uint8Array[]) => derContext(0, derContext(0, ...names))
/** `[1]` of DistributionPointName: the last part of a name below the issuer's. */
const relative = (commonName: string) => {
  const set = nameContent(buildName([['CN', commonName]]))
  return derContext(0, encodeDer(0xa1, set.subarray(2)))
}
const directory = (name: Uint8Array) => derContext(4, name)
const flag = (number: number) => encodeDer(contextTag(number), Buffer.of(0xff))
/** ReasonFlags of 9 bits. */
const reasons = (number: number, first: number, last: number) =>
  encodeDer(contextTag(number), Buffer.of(7, first, last))

interface Part {
  revoked?: readonly Certificate[]
  expired?: boolean
  thisUpdate?: number
}

/** A list of `root` with these parts of an IssuingDistributionPoint. */
const part = (point: readonly Uint8Array[], options: Part = {}) => {
  const value = derOctetString(derSequence(...point))
  const extension = derSequence(derOid(OID.issuingDistributionPoint), derBoolean(true), value)
  return crlFrom(root, {
    revoked: options.revoked ?? [],
    extensions: [extension],
    thisUpdate: options.thisUpdate ?? now - 3600,
    nextUpdate: now + (options.expired ? -1 : 3600),
  })
}

/** A user whose certificate names these distribution points. */
const userWith = (...points: readonly Uint8Array[][]) => {
  const value = derSequence(...points.map((point) => derSequence(...point)))
  return userOf(root, { extensions: [{ oid: OID.crlDistributionPoints, critical: false, value }] })
}
const crls = (...lists: ReturnType<typeof part>[]) => anchorsOf([root], { crls: lists })
const NOT_COVERED = { code: 'CRL_UNREADABLE', data: { reason: 'not-covered' } }

describe('lists by distribution point', () => {
  const one = userWith([full(uri('http://ca/1'))])
  const two = userWith([full(uri('http://ca/2'))])

  it('are told apart: the newer list of point 2 does not hide that point 1 revoked', () => {
    const first = part([full(uri('http://ca/1'))], { revoked: [one], thisUpdate: now - 7200 })
    const second = part([full(uri('http://ca/2'))])
    for (const anchors of [crls(first, second), crls(second, first)]) {
      expect(refusal(one, anchors).code).toBe('CERTIFICATE_REVOKED')
      expect(validate(two, anchors).certificates).toHaveLength(2)
    }
  })

  it('replace each other by age within a point', () => {
    const before = part([full(uri('http://ca/1'))], { revoked: [one], thisUpdate: now - 7200 })
    const after = part([full(uri('http://ca/1'))])
    expect(validate(one, crls(before, after)).certificates).toHaveLength(2)
  })

  it('do not vouch for a certificate of another point, which is refused and named', () => {
    const failure = refusal(one, crls(part([full(uri('http://ca/2'))])))
    expect(failure).toMatchObject(NOT_COVERED)
    expect(failure.data.subject).toBe('/DC=org/DC=example/OU=Users/CN=alice')
    expect(failure.message).toContain('says nothing about /DC=org/DC=example/OU=Users/CN=alice')
  })

  it('do not vouch for a certificate that names no point at all', () => {
    expect(refusal(userOf(root), crls(part([full(uri('http://ca/1'))])))).toMatchObject(NOT_COVERED)
  })

  it('count for one that has any name in common with the point', () => {
    const both = userWith([full(uri('http://ca/0'))], [full(uri('ldap://x'), uri('http://ca/1'))])
    const list = part([full(uri('http://ca/1'), uri('http://mirror/1'))])
    expect(validate(both, crls(list)).certificates).toHaveLength(2)
    expect(validate(one, crls(list)).certificates).toHaveLength(2)
  })

  it('need not be current for the certificates of other points', () => {
    const expired = part([full(uri('http://ca/2'))], { expired: true })
    const anchors = crls(part([full(uri('http://ca/1'))]), expired)
    expect(validate(one, anchors).certificates).toHaveLength(2)
    expect(refusal(two, anchors).code).toBe('CRL_EXPIRED')
  })

  it('are made up for by a whole list beside them', () => {
    const whole = crlFrom(root, { revoked: [two] })
    const anchors = crls(part([full(uri('http://ca/9'))]), whole)
    expect(validate(one, anchors).certificates).toHaveLength(2)
    expect(refusal(two, anchors).code).toBe('CERTIFICATE_REVOKED')
  })

  it('match by a name relative to the CA, on either side', () => {
    const whole = directory(
      buildName([
        ['DC', 'org'],
        ['DC', 'EXAMPLE'],
        ['CN', 'Root'],
        ['CN', 'CRL1'],
      ]).der,
    )
    for (const [point, name] of [
      [relative('CRL1'), relative('CRL1')],
      [full(whole), relative('CRL1')],
      [relative('CRL1'), full(whole)],
    ] as const) {
      expect(validate(userWith([name]), crls(part([point]))).certificates).toHaveLength(2)
    }
    const other = userWith([relative('CRL2')])
    expect(refusal(other, crls(part([relative('CRL1')])))).toMatchObject(NOT_COVERED)
  })

  it('named like the CA itself are for certificates that name no point', () => {
    const list = part([full(directory(root.name.der))], { revoked: [] })
    expect(validate(userOf(root), crls(list)).certificates).toHaveLength(2)
  })

  it('of another issuer in the certificate are not those of its CA', () => {
    const elsewhere = derContext(2, directory(authority('Elsewhere').name.der))
    const own = derContext(2, directory(root.name.der))
    const list = part([full(uri('http://ca/1'))])
    const point = full(uri('http://ca/1'))
    expect(refusal(userWith([point, elsewhere]), crls(list))).toMatchObject(NOT_COVERED)
    expect(validate(userWith([point, own]), crls(list)).certificates).toHaveLength(2)
  })

  it('are not looked for in a certificate whose points cannot be read', () => {
    const extension = {
      oid: OID.crlDistributionPoints,
      critical: false,
      value: Buffer.of(0x30, 1, 5),
    }
    const broken = userOf(root, { extensions: [extension] })
    const failure = refusal(broken, crls(part([full(uri('http://ca/1'))])))
    expect(failure.code).toBe('CERTIFICATE_MALFORMED')
    expect(validate(broken, crls(crlFrom(root))).certificates).toHaveLength(2)
  })
})

describe('lists by kind of certificate', () => {
  const user = userOf(root)
  const below = anchorsOf([root], { signingPolicies: policiesOf(root, issuing) })
  const withLists = (...lists: ReturnType<typeof part>[]) =>
    anchorsOf([root], { crls: lists, signingPolicies: policiesOf(root, issuing) })
  const ofIssuing = userOf(issuing)

  it('of end entities vouch for users, and not for a CA below', () => {
    const anchors = withLists(part([flag(1)]))
    expect(validate(user, anchors).certificates).toHaveLength(2)
    expect(refusal(ofIssuing, anchors, [issuing.certificate])).toMatchObject({
      ...NOT_COVERED,
      data: { subject: '/DC=org/DC=example/CN=Issuing' },
    })
  })

  it('of authorities vouch for a CA below, and not for users', () => {
    const anchors = withLists(part([flag(2)]))
    expect(validate(ofIssuing, anchors, [issuing.certificate]).certificates).toHaveLength(3)
    expect(refusal(user, anchors)).toMatchObject(NOT_COVERED)
  })

  it('of both kinds each revoke their own', () => {
    const users = part([flag(1)], { revoked: [user], thisUpdate: now - 7200 })
    const anchors = withLists(users, part([flag(2)], { revoked: [issuing.certificate] }))
    expect(refusal(user, anchors).code).toBe('CERTIFICATE_REVOKED')
    expect(refusal(ofIssuing, anchors, [issuing.certificate]).code).toBe('CERTIFICATE_REVOKED')
  })

  it('of attribute certificates say nothing, as if there were none', () => {
    expect(validate(user, withLists(part([flag(5)]))).certificates).toHaveLength(2)
    expect(validate(user, below).certificates).toHaveLength(2)
    const revoking = withLists(part([flag(5)]), crlFrom(root, { revoked: [user] }))
    expect(refusal(user, revoking).code).toBe('CERTIFICATE_REVOKED')
  })
})

describe('lists by reason', () => {
  const user = userOf(root)
  // keyCompromise and cACompromise; then everything else of bits 1 to 8.
  const compromised = (options: Part = {}) => part([reasons(3, 0x60, 0)], options)
  const others = (options: Part = {}) => part([reasons(3, 0x1f, 0x80)], options)

  it('vouch together and not one alone', () => {
    expect(refusal(user, crls(compromised()))).toMatchObject(NOT_COVERED)
    expect(refusal(user, crls(others()))).toMatchObject(NOT_COVERED)
    expect(validate(user, crls(compromised(), others())).certificates).toHaveLength(2)
  })

  it('revoke one alone, whichever it is', () => {
    for (const anchors of [
      crls(compromised({ revoked: [user] }), others()),
      crls(compromised(), others({ revoked: [user] })),
      crls(compromised({ revoked: [user] })),
    ]) {
      expect(refusal(user, anchors).code).toBe('CERTIFICATE_REVOKED')
    }
  })

  it('that the certificate keeps at two points need the lists of both', () => {
    const split = userWith(
      [full(uri('http://ca/1')), reasons(1, 0x60, 0)],
      [full(uri('http://ca/2')), reasons(1, 0x1f, 0x80)],
    )
    const [one, two] = [part([full(uri('http://ca/1'))]), part([full(uri('http://ca/2'))])]
    expect(refusal(split, crls(one))).toMatchObject(NOT_COVERED)
    expect(validate(split, crls(one, two)).certificates).toHaveLength(2)
  })
})
