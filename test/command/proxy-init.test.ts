/** `proxy-init` as a user calls it: their own certificate and key, and whatever can be wrong with them. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseCredential } from '../../src/proxy/credential.js'
import { encodePem } from '../../src/x509/pem.js'
import { PKCS12_FILE } from '../support/pkcs12-fixture.js'
import { realNow, TestAuthority } from '../support/pki.js'
import {
  alice,
  box,
  ca,
  DN,
  directory,
  type Encryption,
  eachWithBox,
  encrypted,
  giveToUser,
  init,
  initWith,
  made,
  out,
  PASS_PHRASE,
  pair,
  plain,
} from '../support/proxy-init-box.js'
import { DAY, HOUR } from '../support/time.js'
import { codeOf } from '../support/vo-box.js'

eachWithBox()

describe('proxy-init', () => {
  it('makes a full proxy of 12 h with a key of 2048 bits, mode 0600, and says whose and until when', async () => {
    const { status, stdout, stderr } = await initWith(alice)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout.split('\n')).toEqual([
      `Your identity: ${DN}`,
      `Created proxy in ${out}`,
      expect.stringMatching(/^Your proxy is valid until 20\d\d-.* UTC \(in (12 h|11 h 59 min)\)$/),
      '',
    ])
    const { identity, policy, depth, effectiveEnd, proxies } = made()
    expect([identity.oneLine, policy, depth]).toEqual([DN, 'inherit-all', 1])
    expect(Math.abs(effectiveEnd - realNow() - 12 * HOUR)).toBeLessThan(60)
    expect(proxies[0]?.certificate).toMatchObject({ keyType: 'rsa', keyBits: 2048 })
    expect(statSync(out)).toMatchObject({ mode: 0o100600, uid: box.admin.uid })
    expect(readdirSync(join(directory, 'home'))).toEqual(['proxy'])
  })

  it.each([
    ['--valid 24:30', ['--valid', '24:30'], 24.5 * HOUR],
    ['--valid 90m', ['--valid', '90m'], 1.5 * HOUR],
    ['--hours 48, whatever --valid says', ['--hours', '48', '--valid', '1:00'], 48 * HOUR],
  ])('lives as long as %s wants', async (_what, words, seconds) => {
    await initWith(alice, ...words)
    expect(Math.abs(made().effectiveEnd - realNow() - seconds)).toBeLessThan(60)
  })

  it('makes a limited one of path length 2 with 3072 bits, and prints nothing when it is told so', async () => {
    const words = ['--limited', '--path-length', '2', '--bits', '3072', '--rfc', '--quiet']
    const { status, stdout } = await initWith(alice, ...words)
    expect([status, stdout]).toEqual([0, ''])
    const [step] = made().proxies
    expect(step).toMatchObject({ policy: 'limited', pathLength: 2, certificate: { keyBits: 3072 } })
  })

  it('makes an independent one, validates it, and says so as JSON', async () => {
    const words = [
      '--independent',
      '--json',
      '--verify',
      '--certdir',
      join(directory, 'certificates'),
    ]
    const { stdout } = await initWith(alice, ...words)
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      file: out,
      identity: DN,
      policy: 'independent',
      chainVerified: true,
      attributes: [],
      warnings: [],
    })
  })

  it('writes nothing that --verify does not believe', async () => {
    const stranger = new TestAuthority().issueUser('alice', { key: 'rsa2048' })
    const words = ['--verify', '--certdir', join(directory, 'certificates'), '--json']
    const finished = await initWith(stranger, ...words)
    expect([finished.status, finished.stdout]).toEqual([1, ''])
    expect(['CHAIN_UNTRUSTED', 'SIGNATURE_INVALID']).toContain(codeOf(finished))
    expect(existsSync(out)).toBe(false)
  })

  it('keeps the certificates of the CAs between, and leaves out the root', async () => {
    const middle = new TestAuthority({ parent: ca, key: 'rsa2048', name: ca.name })
    const user = middle.issueUser('bob', { key: 'rsa2048' })
    const certificates = [...user.chain, ca.certificate].map(({ der }) =>
      encodePem('CERTIFICATE', der),
    )
    await init(['--cert', box.put('all.pem', certificates.join('') + plain(user))])
    expect(parseCredential(readFileSync(out)).chain).toHaveLength(3)
  })
})

describe('proxy-init finds certificate and key', () => {
  const home = () => join(directory, 'home')
  const globus = (name: string, content: string | Buffer, mode: number) => {
    mkdirSync(join(home(), '.globus'), { recursive: true })
    const path = join(home(), '.globus', name)
    writeFileSync(path, content)
    chmodSync(path, mode)
    giveToUser(path)
  }
  const certificate = encodePem('CERTIFICATE', alice.chain[0]?.der ?? Buffer.alloc(0))
  const call = (env: Record<string, string> = {}, input = '') =>
    init(input === '' ? [] : ['--pwstdin'], { env: { HOME: home(), ...env }, input })

  it('in ~/.globus', async () => {
    globus('usercert.pem', certificate, 0o644)
    globus('userkey.pem', plain(alice), 0o400)
    globus('usercred.p12', PKCS12_FILE, 0o600)
    expect((await call()).stdout).toContain(DN)
  })

  it('in ~/.globus/usercred.p12 where there is no usercert.pem', async () => {
    globus('usercred.p12', PKCS12_FILE, 0o600)
    const { stdout, stderr } = await call({}, 'secret\n')
    expect([stdout, stderr]).toEqual([expect.stringContaining('CN=fixture'), ''])
  })

  it('in $X509_USER_CERT and $X509_USER_KEY', async () => {
    const [, cert = '', , key = ''] = pair(alice)
    const { stdout } = await call({ X509_USER_CERT: cert, X509_USER_KEY: key })
    expect(stdout).toContain(DN)
  })

  it('nowhere, and says where they belong', async () => {
    const { status, stderr } = await call()
    expect(status).toBe(1)
    expect(stderr).toContain(`there is no user certificate in ${home()}/.globus`)
    expect(stderr).toContain('--cert and --key')
  })
})

describe('proxy-init opens keys', () => {
  it.each<[string, Encryption]>([
    ['traditional AES-128', ['pkcs1', 'aes-128-cbc']],
    ['traditional triple DES', ['pkcs1', 'des-ede3-cbc']],
    ['PKCS#8 with AES-256', ['pkcs8', 'aes-256-cbc']],
  ])('%s, with the pass phrase from standard input', async (_what, how) => {
    const words = [...pair(alice, encrypted(alice, how)), '--pwstdin']
    const { status, stdout, stderr } = await init(words, { input: `${PASS_PHRASE}\nmore\n` })
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain(DN)
  })

  it('with the pass phrase from descriptor 3, which has no end of line', async () => {
    const phrase = box.put('phrase', PASS_PHRASE)
    const words = [
      ...pair(alice, encrypted(alice, ['pkcs8', 'aes-128-cbc'])),
      '--pass-phrase-fd',
      '3',
    ]
    const under = ['/bin/sh', '-c', `exec "$@" 3<${phrase}`, 'sh']
    expect((await init(words, { under })).status).toBe(0)
  })

  it('not with a wrong pass phrase: one clear error, which does not repeat it, and the old proxy stays', async () => {
    await initWith(alice)
    const before = readFileSync(out)
    const words = [...pair(alice, encrypted(alice, ['pkcs8', 'aes-128-cbc'])), '--pwstdin']
    const { status, stdout, stderr } = await init(words, { input: 'guess 17\n' })
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/key\.pem: the pass phrase does not open the key\n/)
    expect(stderr).not.toContain('guess')
    expect(readFileSync(out)).toEqual(before)
  })

  it.each([
    ['a PEM key', () => pair(alice, encrypted(alice, ['pkcs8', 'aes-128-cbc']))],
    ['PKCS#12', () => ['--cert', box.put('cred.p12', PKCS12_FILE)]],
  ])('not without a terminal or another way: %s', async (_what, words) => {
    const finished = await init([...words(), '--json'], { under: ['setsid', '--wait'] })
    expect(finished.status).toBe(1)
    expect(codeOf(finished)).toBe('PASS_PHRASE_REQUIRED')
    expect(finished.stderr).toContain('--pass-phrase-fd')
  })

  it.each([
    ['nothing', ''],
    ['an empty line', '\n'],
    ['5000 bytes without an end', 'x'.repeat(5000)],
  ])('not with %s on standard input', async (_what, input) => {
    const words = [
      ...pair(alice, encrypted(alice, ['pkcs8', 'aes-128-cbc'])),
      '--pwstdin',
      '--json',
    ]
    expect(codeOf(await init(words, { input }))).toBe('PASS_PHRASE_REQUIRED')
  })

  it.each([
    ['a wrong pass phrase for PKCS#12', 'wrong\n', PKCS12_FILE, 'PASS_PHRASE_WRONG'],
    ['half a PKCS#12 file', 'secret\n', PKCS12_FILE.subarray(0, 600), 'PKCS12_MALFORMED'],
  ])('not with %s', async (_what, input, bytes, code) => {
    const words = ['--cert', box.put('cred.p12', bytes), '--pwstdin', '--json']
    expect(codeOf(await init(words, { input }))).toBe(code)
  })

  it.each(['7', '99'])('not from descriptor %s, which nobody opened', async (descriptor) => {
    const words = [...pair(alice, encrypted(alice, ['pkcs8', 'aes-128-cbc']))]
    // With an input it is a process of its own, whose descriptors are known.
    const own = { input: '' }
    const finished = await init([...words, '--pass-phrase-fd', descriptor, '--json'], own)
    expect([finished.status, codeOf(finished)]).toEqual([2, 'USAGE'])
  })
})

describe('proxy-init warns', () => {
  const ending = ca.issueUser('ending', { notAfter: realNow() + 10 * DAY, key: 'rsa2048' })

  it('of a certificate that ends in 10 days', async () => {
    const { status, stderr } = await initWith(ending)
    expect(status).toBe(0)
    expect(stderr).toMatch(
      /warning: your certificate ends on 20.* UTC, in 9 d 23 h\n {2}ask your CA/,
    )
  })

  it('of a proxy that ends with it, 2 days before it was to, and cuts it', async () => {
    const { stderr } = await initWith(ending, '--valid', '12d')
    expect(stderr).toMatch(
      /warning: the proxy ends 48 h.* earlier than asked for, with your certificate/,
    )
    expect(made().effectiveEnd).toBe(ending.chain[0]?.notAfter)
  })

  it('of a certificate that is for servers only', async () => {
    const server = ca.issueUser('server', {
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'],
      key: 'rsa2048',
    })
    expect((await initWith(server)).stderr).toContain('is not for TLS clients')
  })

  it('and writes nothing with --failonwarn, and says nothing with --ignorewarn', async () => {
    const failed = await initWith(ending, '--failonwarn')
    expect([failed.status, failed.stdout, existsSync(out)]).toEqual([
      1,
      `Your identity: ${DN.replace('alice', 'ending')}\n`,
      false,
    ])
    const ignored = await initWith(ending, '--ignorewarn', '--quiet')
    expect([ignored.status, ignored.stderr]).toEqual([0, ''])
  })
})
