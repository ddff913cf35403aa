/**
 * Patterns on distinguished names, as `myproxy-server.config(5)`, REGULAR EXPRESSIONS, and the
 * `RENEWER`/`RETRIEVER` lines of an upload write them: POSIX extended regular expressions in which
 * `*` is any text, `?` one character and `.` itself; behind a backslash these three have the meaning
 * that the others took from them. The whole DN must match.
 *
 * The translation is textual, as in the C server, and so are its consequences: parentheses group,
 * `a)|(b` is two expressions. What is no expression, or one of GNU's extensions, matches nothing.
 */
import { parseExpression } from './posix-expression.js'
import { compileMatcher, type Matcher } from './posix-matcher.js'

/** Longest pattern and longest DN looked at, in characters: they bound the work of one match. */
export const MAX_PATTERN_CHARACTERS = 1024
const MAX_DN_CHARACTERS = 8192

/** Name under which a client without a certificate meets the policy, as in the C server. */
export const ANONYMOUS = '<anonymous>'

/**
 * A distinguished name as patterns meet it: OpenSSL 3 writes `CN=host\/fqdn` where older versions,
 * and most patterns that people have, say `CN=host/fqdn`. Either form may match.
 */
export type DnForms = Readonly<Record<'oneLine' | 'classicOneLine', string>>

/** One text for both. */
export const plainDn = (text: string): DnForms => ({ oneLine: text, classicOneLine: text })

/** Before a pattern, in any case: it is one of the DN, which it is anyway. */
const OF_SUBJECT = /^subject:/i

/**
 * Before a pattern, in any case: it is one of the client's VOMS attributes. The C server takes it
 * where it was built with VOMS; here it matches nobody.
 */
export const OF_ATTRIBUTES = /^fqan:/i

/** A pattern without the `subject:` that may stand before it. */
export function withoutKind(pattern: string): string {
  return pattern.replace(OF_SUBJECT, '')
}

/** Whether all of `dn` matches `pattern`. Time grows with the product of both lengths at worst. */
export function matchesDnPattern(pattern: string, dn: string): boolean {
  return matchesAnyDnPattern([pattern], plainDn(dn))
}

/** Whether any of `patterns` matches the name in either form; none never does. */
export function matchesAnyDnPattern(
  patterns: readonly string[],
  { oneLine, classicOneLine }: DnForms,
): boolean {
  const forms = oneLine === classicOneLine ? [oneLine] : [oneLine, classicOneLine]
  const names = forms.filter(({ length }) => length <= MAX_DN_CHARACTERS)
  const { literals, matchers } = compiledOf(patterns)
  return names.some(
    (name) => literals.has(name) || matchers.some((matcher) => matcher.search(name)),
  )
}

interface CompiledPatterns {
  /** Those that stand for one DN only. */
  literals: ReadonlySet<string>
  matchers: readonly Matcher[]
}

/**
 * The lists of a configuration live as long as it does, are asked about in every request, and have
 * hundreds of lines where each VO-Box is named: they are compiled once.
 */
const compiled = new WeakMap<readonly string[], CompiledPatterns>()

function compiledOf(patterns: readonly string[]): CompiledPatterns {
  const known = compiled.get(patterns)
  if (known !== undefined) return known
  const literals = new Set<string>()
  const matchers: Matcher[] = []
  for (const pattern of patterns) {
    if (isLiteral(pattern)) literals.add(withoutKind(pattern))
    else {
      const matcher = compileDnPattern(pattern)
      if (matcher !== undefined) matchers.push(matcher)
    }
  }
  const made = { literals, matchers }
  compiled.set(patterns, made)
  return made
}

/** No character of these has a meaning in an expression; the dot has none in a pattern. */
const LITERAL = /^[A-Za-z0-9/=:@, '_.-]+$/

function isLiteral(pattern: string): boolean {
  const fits = pattern.length <= MAX_PATTERN_CHARACTERS && !OF_ATTRIBUTES.test(pattern)
  return fits && LITERAL.test(withoutKind(pattern))
}

/** Whether a pattern can match anything at all. */
export function isDnPattern(pattern: string): boolean {
  return compileDnPattern(pattern) !== undefined
}

function compileDnPattern(pattern: string): Matcher | undefined {
  if (pattern.length > MAX_PATTERN_CHARACTERS || OF_ATTRIBUTES.test(pattern)) return undefined
  const expression = parseExpression(`^(${translate(withoutKind(pattern))})$`)
  return expression && compileMatcher(expression)
}

const TRANSLATED: Readonly<Record<string, string>> = {
  '*': '.*',
  '?': '.',
  '.': '\\.',
  '\\*': '*',
  '\\?': '?',
  '\\.': '.',
  // Not in the manual: seen at the C server.
  '\\\\': '\\',
  '\\': '',
}

/** The table of the manual; anything else, an escaped bracket say, stays as it is. */
function translate(pattern: string): string {
  return pattern.replace(/\\[*?.\\]|\\$|[*?.]/g, (part) => TRANSLATED[part] as string)
}
