/**
 * POSIX extended regular expressions (POSIX.1-2017 XBD §9.4) as GNU's `regcomp` reads them, which is
 * what the C server gives its patterns to. Pure; {@link ./posix-matcher} runs what comes out.
 *
 * Where POSIX leaves a case open, the choice is GNU's: an unmatched `)` stands for itself, anchors
 * count everywhere, an alternative may be empty. Its own extensions (`\w`, `\b`, `\1` …) are refused:
 * the manual of the server knows none of them.
 */
import { type CharacterTest, parseBracket } from './posix-bracket.js'

export type Expression =
  | { kind: 'character'; test: CharacterTest }
  /** The very begin or end of the text. */
  | { kind: 'begin' | 'end' }
  | { kind: 'sequence' | 'alternatives'; parts: readonly Expression[] }
  | { kind: 'repeat'; part: Expression; min: number; max: number }

/** `RE_DUP_MAX` of glibc. */
const MAX_REPEAT = 0x7fff

const QUANTIFIERS: Readonly<Record<string, readonly [min: number, max: number]>> = {
  '*': [0, Number.POSITIVE_INFINITY],
  '+': [1, Number.POSITIVE_INFINITY],
  '?': [0, 1],
}

/** Letters and signs to which GNU gives a meaning behind a backslash. */
const GNU_ESCAPES = /[wWsSbB<>`'1-9]/

/** @returns undefined for what `regcomp` refuses. */
export function parseExpression(source: string): Expression | undefined {
  const parser = new Parser([...source])
  try {
    return parser.parse()
  } catch (error) {
    if (error === REFUSED) return undefined
    throw error
  }
}

const REFUSED = new Error('not a regular expression')

class Parser {
  readonly #characters: readonly string[]
  #at = 0

  constructor(characters: readonly string[]) {
    this.#characters = characters
  }

  parse(): Expression {
    return this.#alternatives(0)
  }

  get #next(): string | undefined {
    return this.#characters[this.#at]
  }

  #alternatives(depth: number): Expression {
    const parts = [this.#sequence(depth)]
    while (this.#next === '|') {
      this.#at += 1
      parts.push(this.#sequence(depth))
    }
    return parts.length === 1 ? (parts[0] as Expression) : { kind: 'alternatives', parts }
  }

  #sequence(depth: number): Expression {
    const parts: Expression[] = []
    for (;;) {
      const next = this.#next
      if (next === undefined || next === '|' || (next === ')' && depth > 0)) break
      parts.push(this.#repeated(depth))
    }
    return { kind: 'sequence', parts }
  }

  /** An anchor takes no quantifier: the next round meets it where none may stand. */
  #repeated(depth: number): Expression {
    let part = this.#atom(depth)
    if (part.kind === 'begin' || part.kind === 'end') return part
    for (;;) {
      const range = this.#quantifier()
      if (range === undefined) return part
      part = { kind: 'repeat', part, min: range[0], max: range[1] }
    }
  }

  #atom(depth: number): Expression {
    const character = this.#next as string
    this.#at += 1
    switch (character) {
      case '(':
        return this.#group(depth)
      case '[': {
        const bracket = parseBracket(this.#characters, this.#at)
        if (bracket === undefined) throw REFUSED
        this.#at = bracket.end
        return { kind: 'character', test: bracket.test }
      }
      case '^':
        return { kind: 'begin' }
      case '$':
        return { kind: 'end' }
      case '.':
        return { kind: 'character', test: () => true }
      case '\\':
        return this.#escaped()
      case '*':
      case '+':
      case '?':
      case '{':
        throw REFUSED
      default:
        return literal(character)
    }
  }

  #group(depth: number): Expression {
    const part = this.#alternatives(depth + 1)
    if (this.#next !== ')') throw REFUSED
    this.#at += 1
    // An anchor inside of parentheses does take a quantifier.
    return { kind: 'sequence', parts: [part] }
  }

  #escaped(): Expression {
    const character = this.#next
    if (character === undefined || GNU_ESCAPES.test(character)) throw REFUSED
    this.#at += 1
    return literal(character)
  }

  #quantifier(): readonly [min: number, max: number] | undefined {
    const next = this.#next ?? ''
    if (next === '{') return this.#interval()
    const range = Object.hasOwn(QUANTIFIERS, next) ? QUANTIFIERS[next] : undefined
    if (range !== undefined) this.#at += 1
    return range
  }

  /** `{2}`, `{2,}`, `{2,5}` and, as GNU has it, `{,5}`. */
  #interval(): readonly [min: number, max: number] {
    const close = this.#characters.indexOf('}', this.#at)
    if (close === -1) throw REFUSED
    const text = this.#characters.slice(this.#at + 1, close).join('')
    const [, from = '', comma, to = ''] = /^([0-9]*)(,?)([0-9]*)$/.exec(text) ?? []
    if (comma === undefined || (comma === '' && from === '')) throw REFUSED
    const min = Number(from)
    const open = to === '' ? Number.POSITIVE_INFINITY : Number(to)
    const max = comma === '' ? min : open
    if (min > max || min > MAX_REPEAT || (to !== '' && max > MAX_REPEAT)) throw REFUSED
    this.#at = close + 1
    return [min, max]
  }
}

function literal(character: string): Expression {
  const own = character.codePointAt(0)
  return { kind: 'character', test: (code) => code === own }
}
