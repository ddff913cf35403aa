import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandFacts } from '../../../scripts/manual/command-facts.js'
import { bashCompletion } from '../../../scripts/manual/completion-bash.js'
import { SPECIAL_VALUES } from '../../../scripts/manual/completion-values.js'
import { zshCompletion } from '../../../scripts/manual/completion-zsh.js'
import { spawnSync } from '../../support/bounded.js'
import { commands, manual, PROGRAM, shellPart } from '../../support/manual.js'
import { makeTemporaryDirectory } from '../../support/temporary-directory.js'

/** Sources $1 and asks for completions of the last of the words after $2, a function. */
const ASK = `
source "$1"; ask=$2; shift 2
compopt() { echo "compopt $*"; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
"$ask"
[ \${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"
`

let directory: string
let remove: () => Promise<void>

beforeAll(async () => {
  const temporary = await makeTemporaryDirectory()
  directory = temporary.path
  remove = temporary.remove
  writeFileSync(join(directory, 'made.bash'), manual()[`completion/${PROGRAM}.bash`] ?? '')
  for (const name of ['alice', 'cms.1', 'a b', '.hidden', '-x', '$(touch x)', '`id`']) {
    mkdirSync(join(directory, 'root', name), { recursive: true })
  }
})
afterAll(() => remove())

function complete(words: readonly string[], script = 'made.bash'): string[] {
  const [program = ''] = words
  const ask = program === PROGRAM ? '_vobox_proxy' : '_vobox_renewd'
  const { stdout, stderr } = spawnSync(
    'bash',
    ['--norc', '--noprofile', '-c', ASK, 'bash', script, ask, ...words],
    {
      cwd: directory,
      env: { PATH: process.env.PATH ?? '', VOBOX_PROXY_ROOT: join(directory, 'root') },
      encoding: 'utf8',
    },
  )
  expect(stderr).toBe('')
  return stdout.split('\n').filter((line) => line !== '')
}

/** Bash hands `--dn=al` over as three words. */
const proxy = (...words: string[]) => complete([PROGRAM, ...words])

/** Of a command of two words the first one is offered first. */
const names = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))]
const FILES = ['compopt -o default']

describe('completion for bash', () => {
  it('offers files behind info, and none behind a command that takes no word', () => {
    expect(proxy('info', '/tm')).toEqual(FILES)
    expect(proxy('query', '/tm')).toEqual([])
  })

  it('offers every command and help, and nothing hidden', () => {
    expect(proxy('').sort()).toEqual([...names, 'help'].sort())
    expect(proxy('help', 'un')).toEqual(['unregister'])
  })

  it.each(commands)('offers all options of $name, short and long', ({ name, flags }) => {
    const options = flags.flatMap((flag) => [
      `--${flag.name}`,
      ...(flag.char ? [`-${flag.char}`] : []),
    ])
    // Of a command that is the first word of another one, the second word too.
    const seconds = commands
      .filter((other) => other.name.startsWith(`${name} `))
      .map((other) => other.name.slice(name.length + 1))
    const offered = proxy(...name.split(' '), '').sort()
    expect(offered).toEqual([...options, ...seconds].sort())
  })

  it.each([
    ['an option by its beginning', ['register', '--no-'], ['--no-voms', '--no-check']],
    ["no option of another command's", ['env', '--js'], []],
    ['options before the command', ['--tab'], ['--table']],
    ['--version before the command alone', ['--vers'], ['--version']],
    ['an option with one dash', ['register', '-myproxy-s'], ['-myproxy-safe']],
    ['the options of machine-proxy for proxy', ['proxy', '--ow'], ['--owner']],
    ['the special value of an option', ['query', '--dn', ''], ['all']],
    ['it after an equals sign', ['register', '--refresh', '=', 'n'], ['never']],
    ['it after nothing but an equals sign', ['register', '--refresh', '='], ['never']],
    ['it after one dash', ['query', '-dn', 'a'], ['all']],
    ['files for a file', ['info', '-f', ''], FILES],
    ['files after an equals sign', ['info', '--file', '=', 'x'], FILES],
    ['nothing for what only the person knows', ['register', '--email', ''], []],
    ['VO directories, without names that no VO has', ['--vo', ''], ['alice', 'cms.1']],
    ['VO directories for VOMS attributes', ['register', '--voms', 'a'], ['alice']],
    ['nothing after a complete word', ['query', 'x'], []],
    ['the second words of myproxy', ['myproxy', 'in'], ['info', 'init']],
    ['them behind an option', ['myproxy', '-v', 'des'], ['destroy']],
    ['options of the second word', ['myproxy', 'init', '--for'], ['--for-vobox']],
    ['files where a letter of that command takes one', ['myproxy', 'logon', '-a', ''], FILES],
    [
      'options where the same letter takes nothing',
      ['myproxy', 'init', '-a', '--for'],
      ['--for-vobox'],
    ],
    ['files for the certificate to store', ['myproxy', 'store', '-c', ''], FILES],
    ['nothing for the lifetime of the same letter', ['myproxy', 'init', '-c', ''], []],
    ['VO directories for its VOMS attributes', ['myproxy', 'init', '-m', 'al'], ['alice']],
  ])('offers %s', (_name, words, expected) => {
    expect(proxy(...words)).toEqual(expected)
  })

  it.each([
    ['options with values', ['--vo', 'alice', '--dn', 'query', 'unreg']],
    ['a value after an equals sign', ['--vo', '=', 'alice', 'unreg']],
    ['a DN in quotes', ['--dn', '"/DC=ch/CN=a b"', 'unreg']],
    ['a DN that bash took apart', ['--dn', '/DC', '=', 'ch/CN', '=', 'a', 'unreg']],
    ['VOMS attributes that bash took apart', ['-voms', 'a', ':', '/a/Role', '=', 'b', 'unreg']],
    ['a flag and a number', ['--force', '-t48', '-t', '48', 'unreg']],
  ])('finds the command behind %s', (_name, words) => {
    expect(proxy(...words)).toEqual(['unregister'])
    expect(proxy(...words.slice(0, -1), 'query', '--ta')).toEqual(['--table'])
  })

  it('runs nothing that the name of a directory says', () => {
    proxy('--vo', '')
    expect(existsSync(join(directory, 'x'))).toBe(false)
  })

  it('offers accounts for the owner of a machine proxy', () => {
    expect(proxy('machine-proxy', '--owner', 'roo')).toContain('root')
  })

  it('offers the arguments of the service one after the other', () => {
    expect(complete(['vobox-renewd', 'a'])).toEqual(['alice'])
    expect(complete(['vobox-renewd', 'alice', 'roo'])).toContain('root')
    expect(complete(['vobox-renewd', 'alice', 'x', '/'])).toEqual(FILES)
    expect(complete(['vobox-renewd', 'alice', 'x', '/y', ''])).toEqual(['status', 'stop'])
    expect(complete(['vobox-renewd', 'alice', 'x', '/y', 'stop', ''])).toEqual([])
  })

  it('offers the values of an option that takes only some', () => {
    const form = { type: 'option', description: 'f', options: ['json', 'nagios'] }
    const other = { ...form, options: ['text'] }
    const facts = commandFacts(
      { a: { summary: 's', flags: { form } }, b: { summary: 's', flags: { form: other } } },
      PROGRAM,
    )
    writeFileSync(join(directory, 'form.bash'), bashCompletion(facts, shellPart('bash')))
    expect(complete([PROGRAM, 'a', '--form', 'n'], 'form.bash')).toEqual(['nagios'])
    expect(complete([PROGRAM, '--form', ''], 'form.bash')).toEqual(['json', 'nagios', 'text'])
  })
})

describe('special values', () => {
  it.each(Object.keys(SPECIAL_VALUES))('belong to an option that there is: %s', (name) => {
    const flags = commands.flatMap((command) => command.flags)
    const described = flags.filter((flag) => flag.name === name)
    expect(described.length).toBeGreaterThan(0)
    for (const value of SPECIAL_VALUES[name] ?? []) {
      for (const { description } of described) expect(description).toContain(`'${value}'`)
    }
  })
})

describe('completion for zsh', () => {
  const made = manual()[`completion/_${PROGRAM}`] ?? ''

  it('is found by compinit, for both programs', () => {
    expect(made.split('\n')[0]).toBe('#compdef vobox-proxy vobox-renewd')
  })

  it.each(commands)('has every option of $name', ({ name, aliases, flags }) => {
    const pattern = [name.replaceAll(' ', '\\ '), ...aliases].join('|')
    const start = made.indexOf(`(${pattern}) specs=(`)
    const specs = made.slice(start, made.indexOf(') ;;', start))
    expect(start).toBeGreaterThan(0)
    for (const { name: flag, char, value } of flags) {
      expect(specs).toContain(`--${flag}${value === undefined ? '' : '='}[`)
      if (char !== undefined) expect(specs).toContain(`-${char}${value === undefined ? '' : '+'}[`)
    }
  })

  it('escapes what means something to _arguments and to the shell', () => {
    const flags = {
      form: {
        type: 'option',
        description: "one of [a:b] or 'c'",
        helpValue: 'A[:B]',
        char: 'f',
        options: ['x', 'y'],
        exclusive: ['quiet'],
      },
    }
    const facts = commandFacts({ a: { summary: 's', flags } }, PROGRAM)
    expect(zshCompletion(facts, '')).toContain(
      `'(--form -f --quiet)--form=[one of \\[a\\:b\\] or '\\''c'\\'']:A\\[\\:B\\]:(x y)'`,
    )
  })
})
