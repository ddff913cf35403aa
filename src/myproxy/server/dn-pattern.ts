/**
 * Patterns on distinguished names, as `myproxy-server.config(5)` and the `RENEWER`/`RETRIEVER`
 * lines of an upload write them: `*` is any text, `?` one character, `|` separates alternatives,
 * and a backslash takes the next character literally. The whole DN must match.
 *
 * The C server turns these into POSIX extended regular expressions, so that brackets and
 * parentheses have a meaning there. Here they stand for themselves: whoever uploads a credential
 * chooses its patterns, and a backtracking engine on a stranger's expression can be made to run for
 * years. A pattern that relied on them matches less than it did, never more.
 */

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

type Step = { kind: 'any-text' } | { kind: 'any-character' } | { kind: 'literal'; text: string }

/** Whether all of `dn` matches `pattern`. Time grows with the product of both lengths at worst. */
export function matchesDnPattern(pattern: string, dn: string): boolean {
  if (pattern.length > MAX_PATTERN_CHARACTERS || dn.length > MAX_DN_CHARACTERS) return false
  const characters = [...dn]
  return parsePattern(pattern).some((steps) => matchesSteps(steps, characters))
}

/** Whether any of `patterns` matches the name in either form; none never does. */
export function matchesAnyDnPattern(
  patterns: readonly string[],
  { oneLine, classicOneLine }: DnForms,
): boolean {
  const forms = oneLine === classicOneLine ? [oneLine] : [oneLine, classicOneLine]
  return patterns.some((pattern) => forms.some((dn) => matchesDnPattern(pattern, dn)))
}

/** The alternatives of a pattern. A backslash at the very end stands for itself. */
function parsePattern(pattern: string): Step[][] {
  const alternatives: Step[][] = [[]]
  const characters = [...pattern]
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] as string
    const steps = alternatives[alternatives.length - 1] as Step[]
    if (character === '|') alternatives.push([])
    else if (character === '?') steps.push({ kind: 'any-character' })
    else if (character === '*') {
      if (steps.at(-1)?.kind !== 'any-text') steps.push({ kind: 'any-text' })
    } else {
      const escaped = character === '\\' && at + 1 < characters.length
      if (escaped) at += 1
      steps.push({ kind: 'literal', text: characters[at] as string })
    }
  }
  return alternatives
}

/** Greedy with one point to return to, the last `*`: enough, because `*` takes any text at all. */
function matchesSteps(steps: readonly Step[], characters: readonly string[]): boolean {
  let step = 0
  let at = 0
  let retryStep = -1
  let retryAt = 0
  while (at < characters.length) {
    const current = steps[step]
    if (current?.kind === 'any-text') {
      retryStep = step
      retryAt = at
      step += 1
    } else if (current !== undefined && matchesCharacter(current, characters[at])) {
      step += 1
      at += 1
    } else if (retryStep >= 0) {
      retryAt += 1
      at = retryAt
      step = retryStep + 1
    } else {
      return false
    }
  }
  return steps.slice(step).every(({ kind }) => kind === 'any-text')
}

function matchesCharacter(step: Step, character: string | undefined): boolean {
  return step.kind === 'any-character' || (step.kind === 'literal' && step.text === character)
}
