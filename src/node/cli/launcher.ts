/**
 * The command line as it has been written for fifteen years, brought into one form.
 *
 * Callers put options before or after the command, with one dash or two, with a space or `=`, and
 * quote a DN twice. oclif takes none of that, so argv is normalised here before oclif sees it. Pure,
 * and light enough for the quick path, which answers some commands without oclif.
 */
import { printable, VoboxError } from '../../errors.js'
import { LAUNCHER_OPTIONS, longNameOf, nearestOption, ownNameOf } from './launcher-options.js'

/** A command line that was understood, though not yet judged. */
export interface CommandLine {
  /** First word that is neither an option nor its value; absent when there is none. */
  command: string | undefined
  /** Options by long name; values in the order given, empty for a flag. */
  options: ReadonlyMap<string, readonly string[]>
  /** Words after the command. */
  operands: readonly string[]
  /** Letters by the long name of the option that they were given for: `t` for `hours`. */
  letters?: ReadonlyMap<string, string>
  /** Options as they stood, for commands where the order counts; each is one word. */
  sequence?: readonly string[]
}

/**
 * Reads the words after the program's name.
 *
 * @throws VoboxError `USAGE` for an unknown option, a missing value, or a value where none belongs.
 */
export function parseCommandLine(words: readonly string[]): CommandLine {
  const options = new Map<string, string[]>()
  const letters = new Map<string, string>()
  const operands: string[] = []
  const rest = [...words]

  while (rest.length > 0) {
    const word = rest.shift() as string
    if (word === '--') {
      operands.push(...rest)
      break
    }
    if (!isOptionWord(word)) {
      operands.push(word)
      continue
    }
    const { name, attached, letter } = splitOptionWord(word, operands[0])
    const option = LAUNCHER_OPTIONS.get(name)
    if (option === undefined) throw unknownOption(word)
    if (!option.takesValue) {
      if (attached !== undefined) {
        throw new VoboxError('USAGE', `option --${name} takes no value`, { data: { option: name } })
      }
      options.set(name, [])
      continue
    }
    if (letter === undefined) letters.delete(name)
    else letters.set(name, letter)
    const raw = attached ?? takeValue(name, letter, rest)
    const value = option.path ? raw : unquote(raw, rest)
    options.set(name, option.multiple ? [...(options.get(name) ?? []), value] : [value])
  }

  const [command, ...others] = operands
  return { command, options, operands: others, ...(letters.size > 0 && { letters }) }
}

/** The same command line for oclif: operands first, each option as one word, flags bare. */
export function toArgv(line: CommandLine): string[] {
  if (line.sequence !== undefined) return [...line.operands, ...line.sequence]
  const options = [...line.options].flatMap(([name, values]) =>
    values.length === 0 ? [`--${name}`] : values.map((value) => `--${name}=${value}`),
  )
  return [...line.operands, ...options]
}

/** A mistake in the value of an option, blamed on the option as it was typed: on `-t`, not on `--hours`. */
export function asTyped(error: unknown, { letters }: CommandLine): unknown {
  if (!(error instanceof VoboxError)) return error
  const { code, message, hint, data } = error
  const name = String(data.option)
  const letter = letters?.get(name)
  if (letter === undefined || !message.startsWith(`--${name}: `)) return error
  const told = `-${letter}${message.slice(name.length + 2)}`
  return new VoboxError(code, told, { hint, data, cause: error })
}

/** A single dash is an operand (standard input), and so is a negative number. */
function isOptionWord(word: string): boolean {
  return word.startsWith('-') && word !== '-' && !/^-\d/.test(word)
}

/** `--name=value`, `-name`, `-t48` and `-t=48` taken apart; long names win over one-letter ones. */
function splitOptionWord(
  word: string,
  command?: string,
): { name: string; attached?: string; letter?: string } {
  const body = word.replace(/^--?/, '')
  const equals = body.indexOf('=')
  const name = ownNameOf(equals < 0 ? body : body.slice(0, equals), command, equals >= 0)
  const attached = equals < 0 ? {} : { attached: body.slice(equals + 1) }
  if (LAUNCHER_OPTIONS.has(name) || word.startsWith('--')) return { name, ...attached }

  const letter = name.charAt(0)
  const long = longNameOf(letter)
  if (long === undefined) return { name, ...attached }
  if (name.length === 1) return { name: long, letter, ...attached }
  const option = LAUNCHER_OPTIONS.get(long)
  const mistyped = option?.numeric && !/^[=\d]/.test(body.slice(1))
  if (!option?.takesValue || mistyped) return { name, ...attached }
  return { name: long, letter, attached: body.slice(1) }
}

/** The next word, unless it is itself one of our options: then the value was forgotten. */
function takeValue(name: string, letter: string | undefined, rest: string[]): string {
  const next = rest[0]
  const forgotten =
    next === undefined ||
    next === '--' ||
    (isOptionWord(next) && LAUNCHER_OPTIONS.has(splitOptionWord(next).name))
  if (forgotten) {
    const shown = letter === undefined ? `--${name}` : `-${letter}`
    throw new VoboxError('USAGE', `option ${shown} needs a value`, { data: { option: name } })
  }
  rest.shift()
  return next
}

/**
 * A value without the second pair of quotes that some callers put round a DN. When the shell has
 * split such a DN at its spaces, the words up to the closing quote belong to it.
 */
function unquote(value: string, rest: string[]): string {
  const quote = value.charAt(0)
  if (quote !== "'" && quote !== '"') return value
  if (value.length > 1 && value.endsWith(quote)) return value.slice(1, -1)

  const end = rest.findIndex((word) => word.endsWith(quote))
  if (end < 0) return value
  const joined = [value, ...rest.splice(0, end + 1)].join(' ')
  return joined.slice(1, -1)
}

function unknownOption(word: string): VoboxError {
  const shown = printable(word.split('=')[0] ?? word, 60)
  const nearest = nearestOption(word.replace(/^-+/, '').split('=')[0] ?? '')
  return new VoboxError('USAGE', `there is no option ${shown}`, {
    hint: nearest === undefined ? undefined : `did you mean --${nearest}?`,
    data: { option: shown },
  })
}
