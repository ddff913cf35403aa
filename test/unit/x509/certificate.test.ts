import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  DerReader,
  derBoolean,
  derOctetString,
  derOid,
  derSequence,
  encodeDer,
} from '../../../src/asn1/der.js'
import { OID } from '../../../src/asn1/oids.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { isSignedBy, parseCertificate } from '../../../src/x509/certificate.js'
import { readExtensions } from '../../../src/x509/extensions.js'
import { buildName, EMPTY_NAME } from '../../../src/x509/name.js'
import {
  type CertificateTemplate,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeExtendedKeyUsage,
  encodeKeyUsage,
  encodeSubjectAltNames,
  encodeSubjectKeyIdentifier,
  signCertificate,
} from '../../../src/x509/sign-certificate.js'
import { failureOf } from '../../support/failure.js'
import { testKey } from '../../support/pki.js'

const key = testKey('p256')
const publicKey = createPublicKey(key)
const template: CertificateTemplate = {
  serial: Buffer.from('00ff01', 'hex'),
  issuer: buildName([['CN', 'Issuer']]),
  subject: buildName([['CN', 'Subject']]),
  notBefore: asUnixSeconds(1_700_000_000),
  notAfter: asUnixSeconds(2_600_000_000),
  publicKey,
  extensions: [],
}
const make = (changes: Partial<CertificateTemplate> = {}, signer = key) =>
  parseCertificate(signCertificate({ ...template, ...changes }, signer))
const flag = { oid: OID.basicConstraints, critical: false, value: Buffer.from('3000', 'hex') }

describe('parseCertificate', () => {
  it('reads back what was signed, to the second', () => {
    const certificate = make()
    expect(certificate).toMatchObject({
      version: 3,
      serialHex: 'ff01',
      notBefore: 1_700_000_000,
      notAfter: 2_600_000_000,
      keyType: 'ec',
      keyBits: 256,
      signatureAlgorithm: { name: 'ecdsa-with-SHA256', hash: 'sha256' },
      basicConstraints: undefined,
      keyUsage: undefined,
      extendedKeyUsage: undefined,
      subjectAltNames: undefined,
    })
    expect(certificate.subject.oneLine).toBe('/CN=Subject')
    expect(certificate.issuer.oneLine).toBe('/CN=Issuer')
    expect(certificate.publicKey.equals(publicKey)).toBe(true)
  })

  it('agrees with node about fingerprint, serial number and key', () => {
    const certificate = make({ publicKey: createPublicKey(testKey('rsa2048')) })
    const other = new X509Certificate(certificate.der)
    expect(certificate.fingerprintSha256).toBe(
      other.fingerprint256.replaceAll(':', '').toLowerCase(),
    )
    expect(other.serialNumber).toBe('FF01')
    expect(certificate.publicKey.equals(other.publicKey)).toBe(true)
    expect(certificate).toMatchObject({ keyType: 'rsa', keyBits: 2048 })
  })

  it('decodes the extensions that decide', () => {
    const certificate = make({
      extensions: [
        encodeBasicConstraints({ ca: true, pathLength: 2 }),
        encodeKeyUsage(['keyCertSign', 'cRLSign', 'decipherOnly']),
        encodeExtendedKeyUsage([OID.clientAuth, OID.serverAuth]),
        encodeSubjectAltNames({ dns: ['a.example.org', '*.b'], ips: ['192.0.2.1', '2001:db8::1'] }),
        encodeSubjectKeyIdentifier(publicKey),
        encodeAuthorityKeyIdentifier(Buffer.from('0a0b', 'hex')),
      ],
    })
    expect(certificate).toMatchObject({
      basicConstraints: { ca: true, pathLength: 2 },
      extendedKeyUsage: [OID.clientAuth, OID.serverAuth],
      subjectAltNames: {
        dns: ['a.example.org', '*.b'],
        ips: ['192.0.2.1', '2001:db8::1'],
        other: false,
      },
    })
    expect([...(certificate.keyUsage ?? [])]).toEqual(['keyCertSign', 'cRLSign', 'decipherOnly'])
    expect(certificate.subjectKeyId).toHaveLength(20)
    expect(Buffer.from(certificate.authorityKeyId ?? []).toString('hex')).toBe('0a0b')
    expect(certificate.extension(OID.keyUsage)?.critical).toBe(true)
    expect(certificate.extension(OID.nameConstraints)).toBeUndefined()
  })

  it('takes an explicit FALSE for critical and for ca, which some CAs write', () => {
    const written = derSequence(derOid(flag.oid), derBoolean(false), derOctetString(flag.value))
    const [read] = readExtensions(new DerReader(derSequence(written)))
    expect(read).toMatchObject({ oid: OID.basicConstraints, critical: false })
    const certificate = make({
      extensions: [{ ...flag, value: Buffer.from('3003010100', 'hex') }],
    })
    expect(certificate.basicConstraints).toEqual({ ca: false })
  })

  it('reads a name-less, extension-less certificate of version 1', () => {
    const tbs = new DerReader(make().tbs).readSequence()
    tbs.readElement()
    const rest: Uint8Array[] = []
    while (!tbs.atEnd()) rest.push(tbs.readElement().raw)
    const outer = new DerReader(make().der).readSequence()
    outer.readElement()
    const certificate = parseCertificate(
      derSequence(derSequence(...rest), outer.readElement().raw, outer.readElement().raw),
    )
    expect(certificate).toMatchObject({ version: 1, extensions: [] })
    expect(make({ subject: EMPTY_NAME }).subject.oneLine).toBe('')
  })

  it.each([
    ['nothing', () => new Uint8Array()],
    ['a byte after the end', () => Buffer.concat([make().der, Buffer.of(0)])],
    ['the last byte missing', () => make().der.subarray(0, -1)],
    [
      'the same extension twice',
      () => signCertificate({ ...template, extensions: [flag, flag] }, key),
    ],
    [
      'a key usage that is no bit string',
      () => signCertificate({ ...template, extensions: [{ ...flag, oid: OID.keyUsage }] }, key),
    ],
    [
      'bytes after its basic constraints',
      () =>
        signCertificate(
          { ...template, extensions: [{ ...flag, value: Buffer.from('300000', 'hex') }] },
          key,
        ),
    ],
    ['two signature algorithms', () => swapAlgorithm(make().der)],
    ['a sequence as its version', () => Buffer.from(make().der).fill(0x30, 6, 7)],
  ])('refuses a certificate with %s', (_name, der) => {
    expect(failureOf(() => parseCertificate(der())).code).toBe('CERTIFICATE_MALFORMED')
  })

  it('says so when asked for a key whose point lies on no curve', () => {
    const { der, spki } = make()
    const broken = Buffer.from(der)
    const end = broken.indexOf(spki) + spki.length
    broken[end - 1] = (broken[end - 1] ?? 0) ^ 1
    expect(failureOf(() => parseCertificate(broken).publicKey)).toMatchObject({
      code: 'CERTIFICATE_MALFORMED',
      message: 'public key of the certificate is malformed',
    })
  })
})

/** The outer algorithm becomes ecdsa-with-SHA384; the inner one stays. */
function swapAlgorithm(der: Uint8Array): Uint8Array {
  const outer = new DerReader(der).readSequence()
  const tbs = outer.readElement().raw
  outer.readElement()
  const sha384 = Buffer.from('300a06082a8648ce3d040303', 'hex')
  return derSequence(tbs, sha384, outer.readElement().raw)
}

describe('signatures', () => {
  it.each([
    ['RSA-2048', testKey('rsa2048'), 'sha256WithRSAEncryption'],
    ['P-256', testKey('p256'), 'ecdsa-with-SHA256'],
    ['P-384', testKey('p384'), 'ecdsa-with-SHA384'],
    ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey, 'ecdsa-with-SHA512'],
    ['Ed25519', generateKeyPairSync('ed25519').privateKey, 'ED25519'],
  ])('made with %s verify with that key alone', (_name, signer, algorithm) => {
    const certificate = make({}, signer)
    expect(certificate.signatureAlgorithm.name).toBe(algorithm)
    expect(isSignedBy(certificate, createPublicKey(signer))).toBe(true)
    expect(isSignedBy(certificate, createPublicKey(testKey('p256')))).toBe(false)
    expect(isSignedBy(certificate, createPublicKey(testKey('rsa2048', 'other')))).toBe(false)
  })

  it('fail for every flipped bit of one byte of what was signed', () => {
    const { der } = make()
    const at = Buffer.from(der).indexOf('Subject')
    for (let bit = 0; bit < 8; bit++) {
      const forged = Buffer.from(der)
      forged[at] = (forged[at] ?? 0) ^ (1 << bit)
      expect(isSignedBy(parseCertificate(forged), publicKey)).toBe(false)
    }
  })

  it('are not made with a kind of key that nobody verifies', () => {
    const { privateKey } = generateKeyPairSync('x25519')
    expect(() => make({}, privateKey)).toThrow(TypeError)
  })

  it('by an unknown algorithm verify nothing and are named by number', () => {
    const unknown = Buffer.from('30060604 2a030405'.replace(' ', ''), 'hex')
    const certificate = make()
    const outer = new DerReader(certificate.der).readSequence()
    const tbs = new DerReader(outer.readElement().raw).readSequence()
    const fields: Uint8Array[] = []
    while (!tbs.atEnd()) fields.push(tbs.readElement().raw)
    fields[2] = unknown
    outer.readElement()
    const der = encodeDer(0x30, derSequence(...fields), unknown, outer.readElement().raw)
    const parsed = parseCertificate(der)
    expect(parsed.signatureAlgorithm).toEqual({
      oid: '1.2.3.4.5',
      name: '1.2.3.4.5',
      hash: undefined,
    })
    expect(isSignedBy(parsed, publicKey)).toBe(false)
  })
})
