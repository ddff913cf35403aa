/** `myproxy init` as people and scripts call it: the built program, on a terminal and under its old name. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'

const HOME = join(import.meta.dirname, '..', '..')
const PROGRAM = join(HOME, 'bin', 'vobox-proxy')
const OF_KEY = 'opens the key'
const PHRASE = 'correct horse'

describeWithPrograms('the program myproxy init', [...MYPROXY_PROGRAMS, 'script'], () => {
  let grid: RealGrid
  let environment: Record<string, string>
  let typescripts = 0
  beforeAll(async () => {
    grid = await startRealGrid()
    const { credential, certificatePath } = grid.users.alice
    const key = join(grid.directory, 'encrypted.key')
    const secret = { cipher: 'aes-256-cbc', passphrase: OF_KEY }
    const pem = credential.privateKey.export({ type: 'pkcs8', format: 'pem', ...secret })
    writeFileSync(key, pem, { mode: 0o600 })
    environment = {
      PATH: process.env.PATH ?? '',
      HOME: grid.directory,
      LOGNAME: 'anna',
      X509_CERT_DIR: grid.trustDirectory,
      X509_USER_CERT: certificatePath,
      X509_USER_KEY: key,
      MYPROXY_SERVER: `localhost:${grid.server.port}`,
      VOBOX_PROXY_ROOT: join(grid.directory, 'root'),
    }
  })
  afterAll(() => grid?.stop())

  /** What is not asked for on standard input is at its end at once. */
  const options = () =>
    ({ reject: false, extendEnv: false, timeout: 60_000, env: environment }) as const

  async function call(program: string, args: readonly string[], input = '') {
    const plain = { ...options(), input, stripFinalNewline: false } as const
    const { exitCode: status, stdout, stderr } = await execa(program, args, plain)
    return { status, stdout, stderr }
  }

  /** Types each answer when its prompt is there, in a terminal; returns all that was shown. */
  async function typed(
    args: readonly string[],
    answers: readonly (readonly [prompt: string, answer: string])[],
  ): Promise<string> {
    const log = join(grid.directory, `typescript-${typescripts++}`)
    const waits = answers.map(([prompt, answer], at) => {
      const nth = answers.slice(0, at + 1).filter(([one]) => one === prompt).length
      const shown = `[ "$(grep -c '${prompt}' "$1" 2>/dev/null)" -ge ${nth} ]`
      return `until ${shown}; do sleep 0.05; done; sleep 0.1; printf '%s\\r' '${answer}'`
    })
    const shell = `{ ${waits.join('; ')}; sleep 0.5; } | script -qefc "$0" "$1"`
    const command = `${PROGRAM} myproxy init ${args.join(' ')}; echo ended with $?`
    const { stdout } = await execa('sh', ['-c', shell, command, log], options())
    return stdout
  }

  const stored = (name: string) => join(grid.storeDirectory, `${name}.data`)

  describe('from standard input', () => {
    it('reads the pass phrase of the key, then that of MyProxy, as myproxy-init -S does', async () => {
      const theirs = await call(
        'myproxy-init',
        ['-S', '-a', '-l', 'theirs'],
        `${OF_KEY}\n${PHRASE}\n`,
      )
      expect([theirs.status, theirs.stderr]).toEqual([0, ''])
      const compat = join(HOME, 'compat', 'myproxy-init')
      const ours = await call(compat, ['-Sa', '--user', 'ours'], `${OF_KEY}\n${PHRASE}\n`)
      expect(ours).toEqual({
        status: 0,
        stderr: '',
        stdout:
          `Your identity: ${grid.users.alice.dn}\n` +
          'A proxy valid for 168 hours (7.0 days) for user ours now exists on localhost.\n',
      })
      const got = await call(
        join(HOME, 'compat', 'myproxy-get-delegation'),
        [...['-l', 'ours', '-S', '-o', join(grid.directory, 'got')]],
        `${PHRASE}\n`,
      )
      expect([got.status, got.stdout]).toEqual([
        0,
        `A credential has been received for user ours in ${join(grid.directory, 'got')}.\n`,
      ])
    })

    it('stores under $LOGNAME, and fails with the pass phrase of another key', async () => {
      const wrong = await call(PROGRAM, ['myproxy', 'init', '-Sa'], `not it\n${PHRASE}\n`)
      expect([wrong.status, wrong.stdout]).toEqual([1, ''])
      expect(wrong.stderr).toContain('the pass phrase does not open the key')
      expect(existsSync(stored('anna'))).toBe(false)
      const right = await call(
        PROGRAM,
        ['-S', 'myproxy', 'init', '--json', '-a'],
        `${OF_KEY}\n${PHRASE}\n`,
      )
      expect(JSON.parse(right.stdout)).toMatchObject({ username: 'anna', passPhrase: 'given' })
      expect(right.stdout).not.toContain(PHRASE)
      expect(existsSync(stored('anna'))).toBe(true)
    })

    it('ends with 1 under its old name for what it does not know, and with 2 under ours', async () => {
      const compat = await call(join(HOME, 'compat', 'myproxy-init'), ['--bogus'])
      expect([compat.status, compat.stdout]).toEqual([1, ''])
      expect(compat.stderr).toContain('myproxy-init: there is no option --bogus')
      const ours = await call(PROGRAM, ['myproxy', 'init', '-r', 'a', '-r', 'b', '-n'])
      expect([ours.status, ours.stdout]).toEqual([2, ''])
      expect(ours.stderr).toContain('only one option -a or -r may be given')
    })
  })

  describe('on a terminal', () => {
    const key = ['Enter GRID pass phrase', OF_KEY] as const

    it('asks for the pass phrase twice, again where they differ, and shows none of it', async () => {
      const shown = await typed(
        ['-a', '-l', 'typed'],
        [
          key,
          ['^Enter MyProxy pass phrase', PHRASE],
          ['Verifying - ', 'another horse'],
          ['^Enter MyProxy pass phrase', PHRASE],
          ['Verifying - ', PHRASE],
        ],
      )
      expect(shown).toContain('the two pass phrases differ')
      expect(shown).toContain('for user typed now exists on localhost.')
      expect(shown).toContain('ended with 0')
      expect(shown).not.toMatch(/horse|opens the key/)
    })

    it('shows a pass phrase that it made once, after it was stored', async () => {
      const shown = await typed(['-a', '-l', 'made', '--generate-pass-phrase'], [key])
      const [, made = ''] = /which is shown this once: ([a-z2-9-]{29})\r?/.exec(shown) ?? []
      expect(shown.split(made)).toHaveLength(2)
      const out = join(grid.directory, 'made')
      const got = await call('myproxy-logon', ['-l', 'made', '-S', '-o', out], `${made}\n`)
      expect([got.status, statSync(out).mode & 0o777]).toEqual([0, 0o600])
    })

    it('asks before it replaces what a machine renews, and stores nothing after a no', async () => {
      await call(PROGRAM, ['myproxy', 'init', '-S', '-R', 'box', '-l', 'renewed'], `${OF_KEY}\n`)
      const before = readFileSync(stored('renewed'), 'utf8')
      expect(before).toContain('RENEWERS=*/CN=box')
      const shown = await typed(['-a', '-l', 'renewed'], [key, ['Replace it', 'no']])
      expect(shown).toContain('is there for others: renewal by box')
      expect(shown).toContain('nothing was stored, and what is there stays')
      expect(shown).toContain('ended with 1')
      expect(readFileSync(stored('renewed'), 'utf8')).toBe(before)
    })
  })

  it('shows no pass phrase where there is no terminal', async () => {
    const { status, stderr } = await call(PROGRAM, [
      'myproxy',
      'init',
      '-a',
      '--generate-pass-phrase',
    ])
    expect(status).toBe(1)
    expect(stderr).toContain('--pass-phrase-out FILE')
  })
})
