import { describe, expect, it } from 'vitest'
import { checkPeerName, matchesHost } from '../../../src/gsi/peer-name.js'
import type { Certificate } from '../../../src/x509/certificate.js'
import { buildName } from '../../../src/x509/name.js'
import { failureOf } from '../../support/failure.js'
import { type CertificateOptions, TestAuthority } from '../../support/pki.js'

const ca = new TestAuthority()

function hostCertificate(commonName: string, options: CertificateOptions = {}): Certificate {
  const name = buildName([
    ['DC', 'org'],
    ['CN', commonName],
  ])
  const [certificate] = ca.issueHost(commonName, { name, dns: [], ...options }).chain
  if (certificate === undefined) throw new Error('no certificate')
  return certificate
}

const accepts = (certificate: Certificate, host: string, services?: readonly string[]) => {
  checkPeerName(certificate, services === undefined ? { host } : { host, services })
}

describe('checkPeerName', () => {
  it.each([
    ['a plain common name', hostCertificate('px.example.org'), 'px.example.org'],
    ['the Globus form host/fqdn', hostCertificate('host/px.example.org'), 'px.example.org'],
    ['upper case', hostCertificate('PX.example.org'), 'px.EXAMPLE.org'],
    ['a trailing dot', hostCertificate('px.example.org'), 'px.example.org.'],
    [
      'one of two alternative names',
      hostCertificate('node17', { dns: ['a.example.org', 'px.example.org'] }),
      'px.example.org',
    ],
    ['a wildcard label', hostCertificate('x', { dns: ['*.example.org'] }), 'px.example.org'],
    [
      'an alternative address for an address',
      hostCertificate('x', { ips: ['192.0.2.7'] }),
      '192.0.2.7',
    ],
    [
      'an IPv6 address in another spelling',
      hostCertificate('x', { ips: ['2001:db8::1'] }),
      '2001:db8:0:0:0:0:0:1',
    ],
    [
      'the common name, when only addresses are alternatives',
      hostCertificate('px.example.org', { ips: ['192.0.2.7'] }),
      'px.example.org',
    ],
  ])('accepts %s', (_what, certificate, host) => {
    expect(() => accepts(certificate, host)).not.toThrow()
  })

  it.each([
    [
      'the common name where an alternative name says otherwise',
      hostCertificate('px.example.org', { dns: ['other.example.org'] }),
      'px.example.org',
      ['other.example.org'],
    ],
    ['another host', hostCertificate('evil.example.org'), 'px.example.org', ['evil.example.org']],
    [
      'a name that only looks alike, with a Kelvin sign for its k',
      hostCertificate('ban\u212a.example.org'),
      'bank.example.org',
      ['ban\u212a.example.org'],
    ],
    ['a longer name', hostCertificate('px.example.org.evil'), 'px.example.org', undefined],
    ['a subdomain', hostCertificate('example.org'), 'px.example.org', undefined],
    [
      'a wildcard for two labels',
      hostCertificate('x', { dns: ['*.org'] }),
      'px.example.org',
      undefined,
    ],
    ['a wildcard of a top domain', hostCertificate('x', { dns: ['*.org'] }), 'a.org', undefined],
    ['a wildcard alone', hostCertificate('x', { dns: ['*'] }), 'localhost', undefined],
    [
      'half a label as wildcard',
      hostCertificate('x', { dns: ['p*.example.org'] }),
      'px.example.org',
      undefined,
    ],
    ['another service', hostCertificate('ldap/px.example.org'), 'px.example.org', []],
    ['an address in the common name', hostCertificate('192.0.2.7'), '192.0.2.7', []],
    [
      'an address as dns alternative',
      hostCertificate('x', { dns: ['192.0.2.7'] }),
      '192.0.2.7',
      [],
    ],
    ['another address', hostCertificate('x', { ips: ['192.0.2.8'] }), '192.0.2.7', ['192.0.2.8']],
  ])('refuses %s', (_what, certificate, host, found) => {
    const failure = failureOf(() => accepts(certificate, host))
    expect(failure.code).toBe('PEER_NAME_MISMATCH')
    expect(failure.data.expected).toBe(host)
    expect(failure.data.subject).toBe(certificate.subject.oneLine)
    if (found !== undefined) expect(failure.data.found).toEqual(found)
    expect(failure.hint).toContain(certificate.subject.oneLine)
  })

  it('accepts another service where the protocol has one', () => {
    const certificate = hostCertificate('myproxy/px.example.org')
    expect(() => accepts(certificate, 'px.example.org', ['host', 'myproxy'])).not.toThrow()
    expect(failureOf(() => accepts(certificate, 'px.example.org')).code).toBe('PEER_NAME_MISMATCH')
  })

  it('lets a configured DN decide alone, for and against', () => {
    const certificate = hostCertificate('px.example.org')
    const check = (host: string, serverDn: string) => () =>
      checkPeerName(certificate, { host, serverDn })
    expect(check('elsewhere.example.org', '/DC=org/CN=px.example.org')).not.toThrow()
    const failure = failureOf(check('px.example.org', '/DC=org/CN=other'))
    expect(failure.code).toBe('PEER_NAME_MISMATCH')
    expect(failure.data).toMatchObject({ expected: '/DC=org/CN=other' })
  })

  it.each(['/DC=org/CN=host/px.example.org', '/DC=org/CN=host\\/px.example.org'])(
    'takes a configured DN in either one-line form: %s',
    (serverDn) => {
      const certificate = hostCertificate('host/px.example.org')
      expect(() => checkPeerName(certificate, { host: 'px', serverDn })).not.toThrow()
    },
  )
})

describe('matchesHost', () => {
  it.each([
    ['', ''],
    ['.', '.'],
    ['a..b', 'a..b'],
    ['*.', 'x.'],
  ])('does not match "%s" with "%s"', (pattern, host) => {
    expect(matchesHost(pattern, host)).toBe(false)
  })
})
