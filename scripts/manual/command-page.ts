/** One page of section 1 for each command, from what the command says of itself. */
import { type CommandFacts, type ExampleFacts, type FlagFacts, pageName } from './command-facts.js'
import {
  bold,
  definition,
  type Edition,
  fill,
  italic,
  literal,
  page,
  paragraph,
  prose,
  roff,
  section,
} from './roff.js'

export function commandPage(program: string, command: CommandFacts, edition: Edition): string {
  const title = `${program}-${pageName(command)}`
  const common = command.flags.filter((flag) => flag.common)
  const own = command.flags.filter((flag) => !flag.common)
  return page(
    title,
    edition,
    section('NAME', fill(`${roff(title)} \\- ${roff(startOfSentence(command.summary))}`)),
    section('SYNOPSIS', synopsis(program, command, own)),
    section('DESCRIPTION', ...description(command)),
    ...(own.length === 0 ? [] : [section('OPTIONS', ...own.map(flagDefinition))]),
    section('"COMMON OPTIONS"', ...common.map(flagDefinition)),
    ...(command.examples.length === 0 ? [] : [section('EXAMPLES', ...examples(command.examples))]),
    section(
      '"SEE ALSO"',
      `.BR ${roff(program)} (1),\n.BR ${roff(program)}.config (5),\n.BR vobox\\-renewd (8)`,
    ),
  )
}

/** A summary is a sentence of its own in the help, and half of one in a manual. */
function startOfSentence(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`
}

function synopsis(
  program: string,
  { name, operands }: CommandFacts,
  flags: readonly FlagFacts[],
): string {
  const options = flags.map((flag) => {
    const words = `${optionWord(flag)}${flag.multiple ? ' ...' : ''}`.replaceAll(' ', '\\~')
    return flag.required ? words : `[${words}]\\&`
  })
  const common = `[${italic('common option')} ...]`
  const words = operands.map(({ name: operand, required }) =>
    required ? italic(operand) : `[${italic(operand)}]`,
  )
  return [
    '.nh',
    '.ad l',
    bold(`${program} ${name}`),
    ...options,
    common,
    ...words,
    '.ad',
    '.hy',
  ].join('\n')
}

/** As it is best typed: the long form, a value after a space. */
function optionWord({ name, value }: FlagFacts): string {
  return value === undefined ? bold(`--${name}`) : `${bold(`--${name}`)} ${italic(value)}`
}

function description({ summary, description: text, aliases }: CommandFacts): string[] {
  const others = aliases.map((alias) => `\`${alias}\``).join(', ')
  return [
    `${prose(summary)}.`,
    ...(text === '' ? [] : [paragraph(text)]),
    ...(others === '' ? [] : [paragraph(`It is also known as ${others}.`)]),
  ]
}

export function flagDefinition(flag: FlagFacts): string {
  const { char, choices, exclusive } = flag
  const short = char === undefined ? '' : `${bold(`-${char}`)}, `
  const further = [
    choices.length > 0 && `one of ${choices.map((choice) => `\`${choice}\``).join(', ')}`,
    exclusive.length > 0 && `not beside ${exclusive.map((name) => `\`--${name}\``).join(', ')}`,
  ].filter((text) => text !== false)
  return definition(`${short}${optionWord(flag)}`, prose([flag.description, ...further].join('; ')))
}

function examples(list: readonly ExampleFacts[]): string[] {
  return list.flatMap(({ description: text, command }) => [
    paragraph(`${text.charAt(0).toUpperCase()}${text.slice(1)}:`),
    literal([command]),
  ])
}
