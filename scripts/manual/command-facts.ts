/**
 * What the commands say of themselves, as the manual and the completions need it. It comes from the
 * command classes or from the manifest that oclif made of them: both name the same things alike.
 */

export interface FlagFacts {
  name: string
  /** One-letter form. */
  char: string | undefined
  /** One sentence without a full stop; may end in `[default: …]`. */
  description: string
  /** What stands for the value; undefined: takes none. */
  value: string | undefined
  /** The only values that are taken, where there are so few. */
  choices: readonly string[]
  multiple: boolean
  required: boolean
  /** Names of flags that it cannot stand beside. */
  exclusive: readonly string[]
  /** Every command has it. */
  common: boolean
}

/** A word behind the command. */
export interface OperandFacts {
  /** As it stands in the synopsis, e.g. `FILE`. */
  name: string
  description: string
  required: boolean
}

export interface ExampleFacts {
  description: string
  command: string
}

export interface CommandFacts {
  /** As it is typed; of two words where it belongs to a topic: `myproxy info`. */
  name: string
  /** Other names that work. */
  aliases: readonly string[]
  summary: string
  description: string
  operands: readonly OperandFacts[]
  flags: readonly FlagFacts[]
  examples: readonly ExampleFacts[]
}

/** The part of oclif's metadata that is read here. */
export interface CommandSource {
  hidden?: boolean | undefined
  summary?: string | undefined
  description?: string | undefined
  aliases?: readonly string[]
  hiddenAliases?: readonly string[]
  baseFlags?: Readonly<Record<string, FlagSource>>
  flags?: Readonly<Record<string, FlagSource>>
  args?: Readonly<Record<string, { description?: string | undefined; required?: boolean }>>
  examples?: readonly (string | { description?: string; command: string })[] | undefined
}

interface FlagSource {
  type: string
  char?: string | undefined
  description?: string | undefined
  helpGroup?: string | undefined
  helpValue?: string | readonly string[] | undefined
  options?: readonly string[] | undefined
  multiple?: boolean | undefined
  required?: boolean | undefined
  hidden?: boolean | undefined
  exclusive?: readonly (string | object)[] | undefined
}

/** Commands that are shown to people, by name. @throws TypeError for one that explains nothing. */
export function commandFacts(
  sources: Readonly<Record<string, CommandSource>>,
  program: string,
): CommandFacts[] {
  return Object.entries(sources)
    .filter(([, source]) => !source.hidden)
    .map(([name, source]) => factsOf(name.replaceAll(':', ' '), source, program))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

/** The name as one word, for the manual's pages. */
export const pageName = ({ name }: Pick<CommandFacts, 'name'>) => name.replaceAll(' ', '-')

function factsOf(name: string, source: CommandSource, program: string): CommandFacts {
  const { summary, description = '', aliases = [], hiddenAliases = [], examples = [] } = source
  if (!summary) throw new TypeError(`the command ${name} has no summary`)
  const flags = Object.entries({ ...source.baseFlags, ...source.flags })
  return {
    name,
    aliases: [...aliases, ...hiddenAliases],
    summary,
    description,
    operands: Object.entries(source.args ?? {}).map(([operand, { description, required }]) => ({
      name: operand.toUpperCase(),
      description: description ?? '',
      required: required ?? false,
    })),
    flags: flags
      .filter(([, flag]) => !flag.hidden)
      .map(([flagName, flag]) => flagFacts(name, flagName, flag)),
    examples: examples.map((example) => exampleFacts(name, example, program)),
  }
}

function flagFacts(command: string, name: string, flag: FlagSource): FlagFacts {
  const { char, description, helpGroup, helpValue, options = [], exclusive = [] } = flag
  if (!description) throw new TypeError(`${command} does not describe its option --${name}`)
  const value = typeof helpValue === 'object' ? helpValue.join(' ') : (helpValue ?? 'VALUE')
  return {
    name,
    char,
    description,
    value: flag.type === 'boolean' ? undefined : value,
    choices: options,
    multiple: flag.multiple ?? false,
    required: flag.required ?? false,
    exclusive: exclusive.filter((other) => typeof other === 'string'),
    common: helpGroup === 'COMMON',
  }
}

function exampleFacts(
  name: string,
  example: string | { description?: string; command: string },
  program: string,
): ExampleFacts {
  const { description = '', command } = typeof example === 'string' ? { command: example } : example
  if (description === '') throw new TypeError(`an example of ${name} is not explained`)
  return { description, command: command.replaceAll('<%= config.bin %>', program) }
}
