/**
 * Completion for bash. It knows what the launcher knows: options stand before or after the command,
 * with one dash or two, with a space or `=`. Needs nothing but bash 4; what no command can change
 * stands in `completion.bash`.
 */
import type { CommandFacts, FlagFacts } from './command-facts.js'
import {
  allFlags,
  type Completion,
  completionOf,
  kindOf,
  SERVICE_ACTIONS,
} from './completion-values.js'

/** @param rest contents of `completion.bash`. */
export function bashCompletion(commands: readonly CommandFacts[], rest: string): string {
  const flags = allFlags(commands)
  const names = [...commands.map(({ name }) => name), 'help']
  return [
    '# Completion of vobox-proxy and vobox-renewd for bash, made by the build from the commands.',
    '',
    `_vobox_proxy_commands=${quoted(names)}`,
    `_vobox_renewd_actions=${quoted(SERVICE_ACTIONS)}`,
    '',
    '# Options of a command; of all while there is none.',
    caseFunction('_vobox_proxy_options', [
      ...commands.map(({ name, aliases, flags: own }) => [
        [name, ...aliases].join(' | '),
        `options=${quoted(optionWords(own))}`,
      ]),
      ['help', 'options='],
      ['*', `options=${quoted([...optionWords(flags), '--version'])}`],
    ]),
    '',
    '# What the word behind a command is; fails where there is no use for one.',
    caseFunction('_vobox_proxy_operand', [...operandCases(commands), ['*', 'return 1']]),
    '',
    '# What the value of an option is, named without its dashes; fails for one that takes none.',
    caseFunction('_vobox_proxy_kind', [...kindCases(flags), ['*', 'return 1']]),
    '',
    rest,
  ].join('\n')
}

/** Words for the shell: they come from our own commands, and a mistake there must not run. */
export function quoted(words: readonly string[]): string {
  return `'${words.join(' ').replaceAll("'", "'\\''")}'`
}

function optionWords(flags: readonly FlagFacts[]): string[] {
  return flags.flatMap(({ name, char }) => [`--${name}`, ...(char ? [`-${char}`] : [])])
}

function caseFunction(name: string, cases: readonly (readonly string[])[]): string {
  const lines = cases.map(([pattern, command]) => `    ${pattern}) ${command} ;;`)
  return [`${name}() {`, '  case $1 in', ...lines, '  esac', '}'].join('\n')
}

/** A command takes one word at most, and what it is goes by its name. */
function operandCases(commands: readonly CommandFacts[]): [string, string][] {
  return commands.flatMap(({ name, aliases, operands: [operand] }): [string, string][] =>
    operand === undefined
      ? []
      : [[[name, ...aliases].join(' | '), `kind=${quoted(kindWords(kindOf(operand.name)))}`]],
  )
}

/** One case for all options whose values are of one kind. */
function kindCases(flags: readonly FlagFacts[]): [string, string][] {
  const names = new Map<string, string[]>()
  for (const flag of flags) {
    const completion = completionOf(flag)
    if (completion === undefined) continue
    const kind = `kind=${quoted(kindWords(completion))}`
    names.set(kind, [...(names.get(kind) ?? []), flag.name, ...(flag.char ? [flag.char] : [])])
  }
  return [...names].map(([kind, options]) => [options.join(' | '), kind])
}

function kindWords(completion: Completion): string[] {
  return completion.kind === 'words' ? ['words', ...completion.words] : [completion.kind]
}
