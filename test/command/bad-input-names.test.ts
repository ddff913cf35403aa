/** VO names and DNs that a shell, a path, a terminal or a parser could take for something else. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { proxyFileName } from '../../src/repository/proxy-file-name.js'
import { buildName } from '../../src/x509/name.js'
import { addProxy, TestAuthority, userName } from '../support/pki.js'
import { writeTrustDirectory } from '../support/pki-files.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'
import { codeOf, VoBox } from '../support/vo-box.js'

let temporary: Awaited<ReturnType<typeof makeTemporaryDirectory>>
let box: VoBox
let before: Record<string, string>
const ca = new TestAuthority()
const aliceDn = userName('alice').oneLine

beforeAll(async () => {
  temporary = await makeTemporaryDirectory()
  const trust = await writeTrustDirectory(temporary.path, ca)
  box = new VoBox(temporary.path, {
    kept: true,
    vo: 'alice',
    config: `[trust]\ndirectory = "${trust}"\n[myproxy]\nservers = ["localhost:1"]\n`,
  })
  await box.register(box.putLogin('good', addProxy(ca.issueUser('alice'))))
  before = box.picture()
})
afterAll(async () => {
  await box?.close()
  await temporary?.remove()
})

/** What a shell that was let at one of these names leaves where we run. */
const shellWasHere = () => existsSync(join(box.directory, 'PWNED'))

describe('a VO name that is none', () => {
  const refuses = async (name: string, command: string, ...options: string[]) => {
    const words = [`--vo=${name}`, command, '--json', ...options]
    const refusal = await box.callBare(words, { asRoot: true })
    expect(codeOf(refusal)).toBe('VO_NAME_INVALID')
    expect(refusal).toMatchObject({ status: 2, stdout: '' })
    expect(shellWasHere()).toBe(false)
    expect(box.picture()).toEqual(before)
  }

  it.each(['', '-x', '.hidden', '../alice', 'a\nb', '$(touch PWNED)', "a'b", 'a'.repeat(300)])(
    '%j is refused by query with status 2, also for root',
    (name) => refuses(name, 'query'),
  )

  it.each([
    ['register', ['--no-check']],
    ['unregister', ['--dn', 'all']],
    ['machine-proxy', ['--cert', 'good', '--key', 'good']],
  ] as const)('is refused by %s too', (command, options) =>
    refuses('$(touch PWNED)/../alice', command, ...options),
  )
})

describe('a DN that is nobody’s', () => {
  it.each([
    ['quotes', `${aliceDn}'"`],
    ['a way up', '/../../../../etc/passwd'],
    ['a newline and a known DN', `/CN=nobody\nDN: ${aliceDn}`],
    ['a shell’s commands', '$(touch PWNED)`touch PWNED`'],
  ])(
    'and holds %s finds no registration, ends with 3, and is shown in one line',
    async (_n, dn) => {
      for (const command of ['query', 'unregister']) {
        const { status, stdout, stderr } = await box.call([command, `--dn=${dn}`])
        expect([status, stdout]).toEqual([3, ''])
        expect(stderr.split('\n').filter((line) => /^\S/.test(line))).toHaveLength(1)
      }
      expect(shellWasHere()).toBe(false)
      expect(box.picture()).toEqual(before)
    },
  )
})

describe('a DN in a valid certificate', () => {
  const hostile = [
    ['quotes of both kinds and a backslash', `O'Neil "the \\ root"`],
    ['a forged line of query', 'x\nDN: /CN=eve \nFile: /etc/passwd '],
    ['a way up', '../../../../../etc/cron.d/x/CN=alice'],
    ['a shell’s commands', '$(touch PWNED)`touch PWNED`;touch PWNED'],
    [
      'what moves a terminal’s cursor, and a right-to-left override',
      '\u001b[2Jx\u202etxt.\u009b1m',
    ],
    ['a NUL', 'alice\u0000eve'],
    ['300 characters', 'long '.repeat(60)],
    ['letters of other scripts', 'Ünï Åßé 名前'],
  ].map(([what = '', commonName = '']) => {
    const name = buildName([
      ['DC', 'org'],
      ['DC', 'example'],
      ['CN', commonName],
    ])
    return { what, name, dn: name.oneLine, fileName: proxyFileName(name.oneLine, undefined) }
  })
  const said: string[] = []

  beforeAll(async () => {
    for (const [index, { name }] of hostile.entries()) {
      const path = box.putLogin(`hostile-${index}`, addProxy(ca.issueUser(name)))
      const { status, stdout, stderr } = await box.call([
        ...['register', '--no-check', '--no-voms', '--proxy', path],
      ])
      expect([status, stderr.includes('not asked')]).toEqual([0, true])
      said.push(stdout, stderr)
    }
  })

  it.each(hostile)('that holds $what is written to one file in the repository', ({ fileName }) => {
    expect(fileName).toMatch(/^[\w.+-]{1,230}$/)
    const file = box.repository.path(fileName)
    expect(dirname(file)).toBe(box.paths.repository)
    expect(existsSync(file)).toBe(true)
    const lines = box.events('registered').filter((line) => line.includes(` file=${fileName} `))
    expect(lines).toHaveLength(1)
  })

  it('makes no line, column or colour of its own in any output or log', async () => {
    const outputs = await Promise.all([
      box.call(['query', '--dn', 'all']),
      box.call(['query', '--table']),
      box.call(['query-dn', '--dn', 'all']),
      box.call(['renew']),
    ])
    for (const { status, stdout, stderr } of outputs) said.push(`${status}`, stdout, stderr)
    said.push(readFileSync(box.paths.eventsLog, 'utf8'))
    for (const text of said) expect(text).toMatch(/^[\n\x20-\x7e…’·–]*$/)
    const [blocks, , dns] = outputs
    expect(blocks?.stdout.match(/^DN: /gm)).toHaveLength(hostile.length + 1)
    expect(blocks?.stdout.match(/^File: [^ ]+ $/gm)).toHaveLength(hostile.length + 1)
    expect(dns?.stdout.split('\n').sort()).toEqual(
      ['', aliceDn, ...hostile.map(({ dn }) => dn)].sort(),
    )
  })

  it.each(hostile)(
    'that holds $what gives env a line that a shell evaluates to its file',
    async ({ dn, fileName }) => {
      const { status, stdout } = await box.call(['env', '--dn', dn])
      expect(status).toBe(0)
      const script = `${stdout}printf %s "$X509_USER_PROXY"`
      const evaluated = await execa('sh', ['-c', script], { cwd: box.directory })
      expect(basename(evaluated.stdout)).toBe(fileName)
      expect(shellWasHere()).toBe(false)
    },
  )

  it.each(hostile)(
    'that holds $what is unregistered by what query-dn prints',
    async ({ dn, fileName }) => {
      expect(await box.call(['unregister', `--dn=${dn}`])).toMatchObject({ status: 0, stderr: '' })
      expect(existsSync(box.repository.path(fileName))).toBe(false)
    },
  )

  it('that reads like a registered one, and has other bytes, gets nobody’s file', async () => {
    const alike = buildName([
      ['DC', 'org'],
      ['DC', 'example'],
      ['OU', 'Users'],
      ['CN', 'alice', 'printable'],
    ])
    expect(alike.oneLine).toBe(aliceDn)
    const path = box.putLogin('alike', addProxy(ca.issueUser(alike), { hours: 24 * 300 }))
    const untouched = box.picture()
    const args = ['register', '--no-check', '--no-voms', '--force', '--json', '--proxy', path]
    const refusal = await box.call(args)
    expect(codeOf(refusal)).toBe('REGISTRATION_AMBIGUOUS')
    expect(refusal).toMatchObject({ status: 1, stdout: '' })
    expect(box.picture()).toEqual(untouched)
  })

  it('is gone at last, and the other registration is as it was', () => {
    const { 'registry.json.previous': _after, ...now } = box.picture(/^spool\//)
    const { 'registry.json.previous': _before, ...then } = before
    expect(now).toEqual(then)
  })
})
