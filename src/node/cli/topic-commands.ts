/**
 * The commands of two words, and those whose name is the first of two (`myproxy-server`), with their
 * options, from what the commands declare.
 */
import type { TopicCommands, TopicOption } from './topic-line.js'

/** The part of a command's class that is read here. */
interface DeclaredCommand {
  baseFlags?: Readonly<Record<string, unknown>>
  flags?: Readonly<Record<string, unknown>>
}

interface DeclaredFlag {
  type: string
  char?: string
  multiple?: boolean
  aliases?: readonly string[]
}

/** @param commands by oclif's name of it, `myproxy:info`. */
export function topicCommands(commands: Readonly<Record<string, DeclaredCommand>>): TopicCommands {
  const ids = Object.keys(commands)
  const ofTopics = Object.entries(commands).filter(
    ([id]) => id.includes(':') || ids.some((other) => other.startsWith(`${id}:`)),
  )
  return new Map(
    ofTopics.map(([id, command]) => [id.replaceAll(':', ' '), optionsOf(command)] as const),
  )
}

/** What the launcher answers itself. */
const VERSION: TopicOption = {
  name: 'version',
  names: ['version', 'V'],
  takesValue: false,
  multiple: false,
}

/** Other names that the C tools have for an option of every command. */
const ALSO: Readonly<Record<string, readonly string[]>> = { help: ['usage', 'u'] }

function optionsOf({ baseFlags, flags }: DeclaredCommand): TopicOption[] {
  const declared = Object.entries({ ...baseFlags, ...flags } as Record<string, DeclaredFlag>)
  const own = declared.map(([name, { type, char, multiple, aliases = [] }]) => ({
    name,
    names: [name, ...aliases, ...(char === undefined ? [] : [char]), ...(ALSO[name] ?? [])],
    takesValue: type === 'option',
    multiple: multiple ?? false,
  }))
  return [...own, VERSION]
}
