import { describe, expect, it } from 'vitest'
import {
  type Credential,
  encodeCredential,
  MAX_CREDENTIAL_BYTES,
  parseCertificateChain,
  parseCredential,
  parseSplitCredential,
} from '../../../src/proxy/credential.js'
import { buildName } from '../../../src/x509/name.js'
import { encodePem } from '../../../src/x509/pem.js'
import { encodePrivateKey } from '../../../src/x509/private-key.js'
import { failureOf } from '../../support/failure.js'
import { addProxies, addProxy, TestAuthority, testKey } from '../../support/pki.js'

const ca = new TestAuthority()
const middle = new TestAuthority({ name: buildName([['CN', 'Middle CA']]), parent: ca })
const alice = middle.issueUser('alice')
const proxy = addProxies(alice, 2, { commonName: '1' })
const aliceDn = '/DC=org/DC=example/OU=Users/CN=alice'

const certificatesOf = ({ chain }: Credential) =>
  chain.map(({ der }) => encodePem('CERTIFICATE', der))
const keyOf = ({ privateKey }: Credential) => encodePrivateKey(privateKey)
const file = (...parts: readonly string[]) => Buffer.from(parts.join(''))
const subjects = ({ chain }: Credential) => chain.map(({ subject }) => subject.oneLine)

const refusal = (bytes: Uint8Array) => {
  const { code, data } = failureOf(() => parseCredential(bytes))
  return { code, reason: data.reason }
}

const malformed = (reason: string) => ({ code: 'PROXY_FILE_MALFORMED', reason })

describe('encodeCredential', () => {
  it('writes leaf, key as PKCS#8, then the chain', () => {
    const text = encodeCredential(proxy).toString('latin1')
    const labels = [...text.matchAll(/-----BEGIN ([A-Z ]+)-----/g)].map(([, label]) => label)
    expect(labels).toEqual([
      'CERTIFICATE',
      'PRIVATE KEY',
      'CERTIFICATE',
      'CERTIFICATE',
      'CERTIFICATE',
    ])
  })

  it('is undone by parseCredential', () => {
    const parsed = parseCredential(encodeCredential(proxy))
    expect(subjects(parsed)).toEqual([
      `${aliceDn}/CN=1/CN=1`,
      `${aliceDn}/CN=1`,
      aliceDn,
      '/CN=Middle CA',
    ])
    expect(parsed.privateKey.equals(proxy.privateKey)).toBe(true)
    expect(encodeCredential(parsed)).toEqual(encodeCredential(proxy))
  })

  it('refuses a credential without a certificate as misuse', () => {
    expect(() => encodeCredential({ ...proxy, chain: [] })).toThrow(TypeError)
  })
})

describe('parseCredential reads', () => {
  const inOrder = subjects(proxy)
  const key = keyOf(proxy)
  const certificates = certificatesOf(proxy)

  it.each([
    ['the key first', file(key, ...certificates)],
    ['the key last', file(...certificates, key)],
    ['the certificates backwards', file(...certificates.toReversed(), key)],
    ['text between the blocks', file('Bag Attributes\n', key, '\n# chain\n', ...certificates, 'x')],
    [
      'Windows line ends',
      Buffer.from(
        file(key, ...certificates)
          .toString()
          .replace(/\n/g, '\r\n'),
      ),
    ],
    ['every certificate twice', file(...certificates, key, ...certificates)],
    ['the root in it', file(encodePem('CERTIFICATE', ca.certificate.der), key, ...certificates)],
    [
      'EC parameters before the key',
      file(encodePem('EC PARAMETERS', Buffer.from('0500', 'hex')), key, ...certificates),
    ],
    [
      'the older label of certificates',
      Buffer.from(
        file(key, ...certificates)
          .toString()
          .replaceAll(' CERTIFICATE-', ' X509 CERTIFICATE-'),
      ),
    ],
  ])('%s, and puts 4 certificates in order', (_name, bytes) => {
    const parsed = parseCredential(bytes)
    expect(subjects(parsed)).toEqual(inOrder)
    expect(parsed.privateKey.equals(proxy.privateKey)).toBe(true)
  })

  it.each([
    ['pkcs1', 'rsa2048'],
    ['sec1', 'p256'],
  ] as const)('a key in %s form', (type, kind) => {
    const user = ca.issueUser('bob', { key: kind })
    const pem = user.privateKey.export({ type, format: 'pem' }).toString()
    const parsed = parseCredential(file(pem, ...certificatesOf(user)))
    expect(parsed.privateKey.equals(user.privateKey)).toBe(true)
  })

  it('a self-signed certificate as the leaf', () => {
    const root = { privateKey: ca.privateKey, chain: [ca.certificate] }
    expect(subjects(parseCredential(encodeCredential(root)))).toEqual([ca.name.oneLine])
  })

  it('an encrypted key with its pass phrase, and asks for it without', () => {
    const encrypted = alice.privateKey
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
      .toString()
    const bytes = file(encrypted, ...certificatesOf(alice))
    const parsed = parseCredential(bytes, Buffer.from('secret'))
    expect(parsed.privateKey.equals(alice.privateKey)).toBe(true)
    expect(failureOf(() => parseCredential(bytes))).toMatchObject({
      code: 'KEY_ENCRYPTED',
      data: { reason: 'no-pass-phrase' },
    })
    const wrong = failureOf(() => parseCredential(bytes, Buffer.from('sesame')))
    expect(wrong).toMatchObject({ code: 'KEY_ENCRYPTED', data: { reason: 'wrong-pass-phrase' } })
    expect(`${wrong.message} ${wrong.hint} ${JSON.stringify(wrong.data)}`).not.toContain('sesame')
  })
})

describe('parseCredential refuses', () => {
  const key = keyOf(proxy)
  const certificates = certificatesOf(proxy)
  const bob = ca.issueUser('bob')

  it.each([
    ['an empty file', file(''), malformed('no-key')],
    ['text alone', file('hello\n'), malformed('no-key')],
    ['certificates alone', file(...certificates), malformed('no-key')],
    ['a key alone', file(key), malformed('no-certificate')],
    ['a file cut in a block', file(key, ...certificates).subarray(0, 700), malformed('pem')],
    ['binary data', Buffer.from(proxy.chain[0]?.der ?? []), malformed('binary')],
    ['two keys', file(key, keyOf(bob), ...certificates), malformed('several-keys')],
    ['the same key twice', file(key, key, ...certificates), malformed('several-keys')],
    [
      'a block of another kind',
      file(key, ...certificates, encodePem('X509 CRL', Buffer.from('x'))),
      malformed('foreign-block'),
    ],
    [
      'a certificate that is none',
      file(key, encodePem('CERTIFICATE', Buffer.from('3000', 'hex'))),
      malformed('certificate'),
    ],
    ['a gap in the chain', file(key, ...certificates.toSpliced(1, 1)), malformed('unconnected')],
    [
      'a foreign certificate',
      file(key, ...certificates, ...certificatesOf(bob)),
      malformed('unconnected'),
    ],
    [
      'a file one byte over the limit',
      Buffer.alloc(MAX_CREDENTIAL_BYTES + 1, '\n'),
      malformed('too-large'),
    ],
    [
      '65 certificates',
      file(key, ...Array(65).fill(certificates[0])),
      malformed('too-many-certificates'),
    ],
    ['the key of somebody else', file(keyOf(bob), ...certificates), { code: 'PROXY_KEY_MISMATCH' }],
    [
      'a key that is none',
      file(encodePem('PRIVATE KEY', Buffer.from('3000', 'hex')), ...certificates),
      { code: 'KEY_MALFORMED' },
    ],
  ])('%s', (_name, bytes, expected) => {
    expect(refusal(bytes)).toEqual({ reason: undefined, ...expected })
  })

  it('two certificates for the one key: a user certificate and its renewal', () => {
    const again = middle.issueUser('alice', { key: alice.privateKey })
    const failure = failureOf(() =>
      parseCredential(file(keyOf(alice), ...certificatesOf(alice), ...certificatesOf(again))),
    )
    expect(failure.code).toBe('PROXY_FILE_MALFORMED')
    expect(failure.data).toEqual({ reason: 'ambiguous-leaf', subjects: [aliceDn, aliceDn] })
  })

  it('two user certificates that could both have signed the proxy', () => {
    const again = middle.issueUser('alice', { key: alice.privateKey })
    const bytes = file(
      key,
      ...certificates,
      encodePem('CERTIFICATE', again.chain[0]?.der ?? Buffer.alloc(0)),
    )
    expect(refusal(bytes)).toEqual(malformed('ambiguous-issuer'))
  })

  it('another user certificate of the same name and with another key', () => {
    const impostor = new TestAuthority().issueUser('alice')
    const bytes = file(key, ...certificates, ...certificatesOf(impostor))
    expect(refusal(bytes)).toEqual(malformed('unconnected'))
  })

  it('says nothing of the key in the error about a mismatch', () => {
    const failure = failureOf(() => parseCredential(file(keyOf(bob), ...certificates)))
    expect(failure.data).toEqual({ subjects: subjects(proxy) })
    expect(failure.hint).toContain('make the proxy anew')
  })
})

describe('parseSplitCredential', () => {
  it('reads a host certificate and its key from two files, the first without a final newline', () => {
    const host = ca.issueHost('box.example.org', { key: testKey('rsa2048', 'box') })
    const certificate = file(...certificatesOf(host)).subarray(0, -1)
    const parsed = parseSplitCredential(certificate, file(keyOf(host)))
    expect(subjects(parsed)).toEqual(['/DC=org/DC=example/OU=Hosts/CN=box.example.org'])
  })
})

describe('parseCertificateChain', () => {
  it('reads certificates as they stand, with a foreign key and without one', () => {
    const certificates = certificatesOf(proxy).toReversed()
    const expected = subjects(proxy).toReversed()
    const shown = (bytes: Uint8Array) =>
      parseCertificateChain(bytes).map(({ subject }) => subject.oneLine)
    expect(shown(file(...certificates))).toEqual(expected)
    expect(shown(file(keyOf(addProxy(alice)), ...certificates))).toEqual(expected)
  })
})
