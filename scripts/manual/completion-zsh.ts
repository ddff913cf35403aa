/** Completion for zsh: `_arguments` knows where options may stand once it has their table. */
import type { CommandFacts, FlagFacts } from './command-facts.js'
import {
  allFlags,
  type Completion,
  completionOf,
  kindOf,
  SERVICE_ACTIONS,
} from './completion-values.js'

/** @param rest contents of `completion.zsh`. */
export function zshCompletion(commands: readonly CommandFacts[], rest: string): string {
  const flags = allFlags(commands)
  const summaries = commands.map(({ name, summary }) => `${name}:${summary}`)
  return [
    '#compdef vobox-proxy vobox-renewd',
    '# Completion for zsh, made by the build from the commands.',
    '',
    array('_vobox_proxy_commands', [...summaries, 'help:Shows what a command takes']),
    array('_vobox_renewd_actions', SERVICE_ACTIONS),
    '',
    '# Names of options that take a value.',
    array('_vobox_proxy_valued', valuedWords(flags)),
    '',
    '# Options of a command; of all while there is none.',
    '_vobox_proxy_options() {',
    '  case $1 in',
    ...commands.map(({ name, aliases, operands, flags: own }) =>
      caseLine([name, ...aliases].join('|'), [...own.flatMap(specsOf), ...operandSpecs(operands)]),
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

function valuedWords(flags: readonly FlagFacts[]): string[] {
  return flags
    .filter(({ value }) => value !== undefined)
    .flatMap(({ name, char }) => [name, ...(char ? [char] : [])])
}

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

/** The command is the first word, so what comes behind it begins with the second. */
function operandSpecs(operands: CommandFacts['operands']): string[] {
  return operands.map(({ name }, index) => `${index + 2}:${name}:${actionFor(kindOf(name))}`)
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
