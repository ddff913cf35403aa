/** Names, certificates, requests and keys of ours, read by the `openssl` command, and the reverse. */
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseCertificate } from '../../src/x509/certificate.js'
import {
  type AttributeText,
  buildName,
  nameHash,
  nameHashOld,
  parseName,
} from '../../src/x509/name.js'
import { encodePem, parsePem } from '../../src/x509/pem.js'
import { encodePrivateKey, parsePrivateKey } from '../../src/x509/private-key.js'
import { createRequest, parseRequest } from '../../src/x509/request.js'
import { OpensslCa, openssl } from '../support/openssl-ca.js'
import { TestAuthority, testKey } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

let directory = ''
let cleanUp = async () => {}
beforeAll(async () => {
  const made = await makeTemporaryDirectory()
  directory = made.path
  cleanUp = made.remove
})
afterAll(() => cleanUp())

type Parts = readonly (AttributeText | readonly AttributeText[])[]

describeWithPrograms('names as openssl sees them', ['openssl'], () => {
  it.each<[string, Parts]>([
    [
      'plain',
      [
        ['C', 'CH'],
        ['O', 'Example'],
        ['CN', 'host/a.example.org'],
      ],
    ],
    [
      'UTF-8',
      [
        ['DC', 'org'],
        ['CN', 'Zoë Müller 名前 😀'],
      ],
    ],
    [
      'T61',
      [
        ['O', 'Université', 't61'],
        ['CN', 'Zoë', 't61'],
      ],
    ],
    [
      'BMP',
      [
        ['O', 'Žluťoučký kůň', 'bmp'],
        ['CN', 'ASCII only', 'bmp'],
      ],
    ],
    ['UniversalString', [['CN', 'a😀ß', 'universal']]],
    [
      'multi-valued',
      [
        ['DC', 'org'],
        [
          ['CN', 'Alice'],
          ['UID', 'alice'],
          ['OU', 'x'],
        ],
        [
          ['O', 'b'],
          ['O', 'a'],
        ],
      ],
    ],
    [
      'white space and capitals',
      [
        ['O', '  A   B\tC  '],
        ['CN', '\u00a0NO-BREAK\u00a0'],
      ],
    ],
    [
      'only white space',
      [
        ['O', '   '],
        ['CN', ''],
      ],
    ],
    [
      'capitals beyond ASCII',
      [
        ['CN', 'ÄÖÜ ÉÈ', 'bmp'],
        ['O', 'ÀÇ', 'utf8'],
      ],
    ],
    ['control characters', [['CN', 'a\u0001\u007f\nb']]],
    ['slashes, equals, plus, backslash, quotes', [['CN', 'a/CN=b+c\\x41"\'']]],
    [
      'e-mail addresses and user ids',
      [
        ['emailAddress', 'A@Example.ORG'],
        ['UID', 'alice'],
        ['serialNumber', '42'],
      ],
    ],
    [
      'types that openssl does not know',
      [
        ['1.3.6.1.4.1.99999.1.2', 'x'],
        ['CN', 'a'],
      ],
    ],
    [
      'rare types',
      [
        ['title', 'Dr'],
        ['GN', 'A'],
        ['SN', 'B'],
        ['pseudonym', 'C'],
        ['organizationIdentifier', 'D'],
      ],
    ],
  ])('%s: one-line form and both hashes agree', async (_name, parts) => {
    const { certificate } = new TestAuthority({ name: buildName(parts) })
    const show = ['x509', '-noout', '-nameopt', 'compat', '-subject', '-subject_hash']
    const said = await openssl([...show, '-subject_hash_old'], {
      input: encodePem('CERTIFICATE', certificate.der),
    })
    const { subject } = certificate
    expect(said).toBe(`subject=${subject.oneLine}\n${nameHash(subject)}\n${nameHashOld(subject)}`)
  })

  it('requests of openssl keep their subject byte for byte through our parser', async () => {
    const subject = '/DC=org/O=Zoë/CN=a+UID=b/CN=x'
    const args = ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null']
    const pem = await openssl([...args, '-subj', subject, '-utf8', '-multivalue-rdn'])
    const [block] = parsePem(pem)
    if (block === undefined) throw new TypeError('no request')
    const request = parseRequest(block.bytes)
    expect(request.subject.oneLine).toBe('/DC=org/O=Zo\\xC3\\xAB/CN=a+UID=b/CN=x')
    expect(Buffer.from(block.bytes).includes(Buffer.from(request.subject.der))).toBe(true)
    expect(parseName(request.subject.der).parts).toHaveLength(4)
  })

  it.each([
    ['RSA-2048', testKey('rsa2048')],
    ['P-256', testKey('p256')],
  ])('signs a certificate for our request of a key of kind %s', async (_name, key) => {
    const home = join(directory, `request-${key.asymmetricKeyType}`)
    await mkdir(home)
    const ca = await OpensslCa.create(join(home, 'ca'), '/DC=org/CN=OpenSSL CA')
    const subject = buildName([
      ['DC', 'org'],
      ['CN', 'Grüße', 'bmp'],
    ])
    const request = join(home, 'request.pem')
    await writeFile(request, encodePem('CERTIFICATE REQUEST', createRequest(key, subject)))
    expect(await openssl(['req', '-in', request, '-noout', '-verify'])).toBe('')
    const [block] = parsePem(await readFile(await ca.issueFor('ours', request)))
    const certificate = parseCertificate(block?.bytes ?? Buffer.alloc(0))
    expect(certificate.subject.der).toEqual(subject.der)
  })
})

describeWithPrograms('private keys of openssl', ['openssl'], () => {
  const secret = ['-passout', 'pass:secret']
  const legacy = ['-provider', 'legacy', '-provider', 'default']
  it.each([
    ['PKCS#1 with single DES', ['rsa', '-traditional', '-des', ...secret, ...legacy]],
    ['PKCS#1 with AES', ['rsa', '-traditional', '-aes256', ...secret]],
    ['PKCS#8 with PBES2', ['pkcs8', '-topk8', ...secret]],
    [
      'PKCS#8 with MD5 and single DES',
      ['pkcs8', '-topk8', '-v1', 'PBE-MD5-DES', ...secret, ...legacy],
    ],
    [
      'PKCS#8 with SHA-1 and single DES',
      ['pkcs8', '-topk8', '-v1', 'PBE-SHA1-DES', ...secret, ...legacy],
    ],
    ['PKCS#8 with SHA-1 and triple DES', ['pkcs8', '-topk8', '-v1', 'PBE-SHA1-3DES', ...secret]],
  ])('%s is decrypted', async (_name, args) => {
    const key = testKey('rsa2048')
    const [block] = parsePem(await openssl(args, { input: encodePrivateKey(key) }))
    if (block === undefined) throw new TypeError('no key')
    expect(parsePrivateKey(block, Buffer.from('secret')).equals(key)).toBe(true)
  })
})

const SYSTEM_DIRECTORY = '/etc/ssl/certs'
const hashedNames = existsSync(SYSTEM_DIRECTORY)
  ? readdirSync(SYSTEM_DIRECTORY).filter((name) => /^[0-9a-f]{8}\.\d$/.test(name))
  : []

it.skipIf(hashedNames.length === 0)(
  `parses the ${hashedNames.length} public CAs of this machine, each under the hash of its file`,
  async () => {
    for (const name of hashedNames) {
      const [block] = parsePem(await readFile(join(SYSTEM_DIRECTORY, name)))
      const certificate = parseCertificate(block?.bytes ?? Buffer.alloc(0))
      expect(certificate.publicKey.type).toBe('public')
      expect([nameHash(certificate.subject), nameHashOld(certificate.subject)]).toContain(
        name.slice(0, 8),
      )
    }
  },
)
