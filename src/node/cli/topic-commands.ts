/** The commands of two words with their options, from what the commands declare. */
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
  const ofTopics = Object.entries(commands).filter(([id]) => id.includes(':'))
  return new Map(
    ofTopics.map(([id, command]) => [id.replaceAll(':', ' '), optionsOf(command)] as const),
  )
}

function optionsOf({ baseFlags, flags }: DeclaredCommand): TopicOption[] {
  return Object.entries({ ...baseFlags, ...flags } as Record<string, DeclaredFlag>).map(
    ([name, { type, char, multiple, aliases = [] }]) => ({
      name,
      names: [name, ...aliases, ...(char === undefined ? [] : [char])],
      takesValue: type === 'option',
      multiple: multiple ?? false,
    }),
  )
}
