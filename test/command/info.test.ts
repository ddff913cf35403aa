/** `info` as people and scripts call it, with the built program. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestVoms, writeVomsDirectory } from '../support/ac.js'
import { addProxy, TestAuthority } from '../support/pki.js'
import { writeTrustDirectory } from '../support/pki-files.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'
import { VoBox } from '../support/vo-box.js'

let box: VoBox
let remove: () => Promise<void>
const files = { login: '', expired: '', plain: '', open: '', foreign: '' }

const DN = '/DC=org/DC=example/OU=Users/CN=anna'

beforeAll(async () => {
  const temporary = await makeTemporaryDirectory()
  remove = temporary.remove
  const ca = new TestAuthority()
  const voms = new TestVoms(ca)
  const env = {
    X509_CERT_DIR: await writeTrustDirectory(temporary.path, ca),
    X509_VOMS_DIR: await writeVomsDirectory(join(temporary.path, 'vomsdir'), voms),
  }
  box = new VoBox(temporary.path, { vo: 'alice', config: '', env, kept: true })
  const anna = ca.issueUser('anna')
  const dressed = voms.addProxyTo(anna, { hours: 6, proxy: { hours: 12, commonName: '1' } })
  files.login = box.putLogin('login', dressed)
  files.plain = box.putLogin('plain', addProxy(anna, { hours: 12 }))
  files.expired = box.putLogin('expired', addProxy(anna, { notAfter: 1_700_000_000 }))
  files.foreign = box.putLogin('foreign', new TestVoms(ca, { vo: 'bob' }).addProxyTo(anna))
  files.open = box.put('open', readFileSync(files.login), 0o644)
})
afterAll(async () => {
  await box.close()
  await remove()
})

const info = (...args: string[]) => box.callBare(['info', ...args])

describe('info FILE', () => {
  it('shows a valid proxy with its attributes, certificate by certificate', async () => {
    const { status, stdout, stderr } = await info(files.login)
    expect([status, stderr]).toEqual([0, ''])
    const lines = stdout.split('\n')
    expect(lines.slice(0, 3)).toEqual([
      `subject   : ${DN}/CN=1`,
      `issuer    : ${DN}`,
      `identity  : ${DN}`,
    ])
    expect(stdout).toMatch(/\ntimeleft {2}: 1[12]:\d\d:\d\d\n/)
    expect(stdout).toContain('\nvalid     : yes\n=== VO alice extension information ===\n')
    expect(stdout).toContain('\nattribute : /alice/Role=lcgadmin/Capability=NULL\n')
    expect(stdout).toContain('\nverified  : yes, by a server that a .lsc file names\n')
    expect(stdout).toContain('\n\n=== Certificate 2 ===\n')
    expect((await info('--file', files.login)).stdout.split('\n')[0]).toBe(lines[0])
  })

  it('prints one that has expired, and fails', async () => {
    const { status, stdout } = await info(files.expired)
    expect(status).toBe(1)
    expect(stdout).toContain(`path      : ${files.expired}\ntimeleft  : 0:00:00\n`)
    expect(stdout).toMatch(/\nvalid {5}: no: the certificate .* has expired \(CHAIN_EXPIRED\)\n/)
    const json = await info('--json', files.expired)
    expect(json.status).toBe(1)
    expect(JSON.parse(json.stdout).verdict.code).toBe('CHAIN_EXPIRED')
  })

  it('says of a file of mode 0644 that others can read its key, and fails', async () => {
    const { status, stdout } = await info(files.open, '--all')
    expect(status).toBe(1)
    expect(stdout).toContain(
      'valid     : no: others can get at its key: the file has mode 0644 (FILE_UNSAFE)\n' +
        `cure      : chmod 0600 ${files.open}\n`,
    )
    expect(stdout).toContain('\nverified  : yes')
  })

  it('says why a proxy of an unknown CA is not valid, as text and as JSON', async () => {
    const env = { X509_CERT_DIR: box.root, X509_USER_PROXY: files.login }
    const text = await box.callBare(['info'], { env })
    expect(text.status).toBe(1)
    expect(text.stdout).toMatch(/\nvalid {5}: no: .* \(CHAIN_UNTRUSTED\)\n/)
    expect(text.stdout).toMatch(
      /\nverified {2}: no: the proxy is not valid: .* \(CHAIN_UNTRUSTED\)/,
    )
    const { stdout } = await box.callBare(['info', '--json'], { env })
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      file: files.login,
      mode: '0600',
      verdict: { valid: false, code: 'CHAIN_UNTRUSTED' },
      chain: { identity: DN, depth: 1 },
      certificates: [{ role: 'proxy', kind: 'rfc3820' }, { role: 'end-entity' }],
      attributes: [{ vo: 'alice', verified: false, problem: { code: 'CHAIN_UNTRUSTED' } }],
    })
  })

  it.each([[['--file', '/nonexistent']], [['/nonexistent', '--exists']]])(
    'fails for a file that is not there: %s',
    async (args) => {
      const { status, stdout, stderr } = await info(...args)
      expect([status, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(
        /^vobox-proxy: there is no proxy in \/nonexistent\n {2}vobox-proxy proxy-init /,
      )
    },
  )

  it.each([
    ['two files', () => [files.login, files.plain], /info has no use for '.*plain'/],
    ['a file beside --file', () => [files.login, '-f', files.plain], /which file/],
    ['bits that are none', () => [files.login, '--bits', 'many'], /--bits: 'many'/],
    ['a time that is none', () => [files.login, '--valid', '1:75'], /--valid: '1:75'/],
  ])('refuses %s', async (_name, args, message) => {
    const { status, stdout, stderr } = await info(...args())
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(message)
  })
})

describe('info for scripts', () => {
  it('prints bare values with options of one dash, in the order of voms-proxy-info', async () => {
    const { status, stdout, stderr } = await info(
      ...['-fqan', '-vo', '-identity', '-actimeleft', '-file', files.login],
    )
    const [identity, vo, left, ...fqans] = stdout.split('\n')
    expect([status, stderr]).toEqual([0, ''])
    expect([identity, vo]).toEqual([DN, 'alice'])
    expect(Number(left)).toBeGreaterThan(6 * 3600 - 60)
    expect(Number(left)).toBeLessThanOrEqual(6 * 3600)
    expect(fqans).toEqual([
      '/alice/Role=lcgadmin/Capability=NULL',
      '/alice/Role=NULL/Capability=NULL',
      '',
    ])
  })

  it.each<[string, () => string[], number]>([
    ['there is one', () => ['-exists', files.login], 0],
    ['it lives for 11 h', () => ['-exists', '-valid', '11:00', files.login], 0],
    ['it lives for 13 h', () => ['-exists', '-valid', '13:00', files.login], 1],
    ['it lives for 13 h, in hours', () => ['--hours', '13', files.login], 1],
    ['its key has 128 bits', () => ['-exists', '-bits', '128', files.login], 0],
    ['its key has 4096 bits', () => ['-exists', '-bits', '4096', files.login], 1],
    ['one that has expired is there', () => ['-exists', files.expired], 1],
    ['one of mode 0644 is there', () => ['-exists', files.open], 1],
    ['it has attributes of alice', () => ['-acexists', 'alice', files.login], 0],
    ['it has attributes of bob', () => ['-acexists', 'bob', files.login], 1],
    ['a plain one has attributes', () => ['-acexists', 'alice', files.plain], 1],
    ['attributes that nobody vouches for count', () => ['-acexists', 'bob', files.foreign], 1],
    ['they do with -dont-verify-ac', () => ['-acexists=bob', '-dont-verify-ac', files.foreign], 0],
  ])('answers by its status whether %s', async (_name, args, expected) => {
    const { status, stdout, stderr } = await info(...args())
    expect([status, stdout]).toEqual([expected, ''])
    expect(stderr === '').toBe(expected === 0 && !args().includes('-dont-verify-ac'))
  })

  it('prints no attribute that is not verified, unless told to, and warns then', async () => {
    const refused = await info('--fqan', files.foreign)
    expect([refused.status, refused.stdout]).toEqual([1, ''])
    expect(refused.stderr).toMatch(
      /^vobox-proxy: the attributes are not verified: nothing in .* grant attributes of VO bob\n/,
    )
    expect(refused.stderr).toMatch(/\n {2}--no-verify prints them all the same\n$/)
    const told = await info('--fqan', '--no-verify', files.foreign)
    expect(told.status).toBe(0)
    expect(told.stdout.split('\n')[0]).toBe('/bob/Role=lcgadmin/Capability=NULL')
    expect(told.stderr).toMatch(/^vobox-proxy: warning: attributes of VO bob are not verified: /)
  })
})

describe('a VO without registrations', () => {
  const said = (voms: string) =>
    `vobox-proxy: nothing is registered for VO alice${voms}\n` +
    '  vobox-proxy --vo alice register registers the login proxy in $X509_USER_PROXY\n'

  it.each([
    [['query', '--table'], ''],
    [['query', '--table', '--voms', 'alice'], ' with alice'],
    [['renew'], ''],
  ])('is said so by %s, on stderr alone and with status 0', async (args, voms) => {
    expect(await box.call(args)).toEqual({ status: 0, stdout: '', stderr: said(voms) })
  })

  it('is seen by scripts as an empty answer', async () => {
    expect(await box.call(['query', '--dn', 'all'])).toEqual({ status: 0, stdout: '', stderr: '' })
    const { status, stdout, stderr } = await box.call(['query', '--dn', 'all', '--json'])
    expect([status, JSON.parse(stdout).registrations, stderr]).toEqual([0, [], ''])
  })
})
