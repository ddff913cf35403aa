/** Extension files, compared with what OpenSSL makes of the same lines. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OID } from '../../../../src/asn1/oids.js'
import { compileExtensions } from '../../../../src/myproxy/server/authority/compile-extensions.js'
import { parseExtensionText } from '../../../../src/myproxy/server/authority/extension-text.js'
import { type CertificateExtension, parseCertificate } from '../../../../src/x509/certificate.js'
import { encodePem } from '../../../../src/x509/pem.js'
import { createRequest } from '../../../../src/x509/request.js'
import { execFileSync } from '../../../support/bounded.js'
import { failureOf } from '../../../support/failure.js'
import { TestAuthority, testKey, userName } from '../../../support/pki.js'
import { writeCredentialPair } from '../../../support/pki-files.js'
import { describeWithPrograms } from '../../../support/programs.js'
import { makeTemporaryDirectory } from '../../../support/temporary-directory.js'

const root = new TestAuthority()
const issuer = new TestAuthority({ name: userName('Online CA'), parent: root })
const key = testKey()
const subject = parseCertificate(issuer.issueUser('bob', { key }).chain[0]?.der ?? Buffer.alloc(0))
const about = { publicKey: subject.publicKey, issuer: issuer.certificate }

const KEY_IDENTIFIERS: readonly string[] = [OID.subjectKeyIdentifier, OID.authorityKeyIdentifier]

const compile = (text: string) => compileExtensions(parseExtensionText(text, '/ext'), '/ext', about)

describeWithPrograms('an extension file', ['openssl'], () => {
  let temporary: Awaited<ReturnType<typeof makeTemporaryDirectory>>
  let files: { cert: string; key: string; request: string; extensions: string; out: string }
  beforeAll(async () => {
    temporary = await makeTemporaryDirectory()
    const at = (name: string) => join(temporary.path, name)
    const credential = { privateKey: issuer.privateKey, chain: [issuer.certificate] }
    const pair = await writeCredentialPair(temporary.path, 'ca', credential)
    const paths = { request: at('request'), extensions: at('extensions'), out: at('out') }
    files = { ...pair, ...paths }
    const request = encodePem('CERTIFICATE REQUEST', createRequest(key, subject.subject))
    await writeFile(files.request, request)
  })
  afterAll(() => temporary?.remove())

  const byOpenssl = async (text: string) => {
    await writeFile(files.extensions, text)
    const args = ['x509', '-req', '-in', files.request, '-CA', files.cert, '-CAkey', files.key]
    args.push('-set_serial', '7', '-extfile', files.extensions, '-outform', 'DER')
    const options = { stdio: ['ignore', 'pipe', 'ignore'] as const }
    return parseCertificate(
      execFileSync('openssl', args, { ...options, stdio: [...options.stdio] }),
    )
  }

  it.each([
    [
      'the example of the man page',
      `keyUsage=digitalSignature,keyEncipherment,dataEncipherment
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid,issuer:always
crlDistributionPoints=URI:http://ca.ncsa.uiuc.edu/4a6cd8b1.r0
basicConstraints=CA:FALSE`,
    ],
    [
      'flags, long names, purposes by name and by number',
      `keyUsage = critical, Digital Signature, nonRepudiation, keyAgreement, decipherOnly
extendedKeyUsage = critical,clientAuth, serverAuth,emailProtection,codeSigning,timeStamping,1.2.3.4
basicConstraints=critical,CA:FALSE`,
    ],
    ['the key identifier of the CA alone', 'authorityKeyIdentifier=keyid'],
    ['its name where it is asked for only as a substitute', 'authorityKeyIdentifier=keyid,issuer'],
    ['its name', 'authorityKeyIdentifier=issuer:always'],
    [
      'names of all kinds',
      'subjectAltName=email:x@y.ch,DNS:a.b,URI:https://a/b?c=d,IP:10.0.0.1,IP:2001:db8::1,RID:1.2.3',
    ],
    [
      'names in a section',
      'subjectAltName=@alt\n[alt]\nDNS.1=a.example\nDNS.2 = b.example\nemail=a@b',
    ],
    [
      'two places of revocation lists, one of them in a section',
      'crlDistributionPoints=URI:http://a/1,place\n[place]\nfullname=URI:http://b/2,URI:ldap://c/d',
    ],
    [
      'policies',
      'certificatePolicies=1.2.3.4,1.2.840.113612.5.2.2.1,@cps\n[cps]\npolicyIdentifier=1.3.5.8\nCPS.1="http://a/b"\nCPS.2=http://c/d',
    ],
    ['where to ask', 'authorityInfoAccess=OCSP;URI:http://o.example/,caIssuers;URI:http://c/d.crt'],
    [
      'what browsers of 1996 read',
      'nsCertType=client,email,objsign\nnsComment="A, \\"quoted\\" # text"\nnsBaseUrl=https://a/',
    ],
    ['bytes', '1.2.3.4=DER:05:00\n1.2.3.5=critical,DER:0403616263'],
    [
      'values by type',
      '1.2.3.4=ASN1:UTF8String:Some text\n1.2.3.5=ASN1:NULL\n1.2.3.6=ASN1:OID:1.2.3',
    ],
    [
      'comments, quotes, a line that continues, and DOS ends',
      "# first\nkeyUsage = digital\\\nSignature # behind\r\n\r\nsubjectAltName = 'email:a@b'\r\n",
    ],
    ['the default section by its name', '[ default ]\nkeyUsage=digitalSignature'],
  ])('compiles %s to the bytes of OpenSSL', async (_name, text) => {
    const shown = (list: readonly CertificateExtension[]) =>
      list.map(({ oid, critical, value }) => [oid, critical, Buffer.from(value).toString('hex')])
    const ours = compile(text)
    const { extensions } = await byOpenssl(text)
    // "openssl x509" adds key identifiers where a file has none.
    const asked = extensions.filter(
      ({ oid }) => !KEY_IDENTIFIERS.includes(oid) || ours.some((one) => one.oid === oid),
    )
    expect(shown(ours)).toEqual(shown(asked))
    expect(ours.length).toBeGreaterThan(0)
  })
})

describe('an extension file', () => {
  it.each([
    ['nothing', ''],
    ['comments alone', '# only this\n\n'],
    ['another section alone', '[x]\nkeyUsage=digitalSignature'],
  ])('may hold %s: no extension then', (_name, text) => {
    expect(compile(text)).toEqual([])
  })

  it.each<[string, string, string, number?]>([
    ['an unknown name', 'foo=bar', 'foo: is no extension'],
    ['an unknown usage', 'keyUsage=bogus', '"bogus" is not known'],
    ['no equals sign', 'keyUsage', 'neither NAME = VALUE'],
    ['a variable', 'subjectAltName=email:$ENV::HOME', 'variables'],
    ['an include', '.include=/etc/passwd', 'variables and includes'],
    ['an open quotation mark', 'nsComment="x', 'open quotation mark'],
    ['a section that is not there', 'subjectAltName=@alt', 'no section [alt]'],
    ['an address out of the request', 'subjectAltName=email:copy', 'no e-mail address'],
    ['half a byte', '1.2.3=DER:050', 'odd number of digits'],
    ['bytes that are no DER', '1.2.3=DER:0505', '1.2.3:'],
    ['a number that is none', '1.2.3=ASN1:INT:x', '1.2.3:'],
    ['an extension twice', 'keyUsage=digitalSignature\nkeyUsage=keyAgreement', 'twice', 2],
    ['another CA', 'basicConstraints=critical,CA:TRUE', 'another CA'],
    ['another CA, in bytes', 'basicConstraints=DER:30030101FF', 'another CA'],
    ['another CA, by number', '2.5.29.19=DER:30030101FF', 'another CA'],
    ['the signing of certificates', 'keyUsage=keyCertSign', '"keyCertSign" is not known'],
    ['the signing of certificates, in bytes', 'keyUsage=DER:03020204', 'another CA'],
    ['a proxy', '1.3.6.1.5.5.7.1.14=DER:300c300a06082b06010505071501', 'a proxy certificate'],
    [
      '101 extensions',
      Array.from({ length: 101 }, (_, i) => `1.2.${i}=DER:0500`).join('\n'),
      'many',
    ],
  ])('is refused for %s, by line', (_name, text, problem, line = 1) => {
    const { code, message, data } = failureOf(() => compile(text))
    expect({ code, data }).toEqual({ code: 'CONFIG_INVALID', data: { path: '/ext', line } })
    expect(message).toContain(problem)
  })
})
