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
  plainCommands,
  SERVICE_ACTIONS,
  secondWord,
  topicsOf,
} from './completion-values.js'

/** @param rest contents of `completion.bash`. */
export function bashCompletion(commands: readonly CommandFacts[], rest: string): string {
  const flags = allFlags(commands)
  const topics = topicsOf(commands)
  const ofOneWord = plainCommands(commands)
  const names = [...ofOneWord.map(({ name }) => name), ...topics.map(([name]) => name), 'help']
  return [
    '# Completion of vobox-proxy and vobox-renewd for bash, made by the build from the commands.',
    '',
    `_vobox_proxy_commands=${quoted(names)}`,
    `_vobox_renewd_actions=${quoted(SERVICE_ACTIONS)}`,
    '',
    '# What stands behind the first word of a command of two; fails behind any other word.',
    caseFunction('_vobox_proxy_topic', [
      ...topics.map(([topic, own]) => {
        const options = commands.find(({ name }) => name === topic)?.flags ?? []
        return [topic, `names=${quoted([...own.map(secondWord), ...optionWords(options)])}`]
      }),
      ['*', 'return 1'],
    ]),
    '',
    '# Options of a command; of all while there is none.',
    caseFunction('_vobox_proxy_options', [
      ...commands.map(({ name, aliases, flags: own }) => [
        patternOf([name, ...aliases]),
        `options=${quoted(optionWords(own))}`,
      ]),
      ['help', 'options='],
      ['*', `options=${quoted([...optionWords(flags), '--version'])}`],
    ]),
    '',
    '# What the word behind a command is; fails where there is no use for one.',
    caseFunction('_vobox_proxy_operand', [...operandCases(commands), ['*', 'return 1']]),
    '',
    '# What the value of an option is, named without its dashes; fails for one that takes none. Behind',
    '# a command of two words, which is the second argument, it is as that command has it.',
    caseFunction(
      '_vobox_proxy_kind',
      [
        ...commands.filter((command) => !ofOneWord.includes(command)).flatMap(ownKindCases),
        ...topics.map(([topic]) => [`${quoted([`${topic} `])}*:*`, 'return 1']),
        ...kindCases(flags, (name) => `*:${name}`),
        ['*', 'return 1'],
      ],
      '$2:$1',
    ),
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

/** @param subject what is looked at. */
function caseFunction(name: string, cases: readonly (readonly string[])[], subject = '$1'): string {
  const lines = cases.map(([pattern, command]) => `    ${pattern}) ${command} ;;`)
  return [`${name}() {`, `  case ${subject} in`, ...lines, '  esac', '}'].join('\n')
}

const patternOf = (names: readonly string[]) =>
  names.map((name) => (name.includes(' ') ? quoted([name]) : name)).join(' | ')

/** A command takes one word at most, and what it is goes by its name. */
function operandCases(commands: readonly CommandFacts[]): [string, string][] {
  return commands.flatMap(({ name, aliases, operands: [operand] }): [string, string][] =>
    operand === undefined
      ? []
      : [[patternOf([name, ...aliases]), `kind=${quoted(kindWords(kindOf(operand.name)))}`]],
  )
}

/** Of the options of one command. */
function ownKindCases({ name, flags }: CommandFacts): [string, string][] {
  return kindCases(flags, (flag) => `${quoted([name])}:${flag}`)
}

/** One case for all options whose values are of one kind. */
function kindCases(
  flags: readonly FlagFacts[],
  pattern: (name: string) => string,
): [string, string][] {
  const names = new Map<string, string[]>()
  for (const flag of flags) {
    const completion = completionOf(flag)
    if (completion === undefined) continue
    const kind = `kind=${quoted(kindWords(completion))}`
    names.set(kind, [...(names.get(kind) ?? []), flag.name, ...(flag.char ? [flag.char] : [])])
  }
  return [...names].map(([kind, options]) => [options.map(pattern).join(' | '), kind])
}

function kindWords(completion: Completion): string[] {
  return completion.kind === 'words' ? ['words', ...completion.words] : [completion.kind]
}
