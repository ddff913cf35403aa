/**
 * Bracket expressions of POSIX regular expressions (POSIX.1-2017 XBD §9.3.5) in the C locale, in
 * which the C server runs: `[a-z]`, `[^a]`, `[[:alnum:]]`. A backslash is a character like others.
 */

/** Whether one character, given as its code, is meant. */
export type CharacterTest = (code: number) => boolean

const between =
  (first: string, last: string): CharacterTest =>
  (code) =>
    code >= first.charCodeAt(0) && code <= last.charCodeAt(0)
const either =
  (...tests: readonly CharacterTest[]): CharacterTest =>
  (code) =>
    tests.some((test) => test(code))

const upper = between('A', 'Z')
const lower = between('a', 'z')
const digit = between('0', '9')
const graph = between('!', '~')
const alnum = either(upper, lower, digit)

const CLASSES: Readonly<Record<string, CharacterTest>> = {
  alnum,
  alpha: either(upper, lower),
  blank: (code) => code === 0x20 || code === 0x09,
  cntrl: (code) => code < 0x20 || code === 0x7f,
  digit,
  graph,
  lower,
  print: either(graph, (code) => code === 0x20),
  punct: (code) => graph(code) && !alnum(code),
  space: (code) => code === 0x20 || (code >= 0x09 && code <= 0x0d),
  upper,
  xdigit: either(digit, between('a', 'f'), between('A', 'F')),
}

export interface Bracket {
  test: CharacterTest
  /** Where what follows the closing bracket begins. */
  end: number
}

/** One element: a single character, which can begin a range, or a class, which cannot. */
interface Element {
  code?: number
  test: CharacterTest
  end: number
}

/**
 * @param characters the whole expression; `at` is behind the opening bracket.
 * @returns undefined for what `regcomp` refuses.
 */
export function parseBracket(characters: readonly string[], at: number): Bracket | undefined {
  const negated = characters[at] === '^'
  const begin = negated ? at + 1 : at
  const tests: CharacterTest[] = []
  let next = begin
  while (next < characters.length) {
    if (characters[next] === ']' && next !== begin) {
      const test = either(...tests)
      return { test: negated ? (code) => !test(code) : test, end: next + 1 }
    }
    const element = parseRange(characters, next, next === begin)
    if (element === undefined) return undefined
    tests.push(element.test)
    next = element.end
  }
  return undefined
}

/** A `-` stands for itself only first, last, or as the end of a range. */
function parseRange(
  characters: readonly string[],
  at: number,
  isFirst: boolean,
): Element | undefined {
  if (characters[at] === '-' && !isFirst && characters[at + 1] !== ']') return undefined
  const first = parseElement(characters, at)
  if (first === undefined || characters[first.end] !== '-') return first
  if (characters[first.end + 1] === ']') return first
  const last = parseElement(characters, first.end + 1)
  if (first.code === undefined || last?.code === undefined) return undefined
  const { code: from } = first
  const { code: to, end } = last
  if (from > to) return undefined
  return { test: (code) => code >= from && code <= to, end }
}

function parseElement(characters: readonly string[], at: number): Element | undefined {
  const [character, kind = ''] = [characters[at], characters[at + 1]]
  if (character === undefined) return undefined
  if (character !== '[' || !':.='.includes(kind) || kind === '') return single(character, at + 1)
  const from = at + 2
  let to = from
  while (to < characters.length && !(characters[to] === kind && characters[to + 1] === ']')) to += 1
  if (to >= characters.length) return undefined
  const name = characters.slice(from, to).join('')
  const end = to + 2
  if (kind === ':') {
    const test = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined
    return test && { test, end }
  }
  if (to - from !== 1) return undefined
  const symbol = single(name, end)
  return kind === '.' ? symbol : { test: symbol.test, end }
}

function single(character: string, end: number): Required<Element> {
  const own = character.codePointAt(0) as number
  return { code: own, test: (code) => code === own, end }
}
