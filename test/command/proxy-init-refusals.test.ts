/** What `proxy-init` refuses, and what it signs with instead of a certificate (`--noregen`). */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import { encodePem } from '../../src/x509/pem.js'
import { PKCS12_FILE } from '../support/pkcs12-fixture.js'
import { addProxy, realNow, testKey } from '../support/pki.js'
import {
  alice,
  box,
  ca,
  DN,
  directory,
  eachWithBox,
  encrypted,
  init,
  isRoot,
  made,
  out,
  pair,
  plain,
} from '../support/proxy-init-box.js'
import { DAY, HOUR } from '../support/time.js'
import { type CallOptions, codeOf } from '../support/vo-box.js'

eachWithBox()

describe('proxy-init refuses', () => {
  const refusal = async (words: readonly string[], options?: CallOptions) => {
    const finished = await init([...words, '--json'], options)
    expect([finished.status, finished.stdout, existsSync(out)]).toEqual([1, '', false])
    return { code: codeOf(finished), ...JSON.parse(finished.stderr).error }
  }

  it.each([
    [0o644, '0600'],
    [0o640, '0600'],
    [0o700, '0600'],
    [0o404, '0400'],
  ])('a key of mode %o, and says how to cure it', async (mode, cure) => {
    const { code, hint } = await refusal(pair(alice, plain(alice), mode))
    expect([code, hint]).toEqual(['FILE_UNSAFE', `chmod ${cure} ${join(directory, 'key.pem')}`])
  })

  it('a PKCS#12 file, and a certificate with its key, that others can read', async () => {
    const p12 = await refusal(['--cert', box.put('cred.p12', PKCS12_FILE, 0o644)])
    const pem = encodePem('CERTIFICATE', alice.chain[0]?.der ?? Buffer.alloc(0)) + plain(alice)
    const both = await refusal(['--cert', box.put('both.pem', pem, 0o644)])
    expect([p12.code, both.code]).toEqual(['FILE_UNSAFE', 'FILE_UNSAFE'])
  })

  it.each([
    ['expired an hour ago', { notAfter: realNow() - HOUR }, 'CHAIN_EXPIRED'],
    ['begins tomorrow', { notBefore: realNow() + DAY }, 'CHAIN_NOT_YET_VALID'],
  ])('a certificate that %s', async (_what, times, expected) => {
    const { code, message } = await refusal(pair(ca.issueUser('old', { ...times, key: 'rsa2048' })))
    expect(code).toBe(expected)
    expect(message).toContain('/CN=old')
  })

  it('a key that belongs to another certificate, and a file with two keys', async () => {
    const other = ca.issueUser('other', { key: 'p256' })
    const mismatch = await refusal(pair(alice, plain(other)))
    const two = await refusal(pair(alice, plain(alice) + plain(other)))
    expect([mismatch.code, two.code]).toEqual(['PROXY_KEY_MISMATCH', 'KEY_MALFORMED'])
  })

  it('a certificate of a CA as what signs', async () => {
    const credential = { privateKey: ca.privateKey, chain: [ca.certificate] }
    expect((await refusal(pair(credential))).code).toBe('PROXY_RULE_BROKEN')
  })

  it.each([
    ['a link', () => symlinkSync(join(directory, 'victim'), out)],
    ['a directory', () => mkdirSync(out)],
  ])('%s where the proxy is to be', async (_what, plant) => {
    plant()
    const finished = await init([...pair(alice), '--json'])
    expect([finished.status, codeOf(finished)]).toEqual([1, 'FILE_UNSAFE'])
    expect(existsSync(join(directory, 'victim'))).toBe(false)
  })

  it.runIf(isRoot)("a file of somebody else's where the proxy is to be", async () => {
    writeFileSync(out, 'theirs')
    const finished = await init([...pair(alice), '--json'])
    expect([finished.status, codeOf(finished)]).toEqual([1, 'FILE_UNSAFE'])
    expect(readFileSync(out, 'utf8')).toBe('theirs')
  })

  it('a directory that it may not write to, before it asks for a pass phrase', async () => {
    const words = pair(alice, encrypted(alice, ['pkcs8', 'aes-128-cbc']))
    const missing = join(directory, 'missing', 'proxy')
    const finished = await box.callBare(['proxy-init', ...words, '--out', missing, '--json'])
    expect(codeOf(finished)).toMatch(/^FILE_/)
  })

  it.each([
    ['1024 bits', ['--bits', '1024']],
    ['--vo', ['--vo', 'alice']],
    ['a lifetime of 0', ['--valid', '0:00']],
    ['a lifetime that is none', ['--valid', '12:75']],
    ['a path length of -1', ['--path-length=-1']],
    ['--noregen beside --cert', ['--noregen', '--cert', 'x']],
    ['--limited beside --independent', ['--limited', '--independent']],
    ['--order without --voms', ['--order', '/alice']],
  ])('%s as wrong usage', async (_what, words) => {
    const { status, stdout } = await init(words)
    expect([status, stdout]).toEqual([2, ''])
  })
})

describe('proxy-init --noregen', () => {
  const login = (credential: Credential) => ({
    env: { X509_USER_PROXY: box.put('home/login', encodeCredential(credential)) },
  })

  it('signs with the proxy in $X509_USER_PROXY, and replaces it where no other place is named', async () => {
    const options = login(addProxy(alice, { hours: 4 }))
    const { status, stderr } = await box.callBare(['proxy-init', '--noregen'], options)
    expect([status, stderr]).toEqual([0, ''])
    const { depth, effectiveEnd, identity } = made(options.env.X509_USER_PROXY)
    expect([depth, identity.oneLine]).toEqual([2, DN])
    expect(effectiveEnd).toBeLessThanOrEqual(realNow() + 4 * HOUR)
  })

  it('makes limited ones below a limited one, and says when it ends too early only if that was asked', async () => {
    const options = login(addProxy(alice, { hours: 4, policy: 'limited' }))
    const { stderr } = await init(['--noregen', '--valid', '8:00'], options)
    expect(stderr).toMatch(
      /the proxy ends 4 h.* earlier than asked for, with the proxy that signs it/,
    )
    expect(made().limited).toBe(true)
  })

  it('warns when the new one is the sixth delegation of ten', async () => {
    let deep = alice
    for (let made = 0; made < 5; made++) deep = addProxy(deep, { key: testKey('p256') })
    expect((await init(['--noregen'], login(deep))).stderr).toContain(
      'delegated 6 times; 10 is the most',
    )
  })

  it.each([
    [
      'an expired proxy',
      () => login(addProxy(alice, { notAfter: realNow() - 60 })),
      'PROXY_EXPIRED',
    ],
    ['what is no proxy', () => login(alice), 'NOT_A_PROXY'],
    [
      'a file that is not there',
      () => ({ env: { X509_USER_PROXY: '/nowhere/proxy' } }),
      'FILE_MISSING',
    ],
    ['a legacy proxy', () => login(addProxy(alice, { kind: 'legacy' })), 'PROXY_KIND_REFUSED'],
    [
      'a proxy of path length 0',
      () => login(addProxy(alice, { pathLength: 0 })),
      'PROXY_RULE_BROKEN',
    ],
  ])('refuses %s', async (_what, options, code) => {
    const finished = await init(['--noregen', '--json'], options())
    expect([finished.status, codeOf(finished)]).toEqual([1, code])
  })

  it('refuses a proxy that others can read', async () => {
    const options = login(addProxy(alice))
    chmodSync(options.env.X509_USER_PROXY, 0o644)
    expect(codeOf(await init(['--noregen', '--json'], options))).toBe('FILE_UNSAFE')
  })
})

describe.runIf(isRoot)('proxy-init as root', () => {
  it('reads no key below a directory that another user can write, and writes no proxy there', async () => {
    const words = pair(alice)
    const read = await init([...words, '--json'], { asRoot: true })
    expect(codeOf(read)).toBe('FILE_UNSAFE')
    const finished = await box.callBare(['proxy-init', ...words, '--out', out, '--json'], {
      asRoot: true,
    })
    expect([codeOf(finished), existsSync(out)]).toEqual(['FILE_UNSAFE', false])
  })

  it('makes its own where only root can write', async () => {
    const own = join(directory, 'own')
    mkdirSync(own, { mode: 0o700 })
    const pem = encodePem('CERTIFICATE', alice.chain[0]?.der ?? Buffer.alloc(0)) + plain(alice)
    writeFileSync(join(own, 'both.pem'), pem, { mode: 0o600 })
    const words = ['proxy-init', '--cert', join(own, 'both.pem'), '--out', join(own, 'proxy')]
    expect((await box.callBare(words, { asRoot: true })).status).toBe(0)
    expect(statSync(join(own, 'proxy'))).toMatchObject({ uid: 0, mode: 0o100600 })
  })
})
