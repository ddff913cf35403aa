/** What can be offered as the value of an option: the same for every shell. */
import type { CommandFacts, FlagFacts } from './command-facts.js'

export type Completion =
  | { kind: 'words'; words: readonly string[] }
  | { kind: 'file' }
  /** Names below the root of the VO directories. */
  | { kind: 'vo' }
  | { kind: 'account' }
  /** Anything; only the person knows. */
  | { kind: 'none' }

/** Words that are taken beside any other value, by option. */
export const SPECIAL_VALUES: Readonly<Record<string, readonly string[]>> = {
  dn: ['all'],
  refresh: ['never'],
}

/** What the letters that stand for the value in the help mean. */
const KINDS: Readonly<Record<string, Completion>> = {
  FILE: { kind: 'file' },
  DIRECTORY: { kind: 'file' },
  PATH: { kind: 'file' },
  VO: { kind: 'vo' },
  'VO[:FQAN]': { kind: 'vo' },
  ACCOUNT: { kind: 'account' },
}

/** What the third word after `vobox-renewd VO ADMIN ROOT` may be. */
export const SERVICE_ACTIONS = ['status', 'stop'] as const

/** Undefined: the option takes no value. */
export function completionOf({ name, value, choices }: FlagFacts): Completion | undefined {
  if (value === undefined) return undefined
  const words = choices.length > 0 ? choices : SPECIAL_VALUES[name]
  return words === undefined ? kindOf(value) : { kind: 'words', words }
}

/** By the letters that stand for it. */
export const kindOf = (value: string): Completion => KINDS[value] ?? { kind: 'none' }

/**
 * Commands of two words by the first one: letters mean something of their own behind each. The first
 * word may be a command as well.
 */
export function topicsOf(commands: readonly CommandFacts[]): [string, CommandFacts[]][] {
  const topics = new Map<string, CommandFacts[]>()
  for (const command of commands.filter(isOfTopic)) {
    const [topic = ''] = command.name.split(' ')
    topics.set(topic, [...(topics.get(topic) ?? []), command])
  }
  return [...topics]
}

export const isOfTopic = ({ name }: CommandFacts) => name.includes(' ')

/** Commands whose options are those of the table that all of one word share. */
export function plainCommands(commands: readonly CommandFacts[]): CommandFacts[] {
  const topics = new Set(topicsOf(commands).map(([topic]) => topic))
  return commands.filter((command) => !isOfTopic(command) && !topics.has(command.name))
}

/** Behind its topic. */
export const secondWord = ({ name }: CommandFacts) => name.split(' ')[1] ?? ''

/**
 * Every option once, under its first meaning: what can be typed before the command is known. Those of
 * commands of two words stand behind them.
 */
export function allFlags(commands: readonly CommandFacts[]): FlagFacts[] {
  const byName = new Map<string, FlagFacts>()
  for (const flag of plainCommands(commands).flatMap(({ flags }) => flags)) {
    const known = byName.get(flag.name)
    byName.set(flag.name, known === undefined ? flag : merged(known, flag))
  }
  return [...byName.values()]
}

/** Commands that take different words for one option are offered each other's. */
function merged(one: FlagFacts, other: FlagFacts): FlagFacts {
  return { ...one, choices: [...new Set([...one.choices, ...other.choices])] }
}
