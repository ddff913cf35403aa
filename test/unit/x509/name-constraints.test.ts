import { describe, expect, it } from 'vitest'
import { derContext, derInteger, derSequence, encodeDer } from '../../../src/asn1/der.js'
import { OID } from '../../../src/asn1/oids.js'
import { constructedContextTag, contextTag } from '../../../src/asn1/tags.js'
import { parseIp } from '../../../src/x509/ip-address.js'
import { type AttributeText, buildName } from '../../../src/x509/name.js'
import { satisfiesNameConstraints } from '../../../src/x509/name-constraints.js'
import { failureOf } from '../../support/failure.js'
import { TestAuthority } from '../../support/pki.js'

const directory = (...parts: AttributeText[]) =>
  encodeDer(constructedContextTag(4), buildName(parts).der)
const dns = (name: string) => encodeDer(contextTag(2), Buffer.from(name))
const email = (name: string) => encodeDer(contextTag(1), Buffer.from(name))
const ip = (address: string, mask: string) =>
  encodeDer(contextTag(7), Buffer.concat([parseIp(address), parseIp(mask)]))
const subtrees = (number: number, names: readonly Uint8Array[]) =>
  names.length === 0 ? [] : [derContext(number, ...names.map((name) => derSequence(name)))]

function authorityWith(permitted: readonly Uint8Array[], excluded: readonly Uint8Array[] = []) {
  const value = derSequence(...subtrees(0, permitted), ...subtrees(1, excluded))
  return new TestAuthority({ extensions: [{ oid: OID.nameConstraints, critical: true, value }] })
}

const user = new TestAuthority().issueUser('alice').chain[0]
const host = new TestAuthority().issueHost('Node.Example.org', { ips: ['192.0.2.7'] }).chain[0]
if (user === undefined || host === undefined) throw new TypeError('no certificate')

function hostNamed(name: string) {
  const [certificate] = new TestAuthority().issueHost('x', { dns: [name] }).chain
  if (certificate === undefined) throw new TypeError('no certificate')
  return certificate
}

const org: AttributeText = ['DC', 'org']
const example: AttributeText = ['DC', 'example']

describe('name constraints', () => {
  it.each([
    [
      'a permitted directory name above the user',
      user,
      authorityWith([directory(org, example)]),
      true,
    ],
    ['another directory name', user, authorityWith([directory(org, ['DC', 'other'])]), false],
    [
      'a directory name longer than the user',
      user,
      authorityWith([directory(org, example, ['OU', 'Users'], ['CN', 'alice'], ['CN', 'x'])]),
      false,
    ],
    [
      'the same text in another string type',
      user,
      authorityWith([directory(org, ['DC', 'example', 'utf8'])]),
      false,
    ],
    [
      'one of two permitted ones',
      user,
      authorityWith([directory(['C', 'CH']), directory(org)]),
      true,
    ],
    ['an excluded directory name', user, authorityWith([], [directory(org, example)]), false],
    [
      'an excluded directory name in another string type and case',
      user,
      authorityWith([], [directory(org, ['DC', 'EXAMPLE', 'utf8'])]),
      false,
    ],
    [
      'an excluded domain, for a name that ends in a dot',
      hostNamed('node.example.org.'),
      authorityWith([], [dns('example.org')]),
      false,
    ],
    [
      'an excluded host that a wildcard takes in',
      hostNamed('*.example.org'),
      authorityWith([], [dns('node.example.org')]),
      false,
    ],
    [
      'an excluded domain beside that of a wildcard',
      hostNamed('*.example.org'),
      authorityWith([], [dns('example.com')]),
      true,
    ],
    ['an excluded one elsewhere', user, authorityWith([], [directory(['C', 'CH'])]), true],
    [
      'excluded inside permitted',
      user,
      authorityWith([directory(org)], [directory(org, example)]),
      false,
    ],
    ['DNS names for a user without any', user, authorityWith([dns('example.org')]), true],
    ['the domain of a host, whatever the case', host, authorityWith([dns('EXAMPLE.ORG')]), true],
    ['the domain with a leading dot', host, authorityWith([dns('.example.org')]), true],
    ['a domain that is only a suffix of the text', host, authorityWith([dns('ample.org')]), false],
    ['an excluded domain', host, authorityWith([], [dns('org')]), false],
    ['the network of a host', host, authorityWith([ip('192.0.2.0', '255.255.255.0')]), true],
    ['another network', host, authorityWith([ip('198.51.100.0', '255.255.255.0')]), false],
    [
      'a network of the other family',
      host,
      authorityWith([ip('2001:db8::', 'ffff:ffff::')]),
      false,
    ],
    [
      'e-mail addresses for a host without other names',
      host,
      authorityWith([email('example.org')]),
      true,
    ],
  ])('%s', (_name, certificate, authority, expected) => {
    expect(satisfiesNameConstraints(certificate, authority.certificate)).toBe(expected)
  })

  it.each(['a.evil.org', 'host/a.evil.org', 'a.evil.org.', '*.a.evil.org'])(
    'on DNS hold for the common name %s of a host without alternative names',
    (commonName) => {
      const [legacy] = new TestAuthority().issueUser(buildName([['CN', commonName]])).chain
      if (legacy === undefined) throw new TypeError('no certificate')
      const confined = authorityWith([dns('example.org')]).certificate
      expect(satisfiesNameConstraints(legacy, confined)).toBe(false)
      const wide = authorityWith([dns('evil.org')]).certificate
      expect(satisfiesNameConstraints(legacy, wide)).toBe(true)
    },
  )

  it('refuse a certificate with names of a kind that we do not decode', () => {
    const value = derSequence(email('alice@example.org'))
    const withEmail = new TestAuthority().issueUser('alice', {
      extensions: [{ oid: OID.subjectAltName, critical: false, value }],
    }).chain[0]
    if (withEmail === undefined) throw new TypeError('no certificate')
    const byEmail = authorityWith([email('example.org')]).certificate
    const byDirectory = authorityWith([directory(org)]).certificate
    expect(satisfiesNameConstraints(withEmail, byEmail)).toBe(false)
    expect(satisfiesNameConstraints(withEmail, byDirectory)).toBe(true)
  })

  it('are malformed with a minimum, which RFC 5280 forbids', () => {
    const subtree = derSequence(dns('org'), encodeDer(contextTag(0), derInteger(1).subarray(2)))
    const value = derSequence(derContext(0, subtree))
    const authority = new TestAuthority({
      extensions: [{ oid: OID.nameConstraints, critical: true, value }],
    })
    const check = () => satisfiesNameConstraints(host, authority.certificate)
    expect(failureOf(check).code).toBe('ASN1_MALFORMED')
  })
})

describe('addresses', () => {
  it.each([
    ['192.0.2.1', 'c0000201'],
    ['::1', '00000000000000000000000000000001'],
    ['2001:db8:0:1::a', '20010db8000000010000000000 00000a'.replace(' ', '')],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
  ])('%s are octets', (text, hex) => {
    expect(Buffer.from(parseIp(text)).toString('hex')).toBe(hex)
  })

  it.each(['', 'localhost', '1.2.3', '1.2.3.256', 'fe80::1%eth0'])('"%s" is none', (text) => {
    expect(() => parseIp(text)).toThrow(TypeError)
  })
})
