/** Every option that the C tools tell of in their own usage, held against ours. */
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../commands/index.js'
import { compatToolOf } from '../../src/node/cli/compat/compat.js'
import { MYPROXY_TOOLS } from '../../src/node/cli/compat/myproxy-tools.js'
import { translate } from '../../src/node/cli/compat/translate.js'
import { topicCommands } from '../../src/node/cli/topic-commands.js'
import { parseTopicLine } from '../../src/node/cli/topic-line.js'
import { spawnSync } from '../support/bounded.js'
import { failureOf } from '../support/failure.js'
import { describeWithPrograms, findProgram } from '../support/programs.js'

interface UsageOption {
  letter: string
  name: string
  takesValue: boolean
}

/** `       -s | --pshost          <hostname> Hostname of the myproxy-server`. */
function usageOf(program: string): UsageOption[] {
  const path = findProgram(program)
  if (path === undefined) return []
  const { stdout, stderr, status } = spawnSync(path, ['--help'], {
    encoding: 'utf8',
    timeout: 10_000,
  })
  expect(status).toBe(0)
  return [...`${stdout}${stderr}`.matchAll(/^ *-(\w) *\| *--(\w+) +([<#])?/gm)].map(
    ([, letter = '', name = '', value]) => ({ letter, name, takesValue: value !== undefined }),
  )
}

/** But the one that is no C program: its usage is Perl's, and its own test reads that. */
const names = MYPROXY_TOOLS.map(({ name }) => name).filter((name) => name !== 'myproxy-replicate')

describeWithPrograms('the options of the C tools', names, () => {
  describe.each(names)('%s', (program) => {
    const tool = compatToolOf([program])
    if (tool === undefined) throw new TypeError(program)
    const said = usageOf(program)

    it('tells of at least five options, and ours has no other but undocumented ones', () => {
      expect(said.length).toBeGreaterThanOrEqual(5)
      const theirs = new Set(said.flatMap(({ letter, name }) => [letter, name]))
      const ours = tool.options.flatMap((option) => option.names)
      // myproxy-retrieve reads -t, and does not say so.
      expect(ours.filter((name) => !theirs.has(name) && name !== 't')).toEqual([])
    })

    it.each(said)('-$letter and --$name, value: $takesValue', ({ letter, name, takesValue }) => {
      const value = takesValue ? ['1'] : []
      const short = translate(tool, [`-${letter}`, ...value])
      expect(translate(tool, [`--${name}`, ...value])).toEqual(short)
      if (takesValue) {
        expect(translate(tool, [`-${letter}1`])).toEqual(short)
        expect(translate(tool, [`--${name}=1`])).toEqual(short)
        const needs = failureOf(() => translate(tool, [`--${name}`]))
        expect(needs.message).toBe(`option --${name} needs a value`)
      } else {
        const takesNone = failureOf(() => translate(tool, [`--${name}=1`]))
        expect(takesNone.message).toBe(`option --${name} takes no value`)
      }
      if ('asksFor' in short) return
      const line = parseTopicLine(short.words, topicCommands(COMMANDS))
      expect(line?.command).toBe(tool.command)
      const added = tool.otherwise?.words ?? []
      const options = [...(line?.options ?? [])].filter(([one]) => !added.includes(`--${one}`))
      expect(options.map(([, values]) => values)).toEqual([value])
    })

    it('reads letters together, and a long name cut short where only one begins so', () => {
      const flags = said.filter(({ takesValue, letter }) => !takesValue && !/[huV]/.test(letter))
      const apart = translate(
        tool,
        flags.map(({ letter }) => `-${letter}`),
      )
      const together = flags.map(({ letter }) => letter).join('')
      expect(translate(tool, [`-${together}`])).toEqual(apart)
      expect(translate(tool, ['--verb'])).toEqual(translate(tool, ['-v']))
      expect(failureOf(() => translate(tool, ['--ver'])).message).toMatch(/--ver could be --ver/)
    })
  })
})
