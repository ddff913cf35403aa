/**
 * Options as getopt_long(3) reads them: letters that may stand together (`-dn`), a value in the same
 * word or the next, long names that may be cut short, `--` before words that are none. Pure.
 *
 * The order is kept: what `-x` says holds for the patterns behind it.
 */
import { printable, VoboxError } from '../../errors.js'
import { nearestOf } from './launcher-options.js'

export interface GetoptOption {
  /** Without dashes; a name of one character is a letter. */
  names: readonly string[]
  takesValue: boolean
}

export interface GetoptRules {
  /** A long name may be cut short where only one begins so. */
  abbreviations?: boolean
  /** A long name may stand behind one dash; its letters are read only where there is no such name. */
  oneDash?: boolean
  /** The command that a mistake is blamed on, `myproxy info`; absent: the program, which signs it. */
  program?: string
  /** For every mistake: what to do next. */
  hint: string
}

export interface GivenOption<O extends GetoptOption> {
  option: O
  /** Undefined where it takes none. */
  value: string | undefined
  /** Where it was given by its letter: what a mistake in its value is blamed on. */
  letter?: string
}

export interface GivenOptions<O extends GetoptOption> {
  /** As they stood. */
  given: readonly GivenOption<O>[]
  operands: readonly string[]
}

/**
 * @throws VoboxError `USAGE` for an unknown or ambiguous option, a missing value, and a value where
 *   none belongs; never with the value itself.
 */
export function readOptions<O extends GetoptOption>(
  words: readonly string[],
  options: readonly O[],
  rules: GetoptRules,
): GivenOptions<O> {
  const reader = new Reader(words, options, rules)
  while (reader.step()) {}
  return reader
}

class Reader<O extends GetoptOption> implements GivenOptions<O> {
  readonly given: GivenOption<O>[] = []
  readonly operands: string[] = []
  readonly #rest: string[]
  readonly #options: readonly O[]
  readonly #rules: GetoptRules

  constructor(words: readonly string[], options: readonly O[], rules: GetoptRules) {
    this.#rest = [...words]
    this.#options = options
    this.#rules = rules
  }

  /** Reads one word, with its value; false at the end. */
  step(): boolean {
    const word = this.#rest.shift()
    if (word === undefined) return false
    if (word === '--') this.operands.push(...this.#rest.splice(0))
    else if (!word.startsWith('-') || word === '-') this.operands.push(word)
    else if (word.startsWith('--') || this.#isLongBehindOneDash(word)) this.#long(word)
    else this.#letters(word)
    return true
  }

  #isLongBehindOneDash(word: string): boolean {
    const { name } = apart(word)
    return this.#rules.oneDash === true && name.length > 1 && this.#named(name) !== undefined
  }

  #long(word: string): void {
    const { name, value } = apart(word)
    const option = (name.length > 1 && this.#named(name)) || this.#begunBy(name, word)
    if (option.takesValue) this.#take(option, `--${name}`, value)
    else if (value === undefined) this.given.push({ option, value })
    else throw this.#mistake(`option --${name} takes no value`, { option: name })
  }

  #letters(word: string): void {
    for (let at = 1; at < word.length; at++) {
      const letter = word.charAt(at)
      const option = this.#named(letter)
      if (option === undefined) throw this.#unknown(word.length === 2 ? word : `-${letter}`, word)
      if (option.takesValue) {
        this.#take(option, `-${letter}`, this.#attached(word.slice(at + 1)))
        return
      }
      this.given.push({ option, value: undefined })
    }
  }

  /** Behind a letter; ours may stand behind `=` as well. */
  #attached(text: string): string | undefined {
    if (text === '') return undefined
    return this.#rules.oneDash === true && text.startsWith('=') ? text.slice(1) : text
  }

  #take(option: O, shown: string, attached: string | undefined): void {
    const value = attached ?? this.#rest.shift()
    if (value === undefined) {
      throw this.#mistake(`option ${shown} needs a value`, { option: shown.replace(/^-+/, '') })
    }
    const letter = shown.startsWith('--') ? {} : { letter: shown.slice(1) }
    this.given.push({ option, value, ...letter })
  }

  /** By its whole name; a dash and an underscore are the same. */
  #named(name: string): O | undefined {
    const wanted = dashed(name)
    return this.#options.find(({ names }) => names.some((one) => dashed(one) === wanted))
  }

  #begunBy(name: string, word: string): O {
    const begun = this.#rules.abbreviations === true ? this.#beginningWith(dashed(name)) : []
    const [only] = begun
    if (only !== undefined && begun.length === 1) return only
    if (only === undefined) throw this.#unknown(`--${name}`, word)
    const several = begun.map(({ names }) => `--${longOf(names)}`).join(', ')
    throw this.#mistake(`--${printable(name, 60)} could be ${several}`, { option: name })
  }

  #beginningWith(beginning: string): O[] {
    return this.#options.filter(({ names }) =>
      names.some((one) => one.length > 1 && dashed(one).startsWith(beginning)),
    )
  }

  #unknown(shown: string, word: string): VoboxError {
    const names = this.#options.flatMap((option) => option.names).filter((one) => one.length > 1)
    const nearest = nearestOf(dashed(apart(word).name), names.map(dashed))
    const meant = nearest === undefined ? '' : `did you mean --${nearest}?\n`
    const { program, hint } = this.#rules
    const option = printable(shown, 60)
    const missing = program === undefined ? 'there is no option' : `${program} has no option`
    return new VoboxError('USAGE', `${missing} ${option}`, {
      hint: `${meant}${hint}`,
      data: { option },
    })
  }

  #mistake(message: string, data: Readonly<Record<string, unknown>>): VoboxError {
    return new VoboxError('USAGE', printable(message), { hint: this.#rules.hint, data })
  }
}

function apart(word: string): { name: string; value: string | undefined } {
  const body = word.replace(/^--?/, '')
  const equals = body.indexOf('=')
  return equals < 0
    ? { name: body, value: undefined }
    : { name: body.slice(0, equals), value: body.slice(equals + 1) }
}

const dashed = (name: string) => name.replaceAll('_', '-')

const longOf = (names: readonly string[]) => names.find((one) => one.length > 1) ?? names[0]
