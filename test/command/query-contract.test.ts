/** The lines that sites' scripts have called and parsed for fifteen years, with the built program. */

import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../src/ports/clock.js'
import { TestVoms, writeVomsDirectory } from '../support/ac.js'
import { addProxy, realNow, TestAuthority } from '../support/pki.js'
import { writeTrustDirectory } from '../support/pki-files.js'
import { putRegistered, type Registered } from '../support/registered.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'
import { VoBox } from '../support/vo-box.js'

const ROLE = 'alice:/alice/Role=lcgadmin'

let box: VoBox
let remove: () => Promise<void>
let anna: Registered
let ben: Registered
let login: string

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
  const user = ca.issueUser("Anna O'Neil, x=y")
  const storedEnd = { at: asUnixSeconds(realNow() + 900_000), learnedAt: realNow(), from: 'info' }
  const made = putRegistered(box, [
    {
      user,
      voms: [ROLE],
      proxy: voms.addProxyTo(user, { hours: 48, proxy: { hours: 47 } }),
      writtenAgoSeconds: 60,
      state: { failures: 0, storedEnd: { ...storedEnd, from: 'info' } },
    },
    { user: ca.issueUser('Ben'), hours: 12, writtenAgoSeconds: 30 },
    { user: ca.issueUser('Carl'), hours: -1, voms: ['alice'] },
  ])
  anna = made[0] as Registered
  ben = made[1] as Registered
  login = box.putLogin('login', addProxy(user, { hours: 5 }))
})
afterAll(async () => {
  await box.close()
  await remove()
})

const dn = () => anna.registration.identity
const asAnna = () => ({ env: { X509_USER_PROXY: login } })

/** Seconds in a text, so that a test can say about how many there must be. */
const numberIn = (text: string) => Number(/\d+/.exec(text)?.[0])

describe('query as scripts call it', () => {
  it.each<[string, () => string[], string]>([
    [
      'options before the command',
      () => ['--vo', 'alice', '--voms', ROLE, '--dn', dn(), 'query-proxy-filename'],
      'file',
    ],
    [
      'options after the command',
      () => ['query-proxy-filename', '--dn', dn(), '--voms', ROLE],
      'file',
    ],
    [
      'long options with one dash',
      () => ['-vo', 'alice', '-dn', dn(), 'query-proxy-filename'],
      'file',
    ],
    ['= instead of a space', () => [`--dn=${dn()}`, '-vo=alice', 'query-proxy-filename'], 'file'],
    ['the DN quoted twice', () => ['--dn', `'${dn()}'`, 'query-proxy-filename'], 'file'],
    ['the DN quoted twice and split', () => ['query-dn', '--dn', ...`"${dn()}"`.split(' ')], 'dn'],
    ['the VO left out', () => ['--dn', dn(), 'query-dn'], 'dn'],
    [
      'the default VO value of a role',
      () => ['--dn', dn(), '--voms', `${ROLE}/Capability=NULL`, 'query-dn'],
      'dn',
    ],
  ])('answers with %s', async (_name, words, what) => {
    const { status, stdout, stderr } = await box.callBare(words())
    const wanted = what === 'file' ? anna.file : dn()
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${wanted}\n`, stderr: '' })
  })

  it('prints four lines, and three of attributes, each value with one space behind it', async () => {
    const { status, stdout } = await box.callBare(['query'], asAnna())
    expect(status).toBe(0)
    const [dnLine, fileLine, proxyLine = '', myproxyLine = '', ...rest] = stdout.split('\n')
    expect(dnLine).toBe(`DN: ${dn()} `)
    expect(fileLine).toBe(`File: ${anna.file} `)
    expect(proxyLine).toMatch(/^Proxy Time Left \(seconds\): \d+ $/)
    expect(myproxyLine).toMatch(/^Myproxy Time Left \(seconds\): \d+ $/)
    expect(numberIn(proxyLine)).toBeGreaterThan(47 * 3600 - 60)
    expect(numberIn(proxyLine)).toBeLessThanOrEqual(47 * 3600)
    expect(numberIn(myproxyLine)).toBeGreaterThan(900_000 - 60)
    expect(rest.map((line) => line.replace(/\d+ $/, 'N '))).toEqual([
      expect.stringMatching(/^Stored Credential Seen: .* $/),
      'Attributes: /alice/Role=lcgadmin,/alice ',
      'Attributes Time Left (seconds): N ',
      'Attributes Verified: yes ',
      '',
    ])
  })

  it('separates the blocks of --dn all by an empty line and marks what is not known', async () => {
    const { stdout } = await box.callBare(['--dn', 'all', 'query'])
    const [first = '', second = '', third = '', ...more] = stdout.split('\n\n')
    expect(more).toEqual([])
    expect(first.split('\n')).toHaveLength(8)
    expect(second.split('\n').slice(3)).toEqual([
      'Myproxy Time Left (seconds): 0 ',
      'Myproxy Time Left Known: no ',
    ])
    expect(third).toContain('\nProxy Time Left (seconds): 0 \n')
  })

  it('narrows --dn all by --voms, and prints nothing when none is left', async () => {
    const roles = await box.callBare(['--dn', 'all', '--voms', ROLE, 'query-dn'])
    expect(roles.stdout).toBe(`${dn()}\n`)
    const none = await box.callBare(['--dn', 'all', '--voms', 'alice:/alice/other', 'query-dn'])
    expect(none).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  it.each([
    ['query-proxy-timeleft', 47 * 3600],
    ['query-myproxy-timeleft', 900_000],
  ])('%s prints a bare integer', async (command, about) => {
    const { stdout } = await box.callBare(['--dn', dn(), command])
    expect(stdout).toMatch(/^\d+\n$/)
    expect(Number(stdout)).toBeGreaterThan(about - 60)
    expect(Number(stdout)).toBeLessThanOrEqual(about)
  })

  it('prints 0 for a proxy that has expired', async () => {
    const { stdout } = await box.callBare([
      '--dn',
      'all',
      '--voms',
      'alice',
      'query-proxy-timeleft',
    ])
    expect(stdout).toBe('0\n')
  })

  it('reads $X509_USER_PROXY for query-proxy-timeleft alone, registered or not', async () => {
    const stranger = new TestAuthority().issueUser('Stranger')
    const file = box.putLogin('stranger', addProxy(stranger, { hours: 3 }))
    const { status, stdout } = await box.callBare(['query-proxy-timeleft'], {
      env: { X509_USER_PROXY: file },
    })
    expect(status).toBe(0)
    expect(Number(stdout)).toBeGreaterThan(3 * 3600 - 60)
    expect(Number(stdout)).toBeLessThanOrEqual(3 * 3600)

    const asked = await box.callBare(['--vo', 'alice', 'query-proxy-timeleft'], {
      env: { X509_USER_PROXY: file },
    })
    expect(asked.status).toBe(3)
    expect(asked.stdout).toBe('')
    expect(asked.stderr).toContain('the login proxy is not registered for VO alice, 3 others are')
  })

  it('ends with 3 and an empty stdout for a DN that is not registered', async () => {
    const { status, stdout, stderr } = await box.callBare(['--dn', '/CN=nobody', 'query'])
    expect([status, stdout]).toEqual([3, ''])
    expect(stderr).toBe(
      'vobox-proxy: /CN=nobody is not registered for VO alice\n' +
        '  vobox-proxy --vo alice --dn all query-dn shows who is\n',
    )
  })

  it('needs a DN where there is no login proxy and three are registered', async () => {
    const { status, stdout, stderr } = await box.callBare(['query-dn'])
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain('there is no login proxy, and 3 registrations for VO alice')
  })

  it('names the file that was written last and is valid in env, quoted for a shell', async () => {
    const newest = await box.callBare(['env'])
    expect(newest.stdout).toBe(`export X509_USER_PROXY=${ben.file}\n`)
    const role = await box.callBare(['--voms', ROLE, 'env'])
    expect(role.stdout).toBe(`export X509_USER_PROXY=${anna.file}\n`)
    const expired = await box.callBare(['--voms', 'alice', 'env'])
    expect([expired.status, expired.stdout]).toEqual([1, ''])
    expect(expired.stderr).toMatch(/none of 1 matching .* \(.*it has expired\)\n/)
  })

  it('shows a table for people: time left, next renewal and why, identity last', async () => {
    const { stdout } = await box.callBare(['query', '--table'])
    const [heading, first, second, third] = stdout.split('\n')
    expect(heading).toMatch(/^PROXY +STORED +NEXT RENEWAL +ATTRIBUTES +IDENTITY$/)
    expect(first).toMatch(
      /^4[67] h.* 10 d \d+ h +in \d+ min.* \(fresh until then\) +alice:\S+ \(4[78] h.*\) +\/DC=org/,
    )
    expect(second).toMatch(/^1[12] h.* not known .* - +\/DC=org.*\/CN=Ben$/)
    expect(third).toMatch(
      /^expired +not known +never: expired, register again +alice \(none\) +\/DC=org/,
    )
  })
})
