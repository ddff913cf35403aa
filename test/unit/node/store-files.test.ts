import { describe, expect, it } from 'vitest'
import { judgeFiles } from '../../../src/node/myproxy/store-files.js'
import { encodePem } from '../../../src/x509/pem.js'
import { encodePrivateKey } from '../../../src/x509/private-key.js'
import { rejectionOf } from '../../support/failure.js'
import { addProxy, realNow, TestAuthority } from '../../support/pki.js'

const PHRASE = 'correct horse'
const now = realNow()
const ca = new TestAuthority()
const anna = ca.issueUser('anna')
const eve = ca.issueUser('eve')

const pem = (...certificates: readonly { der: Uint8Array }[]) =>
  certificates.map(({ der }) => encodePem('CERTIFICATE', der)).join('')

function encrypted(phrase = PHRASE, { privateKey } = anna): string {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: phrase }
  return privateKey.export(options as { type: 'pkcs8'; format: 'pem' }).toString()
}

const judge = (certificate: string, key: string, phrase: string | null = PHRASE) =>
  judgeFiles(
    { path: '/home/anna/usercert.pem', bytes: Buffer.from(certificate) },
    { path: '/home/anna/userkey.pem', bytes: Buffer.from(key) },
    phrase === null ? undefined : async () => Buffer.from(phrase),
    now,
  )

describe('certificate and key that are to be stored', () => {
  it('are a pair: the certificate goes without what else is in its file, the key as it is', async () => {
    const text = `subject=anna\n${pem(...anna.chain, ca.certificate)}`
    const key = encrypted().replaceAll('\n', '\r\n')
    const judged = await judge(text, `Bag Attributes\n${key}\ntrailing words\n`)
    expect(judged).toMatchObject({ encrypted: true, matched: true })
    expect(judged.certificatesPem).toBe(pem(...anna.chain))
    expect(judged.keyPem).toBe(`${key.trimEnd()}\n`)
  })

  it('are sent unseen where nobody gives the pass phrase, which is said', async () => {
    const judged = await judge(pem(...anna.chain), encrypted(PHRASE, eve), null)
    expect(judged).toMatchObject({ encrypted: true, matched: false })
  })

  it('need no pass phrase where the key has none, and are still a pair', async () => {
    const judged = await judge(pem(...anna.chain), encodePrivateKey(anna.privateKey), null)
    expect(judged).toMatchObject({ encrypted: false, matched: true })
  })

  it('keep the header lines of an old encrypted key', async () => {
    const { privateKey } = ca.issueUser('old', { key: 'rsa2048' })
    const old = ca.issueUser('old', { key: privateKey })
    const options = { type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: PHRASE }
    const key = privateKey.export(options as { type: 'pkcs1'; format: 'pem' }).toString()
    const judged = await judge(pem(...old.chain), key)
    expect(judged.keyPem).toBe(key)
    expect(judged.keyPem).toContain('Proc-Type: 4,ENCRYPTED')
    expect(judged.matched).toBe(true)
  })

  const expired = ca.issueUser('anna', { notAfter: now - 3600, key: anna.privateKey })

  it.each<[title: string, certificate: string, key: string, phrase: string, code: string]>([
    ['another key', pem(...anna.chain), encrypted(PHRASE, eve), PHRASE, 'PROXY_KEY_MISMATCH'],
    ['a wrong pass phrase', pem(...anna.chain), encrypted(), 'other', 'PASS_PHRASE_WRONG'],
    ['one of 5 bytes', pem(...anna.chain), encrypted('short'), 'short', 'PASS_PHRASE_UNSUITABLE'],
    ['an expired certificate', pem(...expired.chain), encrypted(), PHRASE, 'CHAIN_EXPIRED'],
    ['no key', pem(...anna.chain), pem(...anna.chain), PHRASE, 'KEY_MALFORMED'],
    ['two keys', pem(...anna.chain), encrypted() + encrypted(), PHRASE, 'KEY_MALFORMED'],
    ['no certificate', encrypted(), encrypted(), PHRASE, 'CERTIFICATE_MALFORMED'],
  ])('are refused with %s', async (_title, certificate, key, phrase, code) => {
    const failure = await rejectionOf(judge(certificate, key, phrase))
    expect(failure.code).toBe(code)
    expect(failure.message).toMatch(/\/home\/anna\/user(cert|key)\.pem/)
    expect(JSON.stringify([failure.message, failure.hint, failure.data])).not.toContain(PHRASE)
  })

  it.each([
    ['a proxy', pem(...addProxy(anna).chain)],
    ['a proxy without what signed it', pem(addProxy(anna).chain[0] ?? ca.certificate)],
    ['a legacy proxy', pem(...addProxy(anna, { kind: 'legacy' }).chain)],
  ])('are refused where the file holds %s by mistake', async (_title, certificate) => {
    const failure = await rejectionOf(judge(certificate, encrypted()))
    expect(failure.code).toBe('PROXY_KIND_REFUSED')
    expect(failure.data.path).toBe('/home/anna/usercert.pem')
    expect(failure.hint).toContain('myproxy init')
  })

  it('are refused as PKCS#12, with the commands that take it apart', async () => {
    const bytes = Buffer.from('308204a20201033082046806092a864886f70d010701', 'hex')
    const file = { path: '/home/anna/usercred.p12', bytes }
    const failure = await rejectionOf(judgeFiles(file, file, undefined, now))
    expect(failure.code).toBe('USAGE')
    expect(failure.hint).toContain('openssl pkcs12 -in FILE')
  })
})
