/** What zsh itself offers, on a terminal of its own (zpty), with the completion that the build makes. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { commands, manual, PROGRAM } from '../support/manual.js'
import { describeWithPrograms } from '../support/programs.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

/**
 * Types $2 and a tab into a zsh that has the completion in $1, and prints what it then has on its line, or
 * lists, between two marks. compadd is asked for the words themselves, not for how they are shown.
 */
const ASK = `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1= PS2= RPS1=; unset zle_bracketed_paste; stty -echo'
zpty -w z "fpath=($1 \\$fpath); autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' verbose no"
zpty -w z 'show() {
  compadd() {
    if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)* ]]; then builtin compadd "$@"; return; fi
    local -a found; builtin compadd -A found "$@"
    local one; for one in "\${(@)found}"; do print -r -- "<$one>" >&3; done
    builtin compadd "$@"
  }
  _main_complete
  print -r -- END >&3
  compstate[insert]= compstate[list]=
}'
zpty -w z 'exec 3>'"$3"
zpty -w z 'zle -C show complete-word show; bindkey "^I" show; print -r -- READY >&3'
integer tries=0
until grep -q READY "$3" 2>/dev/null || (( ++tries > 600 )); do sleep 0.05; done
zpty -w -n z "$2"$'\\t'
tries=0
until grep -q END "$3" || (( ++tries > 600 )); do sleep 0.05; done
zpty -d z
sed -n 's/^<\\(.*\\)>$/\\1/p' "$3"
`

describeWithPrograms('completion in a real zsh', ['zsh'], () => {
  let directory: string
  let remove: () => Promise<void>
  let asked = 0

  beforeAll(async () => {
    const temporary = await makeTemporaryDirectory()
    directory = temporary.path
    remove = temporary.remove
    mkdirSync(join(directory, 'functions'))
    const made = manual()[`completion/_${PROGRAM}`] ?? ''
    writeFileSync(join(directory, 'functions', `_${PROGRAM}`), made)
    for (const name of ['alice', 'cms.1', 'a b', '.hidden']) {
      mkdirSync(join(directory, 'root', name), { recursive: true })
    }
  })
  afterAll(() => remove())

  /** Words offered behind this line, sorted. */
  async function complete(line: string): Promise<string[]> {
    const output = join(directory, `asked-${asked++}`)
    const functions = join(directory, 'functions')
    const { stdout } = await execa('zsh', ['-f', '-c', ASK, 'zsh', functions, line, output], {
      cwd: directory,
      extendEnv: false,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: directory,
        TERM: 'dumb',
        VOBOX_PROXY_ROOT: join(directory, 'root'),
      },
    })
    return [...new Set(stdout.split('\n').filter((word) => word !== ''))].sort()
  }

  it('offers every command and help', async () => {
    const names = commands.map(({ name }) => name.split(' ')[0])
    expect(await complete(`${PROGRAM} `)).toEqual([...new Set([...names, 'help'])].sort())
  })

  it('offers the second words of myproxy, and behind one its options and their values', async () => {
    const ofMyProxy = commands.filter(({ name }) => name.startsWith('myproxy '))
    const words = ofMyProxy.map(({ name }) => name.split(' ')[1]).sort()
    expect(await complete(`${PROGRAM} myproxy `)).toEqual(words)
    expect(await complete(`${PROGRAM} myproxy init --for`)).toEqual(['--for-vobox'])
    expect(await complete(`${PROGRAM} myproxy init -a -m al`)).toEqual(['alice'])
  })

  it.each([
    ['a command by its beginning', 'unre', ['unregister']],
    ['one behind options with values', '--vo alice --dn query unre', ['unregister']],
    ['the option of a command', 'query --tab', ['--table']],
    ['no option of another command', 'env --js', []],
    ['a special value', 'query --dn ', ['all']],
    ['VO directories, without names that no VO has', '--vo ', ['alice', 'cms.1']],
    ['the commands that help knows', 'help unre', ['unregister']],
  ])('offers %s', async (_name, line, expected) => {
    const found = await complete(`${PROGRAM} ${line}`)
    const beginning = line.split(' ').at(-1) ?? ''
    expect(found.filter((word) => word.startsWith(beginning))).toEqual(expected)
  })

  it('offers the arguments of the service', async () => {
    expect(await complete('vobox-renewd a')).toEqual(['alice'])
    expect(await complete('vobox-renewd alice x /y ')).toEqual(['status', 'stop'])
  })
})
