/** PKCS#12 files as OpenSSL, old and new, and Java's keytool write them. */
import { mkdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseCertificate } from '../../src/x509/certificate.js'
import { buildName } from '../../src/x509/name.js'
import { encodePem } from '../../src/x509/pem.js'
import { parsePkcs12 } from '../../src/x509/pkcs12.js'
import { keysMatch } from '../../src/x509/private-key.js'
import { rejectionOf } from '../support/failure.js'
import { openssl } from '../support/openssl-ca.js'
import { TestAuthority, type TestKeyKind } from '../support/pki.js'
import { writeCredentialPair } from '../support/pki-files.js'
import { describeWithPrograms, findProgram } from '../support/programs.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

const PASS_PHRASE = 'grün, und 42 Äpfel'

const ca = new TestAuthority({ key: 'rsa2048' })
let directory = ''
let remove: () => Promise<void> = async () => undefined

beforeAll(async () => {
  const made = await makeTemporaryDirectory()
  directory = made.path
  remove = made.remove
})
afterAll(() => remove())

const user = (name: string, kind: TestKeyKind = 'rsa2048') =>
  ca.issueUser(
    buildName([
      ['DC', 'org'],
      ['O', 'Universität Zürich'],
      ['CN', name],
    ]),
    { key: kind },
  )

/** Exports a credential with `openssl pkcs12` and returns the bytes of the file. */
async function exported(
  name: string,
  options: readonly string[] = [],
  { passPhrase = PASS_PHRASE, kind = 'rsa2048' as TestKeyKind } = {},
) {
  const credential = user(name, kind)
  const place = join(directory, `${name}-${Math.random().toString(36).slice(2)}`)
  mkdirSync(place)
  const { cert, key } = await writeCredentialPair(place, 'user', credential)
  const authority = join(place, 'ca.pem')
  await writeFile(authority, encodePem('CERTIFICATE', ca.certificate.der))
  const out = join(place, 'out.p12')
  const words = ['pkcs12', '-export', '-in', cert, '-inkey', key, '-certfile', authority]
  await openssl([...words, ...options, '-passout', `pass:${passPhrase}`, '-out', out])
  return { credential, file: out, bytes: await readFile(out) }
}

describeWithPrograms('PKCS#12 files of OpenSSL', ['openssl'], () => {
  it.each([
    ['AES-256 and SHA-256, as OpenSSL 3 does by itself', []],
    [
      'AES-128 and a MAC with SHA-512',
      ['-certpbe', 'AES-128-CBC', '-keypbe', 'AES-128-CBC', '-macalg', 'sha512'],
    ],
    [
      'AES-192 and PBKDF2 with SHA-1',
      ['-certpbe', 'AES-192-CBC', '-keypbe', 'AES-192-CBC', '-macalg', 'sha1'],
    ],
    ['RC2 of 40 bits and triple DES, as OpenSSL 1 did', ['-legacy']],
    ['triple DES all over', ['-descert', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
    ['RC2 of 128 bits', ['-legacy', '-certpbe', 'PBE-SHA1-RC2-128', '-keypbe', 'PBE-SHA1-RC2-128']],
    ['double DES', ['-legacy', '-certpbe', 'PBE-SHA1-2DES', '-keypbe', 'PBE-SHA1-2DES']],
    ['certificates in the open', ['-certpbe', 'NONE']],
    ['a key in the open', ['-keypbe', 'NONE']],
    ['one round alone', ['-noiter', '-nomaciter']],
    ['1,000 rounds', ['-iter', '1000']],
  ])('opens one with %s', async (_what, options) => {
    const { credential, bytes } = await exported('alice', options)
    const content = await parsePkcs12(bytes, Buffer.from(PASS_PHRASE))
    const [leaf] = credential.chain
    expect(keysMatch(content.privateKey, parseCertificate(leaf?.der ?? bytes).publicKey)).toBe(true)
    const found = content.certificates.map((der) => Buffer.from(der).toString('base64'))
    const wanted = [leaf, ca.certificate].map((made) =>
      Buffer.from(made?.der ?? []).toString('base64'),
    )
    expect(found.sort()).toEqual(wanted.sort())
  })

  it('opens one with a P-256 key', async () => {
    const { credential, bytes } = await exported('ec', [], { kind: 'p256' })
    const { privateKey } = await parsePkcs12(bytes, Buffer.from(PASS_PHRASE))
    expect(privateKey.equals(credential.privateKey)).toBe(true)
  })

  it('opens one that was exported with an empty pass phrase', async () => {
    const { credential, bytes } = await exported('empty', [], { passPhrase: '' })
    const { privateKey } = await parsePkcs12(bytes, Buffer.alloc(0))
    expect(privateKey.equals(credential.privateKey)).toBe(true)
  })

  it.each([
    ['new', []],
    ['old', ['-legacy']],
  ])('tells a wrong pass phrase from a damaged file: %s', async (_what, options) => {
    const { bytes } = await exported('wrong', options)
    const failure = await rejectionOf(parsePkcs12(bytes, Buffer.from('42 Birnen')))
    expect(failure.code).toBe('PASS_PHRASE_WRONG')
    expect(JSON.stringify(failure)).not.toContain('Birnen')
  })

  it('refuses one without a MAC', async () => {
    const { bytes } = await exported('nomac', ['-nomac'])
    const failure = await rejectionOf(parsePkcs12(bytes, Buffer.from(PASS_PHRASE)))
    expect([failure.code, failure.data.reason]).toEqual(['PKCS12_MALFORMED', 'no-mac'])
  })

  it('refuses one that holds certificates alone', async () => {
    const { bytes } = await exported('nokeys', ['-nokeys'])
    const failure = await rejectionOf(parsePkcs12(bytes, Buffer.from(PASS_PHRASE)))
    expect([failure.code, failure.data.reason]).toEqual(['PKCS12_MALFORMED', 'no-key'])
  })
})

describeWithPrograms('PKCS#12 files of Java', ['openssl', 'keytool'], () => {
  const password = 'secret-enough'

  async function keystore(name: string, ...sources: string[]): Promise<Buffer> {
    const out = join(directory, name)
    for (const [index, source] of sources.entries()) {
      const alias = `key${index}`
      const from = ['-srckeystore', source, '-srcstoretype', 'PKCS12', '-srcstorepass', password]
      const to = ['-destkeystore', out, '-deststoretype', 'PKCS12', '-deststorepass', password]
      const words = ['-importkeystore', '-noprompt', ...from, ...to, '-srcalias', '1']
      await execa(findProgram('keytool') ?? 'keytool', [...words, '-destalias', alias])
    }
    return readFile(out)
  }

  it('opens one with one key', async () => {
    const { credential, file } = await exported('java', [], { passPhrase: password })
    const bytes = await keystore('one.p12', file)
    const { privateKey } = await parsePkcs12(bytes, Buffer.from(password))
    expect(privateKey.equals(credential.privateKey)).toBe(true)
  })

  it('refuses one with two keys', async () => {
    const [one, two] = [
      await exported('java-one', [], { passPhrase: password }),
      await exported('java-two', [], { passPhrase: password, kind: 'p256' }),
    ]
    const bytes = await keystore('two.p12', one.file, two.file)
    const failure = await rejectionOf(parsePkcs12(bytes, Buffer.from(password)))
    expect([failure.code, failure.data.reason]).toEqual(['PKCS12_MALFORMED', 'several-keys'])
  })
})
