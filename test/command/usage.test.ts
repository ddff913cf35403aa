/** What the program says to who calls it wrongly, and to who asks how. */
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { encodeCredential } from '../../src/proxy/credential.js'
import { TestVoms } from '../support/ac.js'
import { spawnSync } from '../support/bounded.js'
import { addProxy, TestAuthority } from '../support/pki.js'
import { writeTrustDirectory } from '../support/pki-files.js'
import { putRegistered } from '../support/registered.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'
import { VoBox } from '../support/vo-box.js'

let box: VoBox
let remove: () => Promise<void>

beforeAll(async () => {
  const temporary = await makeTemporaryDirectory()
  remove = temporary.remove
  box = new VoBox(temporary.path, { vo: 'alice', config: '', kept: true })
})
afterAll(async () => {
  await box.close()
  await remove()
})

it.each([[['myproxy']], [['help', 'myproxy']]])(
  'shows with %j what begins with myproxy',
  async (words) => {
    const { status, stdout, stderr } = await box.callBare(words)
    expect([status, stderr]).toEqual([0, ''])
    const lines = stdout.split('\n')
    expect(lines[0]).toBe(
      'Stores credentials on MyProxy servers, fetches them and looks after them',
    )
    expect(lines).toContain('  $ vobox-proxy myproxy COMMAND')
    const names = lines.filter((line) => /^ {2}[a-z]/.test(line)).map((line) => line.split(' ')[2])
    expect(new Set(names)).toEqual(new Set(['myproxy']))
    expect(stdout).not.toContain('VERSION')
  },
)

describe('wrong usage', () => {
  it.each([
    [
      'a command that is none',
      ['regster'],
      "there is no command 'regster'",
      'did you mean register?',
    ],
    [
      'an option that is none',
      ['register', '--forse'],
      'there is no option --forse',
      'did you mean --force?',
    ],
    [
      'two letters swapped in an option with one dash',
      ['query', '-tabel'],
      'there is no option -tabel',
      'did you mean --table?',
    ],
    [
      'an option of another command, which is close to one of this',
      ['query-dn', '--vomses', '/x'],
      'query-dn has no option --vomses',
      'did you mean --voms?',
    ],
    [
      "another command's option",
      ['query', '--force'],
      'query has no option --force',
      'query --help',
    ],
    ['a word too many', ['query', 'all'], "query has no use for 'all'", 'query --help'],
    ['options without a command', ['--vo', 'alice'], 'which command?', 'help lists them'],
    ['an option without its value', ['query', '--dn'], 'option --dn needs a value', ''],
    ['a DN that is empty', ['query', '--dn='], '--dn is empty', ''],
    ['the same to unregister', ['unregister', '--dn', ''], '--dn is empty', ''],
    [
      'two that exclude each other',
      ['renew', '--all', '--dn', 'x'],
      '--all and --dn exclude each other',
      '',
    ],
    [
      'help about nothing',
      ['help', 'nonsense'],
      "there is no command 'nonsense'",
      'help lists them',
    ],
    [
      'help about the second word of two',
      ['help', 'logon'],
      "there is no command 'logon'",
      'did you mean myproxy logon?',
    ],
    ['that word as a command', ['destroy'], "'destroy'", 'did you mean myproxy destroy?'],
    [
      'a duration that is none behind -t',
      ['register', '-t', 'abc'],
      "vobox-proxy: -t: 'abc' is not a duration",
      'Write a number and a unit',
    ],
    [
      'the same behind --hours',
      ['register', '-t', '5', '--hours', 'abc'],
      "vobox-proxy: --hours: 'abc' is not a duration",
      'Write a number and a unit',
    ],
    ['a letter without its value', ['register', '-t'], 'option -t needs a value', ''],
    [
      'a VO name with a way up',
      ['--vo', '../alice', 'query'],
      "'../alice' is no VO name",
      'letters',
    ],
    ['a VO name for a shell', ['--vo', 'a;id', 'query'], "'a;id' is no VO name", 'letters'],
    ['a VO name that is an option', ['--vo=-x', 'query'], "'-x' is no VO name", 'letters'],
    ['an empty VO name', ['--vo=', 'query'], "'' is no VO name", 'letters'],
    ['a VO name with a line feed', ['--vo', 'a\nb', 'query'], "'a b' is no VO name", 'letters'],
  ])('ends with 2 for %s', async (_name, words, message, hint) => {
    const { status, stdout, stderr } = await box.callBare(words)
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^vobox-proxy: /)
    expect(stderr).toContain(message)
    expect(stderr).toContain(hint)
    expect(stderr).not.toContain('    at ')
  })

  it('says the same as JSON where JSON was asked for', async () => {
    const { status, stdout, stderr } = await box.callBare(['--json', '--vo', '..', 'query'])
    expect([status, stdout]).toEqual([2, ''])
    const { version, error } = JSON.parse(stderr)
    expect(version).toBe(1)
    expect(error).toMatchObject({ code: 'VO_NAME_INVALID', data: { name: '..' } })
  })

  it.each([
    ['a DN with quotes', '/CN=O\'Neil "x"'],
    ['a DN with a line feed', '/CN=a\n/CN=b'],
    ['a DN with a way up', '/CN=../../etc/passwd'],
    ['a DN for a shell', '/CN=$(id)`id`'],
    ['a DN of 100,000 characters', `/CN=${'x'.repeat(100_000)}`],
  ])('finds %s not registered and prints no control character', async (_name, dn) => {
    const { status, stdout, stderr } = await box.callBare(['--dn', dn, 'query-proxy-filename'])
    expect([status, stdout]).toEqual([3, ''])
    expect(stderr.split('\n')).toHaveLength(3)
    expect(stderr.length).toBeLessThan(3000)
  })
})

describe('the VO that is meant', () => {
  it('is said to be unknown where it has no directory', async () => {
    const { status, stderr } = await box.callBare(['--vo', 'bob', 'query'])
    expect(status).toBe(1)
    expect(stderr).toContain(`There is no VO directory ${box.root}/bob`)
  })

  it('must be said where several have one, and none is guessed', async () => {
    const other = new VoBox(`${box.root}/..`, { vo: 'several', config: '', kept: true })
    for (const name of ['cms', 'atlas', 'not+a+vo', '.hidden']) mkdirSync(`${other.root}/${name}`)
    const { status, stderr } = await other.callBare(['query'])
    expect(status).toBe(1)
    expect(stderr).toBe(
      'vobox-proxy: which VO is meant: atlas, cms, several?\n  say it with --vo\n',
    )
  })

  it.each(['query', 'query-dn'])(
    'is that of the login proxy’s attributes for %s',
    async (command) => {
      const two = new VoBox(`${box.root}/..`, { vo: `cms-${command}`, config: '', kept: true })
      const ca = new TestAuthority()
      const user = ca.issueUser('anna')
      putRegistered(two, [{ user }])
      mkdirSync(`${two.root}/atlas`)
      const login = new TestVoms(ca, { vo: two.vo }).addProxyTo(user)
      const env = { X509_USER_PROXY: two.putLogin(`login-${command}`, login) }
      const { status, stdout, stderr } = await two.callBare([command], { env })
      expect([status, stderr]).toEqual([0, ''])
      expect(stdout).toContain('/CN=anna')
    },
  )

  it('does not exist where the root is empty', async () => {
    const env = { VOBOX_PROXY_ROOT: '/nonexistent' }
    const { status, stderr } = await box.callBare(['query'], { env })
    expect(status).toBe(1)
    expect(stderr).toContain('there is no VO directory below /nonexistent')
  })

  it('is refused where others can write its directory', async () => {
    const open = new VoBox(`${box.root}/..`, { vo: 'open', config: '', kept: true })
    chmodSync(open.paths.directory, 0o770)
    const { status, stderr } = await open.call(['query-dn', '--dn', 'all'])
    expect(status).toBe(1)
    expect(stderr).toContain('can be written by others than its owner')
    expect(stderr).toContain(`chmod go-w ${open.paths.directory}`)
  })
})

describe('help and version', () => {
  it.each([[[]], [['help']], [['--help']], [['-h']]])(
    'lists the commands for %j',
    async (words) => {
      const { status, stdout, stderr } = await box.callBare(words)
      expect([status, stderr]).toEqual([0, ''])
      for (const name of ['register', 'query-proxy-timeleft', 'machine-proxy', 'env']) {
        expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
      }
      expect(stdout).not.toMatch(/^ {2}(proxy|write-machine-proxy) /m)
    },
  )

  it.each([[['register', '--help']], [['--help', 'register']], [['help', 'register']]])(
    'shows options and examples for %j',
    async (words) => {
      const { status, stdout } = await box.callBare(words)
      expect(status).toBe(0)
      expect(stdout).toContain('-t, --hours=HOURS')
      expect(stdout).toContain('$ vobox-proxy register -t 48 --server myproxy.example.org')
    },
  )

  it('prints its version', async () => {
    expect(await box.callBare(['--version'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^vobox-proxy \d+\.\d+\.\d+\n$/),
    })
  })

  it('survives a reader that goes away', async () => {
    const under = ['sh', '-c', '"$@" 2>&1 | true', 'sh']
    expect(await box.callBare(['register', '--help'], { under })).toMatchObject({ stdout: '' })
  })
})

describe('a full disk behind stdout', () => {
  it.each([[['help']], [['query-proxy-timeleft']]])(
    'is said by %j, without a stack trace',
    async (words) => {
      const login = box.putLogin(
        'for-full',
        addProxy(new TestAuthority().issueUser('A'), { hours: 1 }),
      )
      const under = ['sh', '-c', '"$@" >/dev/full', 'sh']
      const ended = await box.callBare(words, { under, env: { X509_USER_PROXY: login } })
      const stderr = 'vobox-proxy: stdout cannot be written (ENOSPC)\n'
      expect(ended).toEqual({ status: 1, stdout: '', stderr })
    },
  )
})

describe('Ctrl-C', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends a renewal that waits for a server: %s',
    async (signal) => {
      const silent = createServer(() => box.put('connected', '')).listen(0, '127.0.0.1')
      onTestFinished(() => void silent.close())
      await once(silent, 'listening')
      const { port } = silent.address() as AddressInfo
      const ca = new TestAuthority()
      const [registered] = putRegistered(box, [
        { user: ca.issueUser('Anna'), settings: { servers: [`127.0.0.1:${port}`] } },
      ])
      const machine = encodeCredential(addProxy(ca.issueHost('vobox'), { hours: 5 }))
      box.put('root-of-alice/alice/renewal-proxy.pem', machine, 0o400)
      const before = readFileSync(registered?.file ?? '')

      const script =
        '"$@" & job=$!; until [ -e connected ]; do sleep 0.05; done; kill -s "$0" $job; wait $job'
      const words = ['renew', '--force', '--dn', 'all']
      const under = ['sh', '-c', script, signal.slice(3)]
      const env = { X509_CERT_DIR: await writeTrustDirectory(join(box.directory, signal), ca) }
      rmSync(join(box.directory, 'connected'), { force: true })
      const ended = await box.call(words, { under, env })
      expect(ended).toEqual({ status: 1, stdout: '', stderr: 'vobox-proxy: interrupted\n' })
      expect(readFileSync(registered?.file ?? '')).toEqual(before)
    },
  )
})

describe('vobox-renewd', () => {
  const renewd = (...words: string[]) => {
    const program = join(import.meta.dirname, '..', '..', 'bin', 'vobox-renewd')
    const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' })
    return { status, stdout, stderr }
  }
  const usage = 'usage: vobox-renewd VO ADMIN ROOT [status|stop]'

  it.each(['--help', '-help', '-h'])('prints its usage for %s, and ends with 0', (word) => {
    expect(renewd(word)).toEqual({ status: 0, stdout: `${usage}\n`, stderr: '' })
  })

  it('prints its version, and ends with 0', () => {
    const { status, stdout } = renewd('--version')
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^vobox-renewd \d+\.\d+\.\d+\n$/)])
  })

  it('ends with 2 where words are missing, and prints its usage to stderr', () => {
    const { status, stdout, stderr } = renewd('alice')
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain(usage)
  })
})
