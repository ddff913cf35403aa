/**
 * Command lines of commands of two words, such as `myproxy info`: options before or behind both
 * words, as for every command of ours, and letters as the C tools have them. Each command has letters
 * of its own, so its words must be found before its options can be read. Pure.
 */
import { VoboxError } from '../../errors.js'
import { type GetoptOption, type GivenOption, readOptions } from './getopt.js'
import type { CommandLine } from './launcher.js'
import { nearestOf } from './launcher-options.js'

export interface TopicOption extends GetoptOption {
  /** As the command declares it. */
  name: string
  multiple: boolean
}

/** Options by command, `myproxy info`. */
export type TopicCommands = ReadonlyMap<string, readonly TopicOption[]>

/**
 * Undefined where another command is meant.
 *
 * @throws VoboxError `USAGE` as `readOptions` does, and for a topic without a command of that name.
 */
export function parseTopicLine(
  words: readonly string[],
  commands: TopicCommands,
): CommandLine | undefined {
  const found = findCommand(words, commands)
  if (found === undefined) {
    refuseUnknown(words, commands)
    return undefined
  }
  const { command, options, rest } = found
  const hint = `vobox-proxy ${command} --help shows what it takes`
  const { given, operands } = readOptions(rest, options, { program: command, hint, oneDash: true })
  const values = new Map<string, string[]>()
  const letters = new Map<string, string>()
  for (const { option, value, letter } of given) {
    const known = option.multiple ? (values.get(option.name) ?? []) : []
    values.set(option.name, value === undefined ? [] : [...known, value])
    if (letter === undefined) letters.delete(option.name)
    else letters.set(option.name, letter)
  }
  const sequence = given
    .filter((one, at) => isCounted(one, given.slice(at + 1)))
    .map(({ option: { name }, value }) =>
      value === undefined ? `--${name}` : `--${name}=${value}`,
    )
  const typed = letters.size > 0 ? { letters } : {}
  return { command, options: values, operands, sequence, ...typed }
}

/** Of an option with a value that is given several times the last one counts, as everywhere. */
function isCounted(
  { option, value }: GivenOption<TopicOption>,
  behind: readonly GivenOption<TopicOption>[],
): boolean {
  return option.multiple || value === undefined || behind.every((other) => other.option !== option)
}

interface Found {
  command: string
  options: readonly TopicOption[]
  /** All words but the two. */
  rest: readonly string[]
}

/**
 * The first two words that are the command, with nothing but options before and between them, else
 * the first one, where that is a command too.
 */
function findCommand(words: readonly string[], commands: TopicCommands): Found | undefined {
  const longestFirst = [...commands].sort(([one], [other]) => wordsIn(other) - wordsIn(one))
  for (const [command, options] of longestFirst) {
    const [topic = '', name] = command.split(' ')
    const first = operandAt(words, options, 0)
    if (first === undefined || words[first] !== topic) continue
    if (name === undefined) {
      return { command, options, rest: words.filter((_word, at) => at !== first) }
    }
    const second = operandAt(words, options, first + 1)
    if (second === undefined || words[second] !== name) continue
    const rest = words.filter((_word, at) => at !== first && at !== second)
    return { command, options, rest }
  }
  return undefined
}

const wordsIn = (command: string) => command.split(' ').length

/** Where the first word from `from` on stands that is neither an option nor its value. */
function operandAt(
  words: readonly string[],
  options: readonly TopicOption[],
  from: number,
): number | undefined {
  for (let at = from; at < words.length; at++) {
    const word = words[at] as string
    if (word === '--') return undefined
    if (!word.startsWith('-') || word === '-') return at
    if (swallowsNext(word, options)) at++
  }
  return undefined
}

function swallowsNext(word: string, options: readonly TopicOption[]): boolean {
  if (word.includes('=')) return false
  const name = word.replace(/^--?/, '').replaceAll('_', '-')
  const long = options.find(({ names }) => names.includes(name))
  if (long !== undefined) return long.takesValue
  if (word.startsWith('--')) return false
  const valued = [...name].findIndex((letter) =>
    options.some(({ names, takesValue }) => takesValue && names.includes(letter)),
  )
  return valued === name.length - 1
}

/** `myproxy` and then a word that is no command of it. */
function refuseUnknown(words: readonly string[], commands: TopicCommands): void {
  const [topic = '', name] = words
  const names = [...commands.keys()].filter((command) => command.startsWith(`${topic} `))
  if (names.length === 0 || name === undefined || name.startsWith('-')) return
  const nearest = nearestOf(`${topic} ${name}`, names)
  throw new VoboxError('USAGE', `there is no command '${topic} ${name}'`, {
    hint:
      nearest === undefined ? `vobox-proxy help ${topic} lists them` : `did you mean ${nearest}?`,
    data: { command: `${topic} ${name}` },
  })
}
