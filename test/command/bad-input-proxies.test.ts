/**
 * Proxy files that nobody should believe, given to the programs as a site runs them: each gets its
 * code, and what is registered stays byte for byte as it was.
 */
import {
  chownSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import { proxyFileName } from '../../src/repository/proxy-file-name.js'
import { encodePem } from '../../src/x509/pem.js'
import { encodePrivateKey } from '../../src/x509/private-key.js'
import { execFileSync } from '../support/bounded.js'
import { addProxies, addProxy, TestAuthority, userName } from '../support/pki.js'
import { writeTrustDirectory } from '../support/pki-files.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'
import { codeOf, VoBox } from '../support/vo-box.js'

const ca = new TestAuthority()
const alice = ca.issueUser('alice')
const good = addProxy(alice, { hours: 24 })
const bytes = encodeCredential(good)
const certificates = good.chain.map(({ der }) => encodePem('CERTIFICATE', der))
const key = encodePrivateKey(good.privateKey)
const foreignKey = encodePrivateKey(ca.issueUser('eve').privateKey)
const inTheKey = bytes.indexOf('PRIVATE KEY') + 60

/** Makes a file of that name in the box's directory; returns its path. */
type Make = (box: VoBox, name: string) => string

const holding =
  (content: Uint8Array | string | string[], mode = 0o600): Make =>
  (box, name) =>
    box.put(name, Array.isArray(content) ? content.join('') : content, mode)
const proxy = (credential: Credential) => holding(encodeCredential(credential))
const forgedBy = (authority: TestAuthority) =>
  proxy(addProxy(authority.issueUser('alice'), { hours: 24 * 300 }))
const empty = holding('')
const zeros = holding(Buffer.alloc(4096))
const cut = holding(bytes.subarray(0, -100))
const readable = holding(bytes, 0o644)
const huge: Make = (box, name) => {
  const path = box.put(name, bytes)
  truncateSync(path, 2 ** 40)
  return path
}
const link: Make = (box, name) => {
  const path = join(box.directory, name)
  symlinkSync(box.put(`${name}.target`, bytes), path)
  return path
}
const fifo: Make = (box, name) => {
  const path = join(box.directory, name)
  execFileSync('mkfifo', ['-m', '666', path])
  return path
}
const directory: Make = (box, name) => {
  const path = join(box.directory, name)
  mkdirSync(path, { mode: 0o755 })
  return path
}
const nothing: Make = (box, name) => join(box.directory, name)

const refused: [string, Make, string][] = [
  ['an empty file', empty, 'PROXY_FILE_MALFORMED'],
  ['one cut in its key', holding(bytes.subarray(0, inTheKey)), 'PROXY_FILE_MALFORMED'],
  ['one cut in its last certificate', cut, 'PROXY_FILE_MALFORMED'],
  [
    'one without what its leaf was made from',
    holding([certificates[0] ?? '', key]),
    'CHAIN_BROKEN',
  ],
  ['one with somebody else’s key', holding([...certificates, foreignKey]), 'PROXY_KEY_MISMATCH'],
  ['one with two keys', holding([...certificates, key, foreignKey]), 'PROXY_FILE_MALFORMED'],
  ['4 kB of zeros', zeros, 'PROXY_FILE_MALFORMED'],
  ['an HTML page', holding('<html><body>502 Bad Gateway</body></html>\n'), 'PROXY_FILE_MALFORMED'],
  ['one of 600 kB', holding(Buffer.alloc(600_000, 'A')), 'FILE_TOO_LARGE'],
  ['one of 1 TB', huge, 'FILE_TOO_LARGE'],
  ['60 proxies one below the other', proxy(addProxies(alice, 60)), 'PROXY_TOO_DEEP'],
  ['one that others can read', readable, 'FILE_UNSAFE'],
  ['a link to a good one', link, 'FILE_UNSAFE'],
  ['a FIFO', fifo, 'FILE_UNSAFE'],
  ['a directory', directory, 'FILE_UNSAFE'],
  ['nothing at all', nothing, 'FILE_MISSING'],
  ['a user certificate with its key', proxy(alice), 'NOT_A_PROXY'],
  ['one that expired an hour ago', proxy(addProxy(alice, { hours: -1 })), 'PROXY_EXPIRED'],
  ['a legacy one', proxy(addProxy(alice, { kind: 'legacy' })), 'PROXY_KIND_REFUSED'],
  [
    'a longer-lived one of the same DN from an unknown CA',
    forgedBy(new TestAuthority({ name: userName('Another CA') })),
    'CHAIN_UNTRUSTED',
  ],
  [
    'a longer-lived one of the same DN from a CA that calls itself like ours',
    forgedBy(new TestAuthority()),
    'SIGNATURE_INVALID',
  ],
]

let temporary: Awaited<ReturnType<typeof makeTemporaryDirectory>>
let box: VoBox
let before: Record<string, string>
const aliceDn = userName('alice').oneLine
const bobDn = userName('bob').oneLine
const slug = (text: string) => text.replaceAll(/\W+/g, '-')
const fileOf = (dn: string) => box.repository.path(proxyFileName(dn, undefined))

beforeAll(async () => {
  temporary = await makeTemporaryDirectory()
  const trust = await writeTrustDirectory(temporary.path, ca)
  box = new VoBox(temporary.path, {
    kept: true,
    vo: 'alice',
    config: `[trust]\ndirectory = "${trust}"\n[myproxy]\nservers = ["localhost:1"]\n`,
  })
  await box.register(box.putLogin('good', good))
  await box.register(box.putLogin('bob', addProxy(ca.issueUser('bob'), { hours: 24 })))
  before = box.picture()
})
afterAll(async () => {
  await box?.close()
  await temporary?.remove()
})

describe('register, where the same identity and another one are registered already', () => {
  it.each(refused)('refuses %s, and touches nothing', async (name, make, code) => {
    const path = make(box, slug(name))
    const args = ['register', '--no-check', '--no-voms', '--force', '--json']
    const refusal = await box.call(args, { env: { X509_USER_PROXY: path } })
    expect(codeOf(refusal)).toBe(code)
    expect(refusal).toMatchObject({ status: 1, stdout: '' })
    expect(box.picture()).toEqual(before)
  })

  it.runIf(process.getuid?.() === 0).each([
    ['0600', 0o600],
    ['0644', 0o644],
  ])('refuses one of another user with mode %s', async (_text, mode) => {
    const path = box.put('of-another', bytes, mode)
    chownSync(path, 2, 2)
    const refusal = await box.call(['register', '--no-check', '--proxy', path, '--json'])
    expect(codeOf(refusal)).toBe('PROXY_NOT_OWNED')
    expect(refusal).toMatchObject({ status: 1, stdout: '' })
    expect(box.picture()).toEqual(before)
  })
})

describe('a command that only looks at a proxy file', () => {
  const unusable: [string, Make, string][] = [
    ['an empty file', empty, 'PROXY_FILE_MALFORMED'],
    ['one cut in its last certificate', cut, 'PROXY_FILE_MALFORMED'],
    ['one of 1 TB', huge, 'FILE_TOO_LARGE'],
    ['a FIFO', fifo, 'FILE_UNSAFE'],
  ]

  it.each(unusable)('gives no answer about %s, and names the file', async (name, make, code) => {
    const X509_USER_PROXY = make(box, `look-${slug(name)}`)
    const look = (...args: string[]) => box.callBare(args, { env: { X509_USER_PROXY } })
    const [left, mine, info] = await Promise.all([
      look('query-proxy-timeleft'),
      look('query', '--json'),
      look('info', '--json'),
    ])
    expect(left).toMatchObject({ status: 1, stdout: '' })
    expect(left.stderr).toContain(X509_USER_PROXY)
    expect(mine).toMatchObject({ status: 1, stdout: '' })
    expect(codeOf(mine)).toBe(code)
    // It shows what can be shown of a file that can be read.
    const verdict = info.stdout === '' ? codeOf(info) : JSON.parse(info.stdout).verdict.code
    expect(verdict).toBe(code)
    expect(box.picture()).toEqual(before)
  })
})

describe('a proxy in the repository that was damaged', () => {
  const damages: [string, Make, string][] = [
    ['emptied', empty, 'PROXY_FILE_MALFORMED'],
    ['cut', cut, 'PROXY_FILE_MALFORMED'],
    ['blown up to 1 TB', huge, 'FILE_TOO_LARGE'],
    ['made readable by others', readable, 'FILE_UNSAFE'],
    ['replaced by a FIFO', fifo, 'FILE_UNSAFE'],
    ['removed', nothing, 'FILE_MISSING'],
  ]
  const aliceName = proxyFileName(aliceDn, undefined)
  // Failures of alice's own renewal are written down in alice's own state.
  const ofAlice = [new RegExp(`^proxy_repository/${aliceName.replaceAll('+', '\\+')}$`), /^state\//]
  afterEach(() => {
    rmSync(fileOf(aliceDn), { force: true })
    renameSync(box.put('again', bytes), fileOf(aliceDn))
  })

  it.each(damages)(
    'and %s is named, left as it is, and harms no other',
    async (name, make, code) => {
      const path = make(box, `damaged-${slug(name)}`)
      rmSync(fileOf(aliceDn))
      if (make !== nothing) renameSync(path, fileOf(aliceDn))
      const damaged = factsOf(fileOf(aliceDn))
      const [query, left, env, renew] = await Promise.all([
        box.call(['query', '--dn', 'all']),
        box.call(['query-proxy-timeleft', '--dn', aliceDn]),
        box.call(['env']),
        box.call(['renew', '--dn', aliceDn, '--force', '--json']),
      ])
      expect(query.stdout).toMatch(blocksOf([aliceDn, '0'], [bobDn, '8[56]\\d{3}']))
      expect(query.stderr).toContain(fileOf(aliceDn))
      expect(left).toMatchObject({ status: 1, stdout: '' })
      expect(left.stderr).toContain(fileOf(aliceDn))
      expect(env.stdout).toBe(`export X509_USER_PROXY=${fileOf(bobDn)}\n`)
      expect(renew).toMatchObject({ status: 1, stdout: '' })
      expect(codeOf(renew)).toBe(code)
      expect(factsOf(fileOf(aliceDn))).toEqual(damaged)
      expect(box.picture(...ofAlice)).toEqual(without(before, ...ofAlice))
    },
  )
})

/** The first three lines of each block, with seconds as a pattern. */
function blocksOf(...blocks: [dn: string, seconds: string][]): RegExp {
  const patterns = blocks.map(
    ([dn, seconds]) =>
      `DN: ${dn} \nFile: .*[^ ] \nProxy Time Left \\(seconds\\): ${seconds} \n(?:Myproxy .*\n)+`,
  )
  return new RegExp(`^${patterns.join('\n')}$`)
}

/** What tells whether somebody wrote to a file, without reading it. */
function factsOf(path: string) {
  const facts = lstatSync(path, { throwIfNoEntry: false })
  return facts && [facts.ino, facts.size, facts.mode, facts.mtimeMs, facts.ctimeMs]
}

function without(picture: Record<string, string>, ...patterns: RegExp[]): Record<string, string> {
  const kept = ([name]: [string, string]) => !patterns.some((pattern) => pattern.test(name))
  return Object.fromEntries(Object.entries(picture).filter(kept))
}
