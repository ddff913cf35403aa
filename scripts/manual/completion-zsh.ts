/** Completion for zsh: `_arguments` knows where options may stand once it has their table. */
import type { CommandFacts, FlagFacts } from './command-facts.js'
import {
  allFlags,
  type Completion,
  completionOf,
  kindOf,
  plainCommands,
  SERVICE_ACTIONS,
  secondWord,
  topicsOf,
} from './completion-values.js'

/** @param rest contents of `completion.zsh`. */
export function zshCompletion(commands: readonly CommandFacts[], rest: string): string {
  const flags = allFlags(commands)
  const topics = topicsOf(commands)
  const ofOneWord = plainCommands(commands)
  const summaries = [
    ...ofOneWord.map(({ name, summary }) => `${name}:${summary}`),
    ...topics.map(([topic, own]) => `${topic}:${own.map(secondWord).join(', ')}`),
  ]
  return [
    '#compdef vobox-proxy vobox-renewd',
    '# Completion for zsh, made by the build from the commands.',
    '',
    array('_vobox_proxy_commands', [...summaries, 'help:Shows what a command takes']),
    array('_vobox_renewd_actions', SERVICE_ACTIONS),
    '',
    '# Names of options that take a value, whatever the command is.',
    array('_vobox_proxy_valued', alwaysValued(commands)),
    '',
    '# First words of commands of two.',
    array(
      '_vobox_proxy_topics',
      topics.map(([topic]) => topic),
    ),
    '',
    '# Options of a command; of all while there is none.',
    '_vobox_proxy_options() {',
    '  case $1 in',
    ...commands.map(({ name, aliases, operands, flags: own }) =>
      caseLine([name, ...aliases].map(patternOf).join('|'), [
        ...own.flatMap(specsOf),
        ...(isOfTopicName(name) ? ['2: : '] : []),
        ...operandSpecs(operands, name),
      ]),
    ),
    ...topics.map(([topic, own]) =>
      caseLine(topic, [`2:command:(${own.map(secondWord).join(' ')})`]),
    ),
    "    (help) specs=('2:command:_vobox_proxy_complete_commands') ;;",
    caseLine('*', [...flags.flatMap(specsOf), '--version[show the version]']),
    '  esac',
    '}',
    '',
    rest,
  ].join('\n')
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

function array(name: string, items: readonly string[]): string {
  return [`typeset -ga ${name}=(`, ...items.map((item) => `  ${quoted(item)}`), ')'].join('\n')
}

function caseLine(pattern: string, specs: readonly string[]): string {
  return [
    `    (${pattern}) specs=(`,
    ...specs.map((spec) => `      ${quoted(spec)}`),
    '    ) ;;',
  ].join('\n')
}

/** Letters that one command takes with a value and another without are left out. */
function alwaysValued(commands: readonly CommandFacts[]): string[] {
  const flags = commands.flatMap((command) => command.flags)
  const words = (valued: boolean) =>
    flags
      .filter(({ value }) => (value !== undefined) === valued)
      .flatMap(({ name, char }) => [name, ...(char ? [char] : [])])
  const bare = new Set(words(false))
  return [...new Set(words(true))].filter((word) => !bare.has(word))
}

const isOfTopicName = (name: string) => name.includes(' ')

const patternOf = (name: string) => name.replaceAll(' ', '\\ ')

/** Arguments of `_arguments` (zshcompsys(1)) for one option, one for each of its forms. */
function specsOf(flag: FlagFacts): string[] {
  const { name, char, description, multiple, exclusive, value } = flag
  const forms = [`--${name}`, ...(char === undefined ? [] : [`-${char}`])]
  const others = [...(multiple ? [] : forms), ...exclusive.map((other) => `--${other}`)]
  const without = others.length === 0 ? '' : `(${others.join(' ')})`
  const text = `[${escaped(description)}]`
  const completion = completionOf(flag)
  return forms.map((form) => {
    const repeated = `${without}${multiple ? '*' : ''}${form}`
    if (completion === undefined) return `${repeated}${text}`
    const attached = form.startsWith('--') ? '=' : '+'
    return `${repeated}${attached}${text}:${escaped(value ?? '')}:${actionFor(completion)}`
  })
}

/** The command is the first word, or the first two: what comes behind it is counted from there. */
function operandSpecs(operands: CommandFacts['operands'], command: string): string[] {
  const first = command.split(' ').length + 1
  return operands.map(({ name }, index) => `${index + first}:${name}:${actionFor(kindOf(name))}`)
}

const escaped = (text: string) => text.replace(/[\\[\]:]/g, '\\$&')

function actionFor(completion: Completion): string {
  switch (completion.kind) {
    case 'words':
      return `(${completion.words.join(' ')})`
    case 'file':
      return '_files'
    case 'vo':
      return '_vobox_proxy_vos'
    case 'account':
      return '_users'
    case 'none':
      return ' '
  }
}
