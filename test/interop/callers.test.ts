/**
 * Perl and shell as sites write them: the examples of `docs/service-scripts.md`, as they stand there, with
 * the built programs.
 */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { asUnixSeconds } from '../../src/ports/clock.js'
import { realNow, TestAuthority } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { putRegistered, type Registered } from '../support/registered.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'
import { VoBox } from '../support/vo-box.js'

const HOME = join(import.meta.dirname, '..', '..')
const ROLE = 'alice:/alice/Role=lcgadmin'
const TEXT = readFileSync(join(HOME, 'docs/service-scripts.md'), 'utf8')

/** The examples with this name in their first line, in their order. */
const examples = (name: string) =>
  [...TEXT.matchAll(/^```(?:sh|perl)\n# (\S+)\n([^`]*(?:`(?!``)[^`]*)*)^```/gm)]
    .filter(([, found]) => found === name)
    .map(([, , text = '']) => text)

describeWithPrograms('scripts of sites', ['perl', 'dash', 'bash', 'awk', 'sed'], () => {
  let box: VoBox
  let remove: () => Promise<void>
  let anna: Registered
  let ben: Registered
  let pokes: string
  let bin: string

  beforeAll(async () => {
    const temporary = await makeTemporaryDirectory()
    remove = temporary.remove
    const ca = new TestAuthority()
    box = new VoBox(temporary.path, { vo: 'alice', config: '' })
    const storedEnd = { at: asUnixSeconds(realNow() + 900_000), learnedAt: realNow() }
    const state = { failures: 0, storedEnd: { ...storedEnd, from: 'info' as const } }
    const made = putRegistered(box, [
      { user: ca.issueUser("Anna O'Neil, x=y"), voms: [ROLE], writtenAgoSeconds: 60, state },
      { user: ca.issueUser('Ben'), hours: 47, writtenAgoSeconds: 30 },
      { user: ca.issueUser('Carl'), hours: -1, voms: [ROLE], writtenAgoSeconds: 10 },
    ])
    anna = made[0] as Registered
    ben = made[1] as Registered
    pokes = join(temporary.path, 'pokes')
    bin = join(temporary.path, 'bin')
    mkdirSync(bin)
    symlinkSync(join(HOME, 'bin/vobox-proxy'), join(bin, 'vobox-proxy'))
    // The init script is tested elsewhere; here, whether it was called, and how.
    const init = join(temporary.path, 'init')
    writeFileSync(init, `#!/bin/sh\necho "$@" >>'${pokes}'\n`)
    chmodSync(init, 0o755)
  })
  afterAll(async () => {
    await box.close()
    await remove()
  })

  /** An example with this VO-Box in place of the one in the text, run by the program. */
  const run = (program: readonly string[], text: string, env: Record<string, string> = {}) => {
    const script = text
      .replaceAll('/var/lib/vobox', box.root)
      .replaceAll('/etc/init.d/alice-box-proxyrenewal', join(box.directory, 'init'))
    return execa(program[0] ?? '', [...program.slice(1), script], {
      reject: false,
      extendEnv: false,
      env: {
        PATH: `${bin}:${process.env.PATH}`,
        HOME: box.directory,
        VOBOX_PROXY_ROOT: box.root,
        VOBOX_PROXY_CONFIG: box.configFile,
        X509_USER_PROXY: '',
        ...env,
      },
    })
  }
  const only = (name: string) => {
    const [text = '', ...more] = examples(name)
    expect([text !== '', more]).toEqual([true, []])
    return text
  }
  const dn = () => anna.registration.identity

  it.each([
    ['dash', 0, 'the newest file, though that proxy has ended', 'Carl'],
    ['dash', 1, 'the newest valid one with that role', 'Anna'],
    ['bash', 0, 'the newest file, though that proxy has ended', 'Carl'],
    ['bash', 1, 'the newest valid one with that role', 'Anna'],
  ])('CE.env in %s, form %i: %s', async (shell, form, _what, whose) => {
    expect(examples('CE.env')).toHaveLength(2)
    const text = `${examples('CE.env')[form]}\nprintf %s "$X509_USER_PROXY"`
    const { stdout, stderr } = await run([shell, '-c'], text)
    expect(stderr).toBe('')
    expect(stdout).toMatch(new RegExp(`/proxy_repository/.*${whose}.*lcgadmin$`))
  })

  it('ml.env: the newest file, and the newest valid one', async () => {
    const [byFile = '', byEnv = ''] = examples('ml.env')
    const print = '\nprintf %s "$X509_USER_PROXY"'
    expect((await run(['dash', '-c'], byFile + print)).stdout).toContain('Carl')
    expect((await run(['dash', '-c'], byEnv + print)).stdout).toBe(ben.file)
  })

  it('ml.env says so, and sets nothing, where there is no valid proxy', async () => {
    const text = `${(examples('ml.env')[1] ?? '').replace('env)', '--dn /CN=Nobody env)')}\nprintf %s "$X509_USER_PROXY"`
    const { stdout, stderr } = await run(['dash', '-c'], text, { X509_USER_PROXY: 'old' })
    expect(stdout).toBe('old')
    expect(stderr).toContain('ml.env: there is no valid proxy')
  })

  it('40 hours left are less than 165600 s: start is called once; 47 hours are not', async () => {
    const called = () => {
      try {
        return readFileSync(pokes, 'utf8')
      } catch {
        return ''
      }
    }
    const text = only('keep-fresh.sh')
    const plain = text.replace(`--voms ${ROLE} `, '')
    await run(['dash', '-c'], plain, { dn: ben.registration.identity })
    expect(called()).toBe('')
    expect((await run(['dash', '-c'], text, { dn: dn() })).stderr).toBe('')
    expect(called()).toBe('start\n')
  })

  it('awk and cut find every file at single spaces', async () => {
    const [byAwk, byCut] = only('files.sh').trim().split('\n')
    const found = (await run(['dash', '-c'], byAwk ?? '')).stdout.split('\n')
    expect(found).toHaveLength(3)
    expect(found).toEqual(expect.arrayContaining([anna.file, ben.file]))
    expect((await run(['dash', '-c'], byCut ?? '')).stdout.split('\n')).toEqual(found)
  })

  it('perl takes the blocks of query apart, DNs with spaces and equals signs included', async () => {
    const { stdout, stderr } = await run(['perl', '-w', '-e'], only('query.pl'))
    expect(stderr.replace(/^vobox-proxy: warning:.*\n?(?: .*\n?)*/gm, '')).toBe('')
    const rows = stdout.split('\n').map((line) => line.split('|'))
    expect(rows).toHaveLength(3)
    const [left, stored, ...rest] = rows.find(([, , file]) => file === anna.file) ?? []
    expect(rest).toEqual([anna.file, dn()])
    expect(Number(left)).toBeGreaterThan(39 * 3600)
    expect(Number(stored)).toBeGreaterThan(899_000)
    expect(rows.map(([first, second]) => `${first} ${second}`)).toContain('0 0')
  })

  it('perl quotes a DN twice, and learns of one that is not registered by the exit status', async () => {
    const text = only('filename.pl')
    const quoted = { dn: ben.registration.identity }
    expect((await run(['perl', '-w', '-e'], text, quoted)).stdout).toBe(ben.file)
    expect((await run(['perl', '-w', '-e'], text, { dn: '/CN=Nobody' })).stdout).toBe('none')
  })

  it('shows blocks as they are printed: four lines, each with one space at its end', async () => {
    const block = /^```\n(DN: [^`]*)^```/m.exec(TEXT)?.[1] ?? ''
    const nameOf = (line: string) => /^[^:]+: (?=\S.* $)/.exec(line)?.[0]
    const shown = block
      .trimEnd()
      .split('\n')
      .map((line) => nameOf(line.trimEnd().concat(' ')))
    const printed = (await box.call(['--dn', dn(), '--voms', ROLE, 'query'])).stdout
    expect(block.split('\n').filter((line) => / $/.test(line))).toHaveLength(4)
    expect(printed.split('\n').slice(0, 4).map(nameOf)).toEqual(shown)
  })
})
