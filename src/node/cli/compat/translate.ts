/**
 * The command lines of other people's tools, brought into ours. Pure.
 *
 * Scripts of fifteen years call `voms-proxy-init` and its kin, with one dash or two, a space or `=`,
 * and long names cut short as getopt_long_only(3) allows. What a tool can do and we cannot is refused
 * by name: a script must not take a proxy for something that it is not.
 */
import { printable, VoboxError } from '../../../errors.js'
import { readOptions } from '../getopt.js'
import { nearestOf } from '../launcher-options.js'

export interface CompatOption {
  /** Without dashes; the first one is shown. */
  names: readonly string[]
  /** What stands for its value; undefined: takes none. */
  value?: string | undefined
  help: string
  /** Our words for it. Throws `USAGE` for a value that has no place here. */
  words(value: string): readonly string[]
}

export interface CompatTool {
  name: string
  /** Our command, which may be of two words. */
  command: string
  /** getopt_long(3): letters behind one dash, names behind two. Absent: getopt_long_only(3). */
  syntax?: 'getopt_long'
  options: readonly CompatOption[]
  /** Its one word, which says what is done: our command by it, and the options that count there. */
  actions?: Readonly<Record<string, { command: string; takes: readonly string[] }>>
  /** What it is called wrongly with is told on stdout, as its usage is. */
  usageOnStdout?: boolean
  /** Words of ours where no option of these was given. */
  otherwise?: { unless: readonly string[]; words: readonly string[] }
}

/** What is to be done: our own words, or a text to print. */
export type Translation = { words: readonly string[] } | { asksFor: 'help' | 'version' }

const HELP: ReadonlySet<string> = new Set(['help', 'usage'])

/**
 * Our command line for a tool's.
 *
 * @throws VoboxError `USAGE` for what the tool does not know or we do not do; the hint holds its usage.
 */
export function translate(tool: CompatTool, line: readonly string[]): Translation {
  if (tool.syntax === 'getopt_long') return translateGetopt(tool, line)
  const given: string[] = []
  const words: string[] = []
  const rest = [...line]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const { name, attached } = splitWord(tool, word)
    if (HELP.has(name)) return { asksFor: 'help' }
    if (name === 'version') return { asksFor: 'version' }
    const option = optionOf(tool, name, word)
    const [main = name] = option.names
    if (HELP.has(main)) return { asksFor: 'help' }
    given.push(main)
    if (option.value === undefined && attached !== undefined) {
      throw usage(tool, `option -${name} takes no value`, { option: name })
    }
    const value = option.value === undefined ? '' : (attached ?? rest.shift())
    if (value === undefined) throw usage(tool, `option -${name} needs a value`, { option: name })
    words.push(...option.words(value))
  }
  const { unless = [], words: more = [] } = tool.otherwise ?? {}
  if (!unless.some((name) => given.includes(name))) words.push(...more)
  return { words: [...tool.command.split(' '), ...words] }
}

function translateGetopt(tool: CompatTool, line: readonly string[]): Translation {
  const options = tool.options.map((option) => ({
    option,
    names: option.names,
    takesValue: option.value !== undefined,
  }))
  const rules = { abbreviations: true, hint: usageOf(tool).trimEnd() }
  const { given, operands } = readOptions(line, options, rules)
  const names = given.map(({ option }) => option.names[0] as string)
  const asked = names.find((name) => HELP.has(name) || name === 'version')
  if (asked !== undefined) return { asksFor: asked === 'version' ? 'version' : 'help' }
  const { command, takes = names, strays } = actionOf(tool, operands)
  const counted = given.filter((_given, at) => takes.includes(names[at] as string))
  const words = counted.flatMap(({ option, value }) => option.option.words(value ?? ''))
  const [stray] = strays
  const more = tool.otherwise?.words ?? []
  if (stray === undefined) return { words: [...command.split(' '), ...words, ...more] }
  throw usage(tool, `there is no use for '${printable(stray, 60)}'`, { word: printable(stray, 60) })
}

/** Our command, and the words that nobody has a use for. */
function actionOf(
  tool: CompatTool,
  operands: readonly string[],
): { command: string; takes?: readonly string[]; strays: readonly string[] } {
  const { actions, command } = tool
  if (actions === undefined) return { command, strays: operands }
  const [word = '', ...strays] = operands
  const action = Object.hasOwn(actions, word) ? actions[word] : undefined
  if (action !== undefined) return { ...action, strays }
  const known = Object.keys(actions).join(', ')
  throw new VoboxError('USAGE', `what is to be done: ${known}?`, {
    hint: usageOf(tool).trimEnd(),
    data: { word: printable(word, 60) },
  })
}

/** Of a terminal as it is by default. */
const COLUMNS = 80

/** The usage of a tool, as it says it itself. */
export function usageOf(tool: CompatTool): string {
  const long = (name: string) => tool.syntax === 'getopt_long' && name.length > 1
  const dashed = (name: string) => `${long(name) ? '--' : '-'}${name}`
  const rows = tool.options.map(({ names, value = '', help }) => {
    const [first = '', ...others] = names
    const also = others.length === 0 ? '' : ` (${others.map(dashed).join(', ')})`
    return [`${dashed(first)} ${value}`.trimEnd(), `${help}${also}`] as const
  })
  const width = Math.max(...rows.map(([option]) => option.length)) + 4
  const lines = rows.flatMap(([option, help]) => {
    const [first = '', ...more] = wrapped(help, COLUMNS - width)
    return [`  ${option}`.padEnd(width) + first, ...more.map((line) => ' '.repeat(width) + line)]
  })
  const words = tool.actions === undefined ? '' : ` ${Object.keys(tool.actions).join('|')}`
  const command = tool.actions === undefined ? tool.command : tool.command.split(' ')[0]
  return [
    `usage: ${tool.name} [options]${words}`,
    ...wrapped(`This is vobox-proxy ${command} with the options of ${tool.name}.`, COLUMNS),
    ...lines,
    '',
  ].join('\n')
}

function wrapped(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length <= columns || line === '') {
      line = longer
      continue
    }
    lines.push(line)
    line = word
  }
  return [...lines, line]
}

export function usage(
  tool: { name: string },
  message: string,
  data: Readonly<Record<string, unknown>> = {},
): VoboxError {
  return new VoboxError('USAGE', message, { hint: `${tool.name} --help shows what it takes`, data })
}

function splitWord(tool: CompatTool, word: string): { name: string; attached?: string } {
  const [, body = ''] = /^--?(.*)$/s.exec(word) ?? []
  if (body === '') {
    throw usage(tool, `there is no use for '${printable(word, 60)}'`, { word: printable(word, 60) })
  }
  const equals = body.indexOf('=')
  return equals < 0
    ? { name: body }
    : { name: body.slice(0, equals), attached: body.slice(equals + 1) }
}

/** By its name, or by the beginning of the only one that begins so. */
function optionOf(tool: CompatTool, name: string, word: string): CompatOption {
  const exact = tool.options.find(({ names }) => names.includes(name))
  if (exact !== undefined) return exact
  const begun = tool.options.filter(({ names }) => names.some((one) => one.startsWith(name)))
  const [only] = begun
  if (only !== undefined && begun.length === 1) return only
  throw unknown(tool, word, name, begun)
}

function unknown(
  tool: CompatTool,
  word: string,
  name: string,
  begun: readonly CompatOption[],
): VoboxError {
  const shown = printable(word.split('=')[0] ?? word, 60)
  const data = { option: shown }
  if (begun.length > 1) {
    const several = begun.map(({ names }) => `-${names[0]}`).join(', ')
    return usage(tool, `${shown} could be ${several}`, data)
  }
  const names = tool.options.flatMap((option) => option.names)
  const nearest = nearestOf(name, names)
  const hint = nearest === undefined ? '' : `did you mean -${nearest}?\n`
  return new VoboxError('USAGE', `there is no option ${shown}`, {
    hint: `${hint}${usageOf(tool)}`.trimEnd(),
    data,
  })
}
