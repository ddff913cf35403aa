import { describe, expect, it } from 'vitest'
import {
  encodeStoredFiles,
  MAX_STORED_BYTES,
  parseStoredFiles,
} from '../../../src/myproxy/stored-files.js'
import type { Credential } from '../../../src/proxy/credential.js'
import { encodePem } from '../../../src/x509/pem.js'
import { encodePrivateKey } from '../../../src/x509/private-key.js'
import { failureOf } from '../../support/failure.js'
import { addProxy, TestAuthority } from '../../support/pki.js'

const root = new TestAuthority()
const intermediate = new TestAuthority({ parent: root })
const alice = intermediate.issueUser('alice')
const eve = root.issueUser('eve')

const pemOf = ({ chain }: Pick<Credential, 'chain'>) =>
  chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('')
/** As the C server reads it: leaf, key, chain. */
const sent = (credential: Credential, keyPem: string) => {
  const [leaf = '', ...others] = credential.chain.map(({ der }) => encodePem('CERTIFICATE', der))
  return [leaf, keyPem, ...others].join('')
}
const encrypted = ({ privateKey }: Credential, type: 'pkcs8' | 'sec1' = 'pkcs8') =>
  privateKey.export({ type, format: 'pem', cipher: 'aes-128-cbc', passphrase: 'secret' }).toString()
const rootPem = encodePem('CERTIFICATE', root.certificate.der)

describe('stored files', () => {
  it.each(['pkcs8', 'sec1'] as const)('keep an encrypted key (%s) as it is', (type) => {
    const keyPem = encrypted(alice, type)
    const bytes = encodeStoredFiles({ certificatesPem: pemOf(alice), keyPem })
    expect(bytes.toString()).toBe(sent(alice, keyPem))
    expect(parseStoredFiles(bytes)).toEqual({ chain: alice.chain, keyPem })
  })

  it('leave text between the blocks, the root and a certificate that stands twice behind', () => {
    const certificatesPem = `subject: alice\n${pemOf(alice)}${pemOf(alice)}${rootPem}# end\n`
    const keyPem = `Bag Attributes\n${encodePrivateKey(alice.privateKey)}`
    expect(encodeStoredFiles({ certificatesPem, keyPem }).toString()).toBe(
      sent(alice, encodePrivateKey(alice.privateKey)),
    )
  })

  it('take certificate and key from one file', () => {
    const both = `${encrypted(alice)}${pemOf(alice)}`
    const bytes = encodeStoredFiles({ certificatesPem: both, keyPem: both })
    expect(parseStoredFiles(bytes).chain).toEqual(alice.chain)
  })

  it('come from the C server with an empty line at the end', () => {
    const bytes = Buffer.from(`${pemOf(alice)}${encrypted(alice)}\n`)
    expect(parseStoredFiles(bytes).chain).toEqual(alice.chain)
  })

  it.each([
    ['no key', pemOf(alice), '', 'KEY_MALFORMED', 'no-key'],
    ['two keys', pemOf(alice), encrypted(alice) + encrypted(eve), 'KEY_MALFORMED', 'several-keys'],
    ['no certificate', '', encrypted(alice), 'CERTIFICATE_MALFORMED', 'no-certificate'],
    ['a stray', pemOf(alice) + pemOf(eve), encrypted(alice), 'CHAIN_BROKEN', 'unconnected'],
  ])('refuse %s', (_what, certificatesPem, keyPem, code, reason) => {
    const failure = failureOf(() => encodeStoredFiles({ certificatesPem, keyPem }))
    expect(failure).toMatchObject({ code, data: { reason } })
  })

  it('refuse a key in the clear that is another one’s', () => {
    const keyPem = encodePrivateKey(eve.privateKey)
    const files = { certificatesPem: pemOf(alice), keyPem }
    expect(failureOf(() => encodeStoredFiles(files)).code).toBe('PROXY_KEY_MISMATCH')
  })

  it(`refuse to send more than ${MAX_STORED_BYTES} bytes`, () => {
    const extension = { oid: '1.3.6.1.4.1.99999.7', critical: false, value: Buffer.alloc(400_000) }
    const large = addProxy(alice, { extensions: [extension] })
    const files = { certificatesPem: pemOf(large), keyPem: encrypted(large) }
    expect(failureOf(() => encodeStoredFiles(files))).toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      data: { maxBytes: MAX_STORED_BYTES },
    })
  })
})
