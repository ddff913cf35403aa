import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES, type ErrorCode, GENERAL_CURES, printable } from '../../src/errors.js'

describe('text from outside', () => {
  it.each([
    ['an escape sequence', 'a\u001b[2Jb', 'a [2Jb'],
    ['a line of its own', 'a\r\nRENEWER=*', 'a RENEWER=*'],
    ['DEL and C1', 'a\u007f\u0085\u009bb', 'a b'],
    ['line and paragraph separators', 'a\u2028b\u2029c', 'a b c'],
    ['embeddings and overrides of direction', 'a\u202eb\u202cc', 'a b c'],
    ['isolates', 'a\u2066b\u2069c', 'a b c'],
    ['marks of direction', 'a\u200eb\u200fc\u061cd', 'a b c d'],
  ])('loses %s', (_what, text, shown) => {
    expect(printable(text)).toBe(shown)
  })

  it('keeps letters of every script, whichever way they run', () => {
    const text = 'Zürich Ελλάδα 東京 עברית العربية 🙂'
    expect(printable(text)).toBe(text)
  })

  it('is cut to 1000 characters, the last of which says so', () => {
    expect(printable('x'.repeat(1000))).toHaveLength(1000)
    expect(printable('x'.repeat(1001))).toBe(`${'x'.repeat(999)}…`)
  })
})

/** Whose message says all there is to say, or leaves nothing to do. */
const WITHOUT_CURE: readonly ErrorCode[] = [
  'FILE_MISSING',
  'SERVICE_ALREADY_RUNNING',
  'REGISTRATION_AMBIGUOUS',
  'CANCELLED',
]

/** Places that raise a failure without a hint, as `file:line CODE`. */
function raisedWithoutHint(): { place: string; codes: ErrorCode[] }[] {
  const names = readdirSync('src', { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const path = join('src', name)
      const source = readFileSync(path, 'utf8')
      if (!source.includes('new VoboxError')) return []
      const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest)
      return newErrorsIn(file)
        .filter(({ text }) => !/\bhint\b/.test(text))
        .map(({ line, codes }) => ({ place: `${path}:${line}`, codes }))
    })
}

function newErrorsIn(file: ts.SourceFile) {
  const found: { text: string; line: number; codes: ErrorCode[] }[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) && node.expression.getText(file) === 'VoboxError') {
      const [code] = node.arguments ?? []
      const words: string[] = code?.getText(file).match(/[A-Z][A-Z0-9_]+/g) ?? []
      const codes = words.filter((word): word is ErrorCode => word in ERROR_CODES)
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file))
      found.push({ text: node.getText(file), line: line + 1, codes })
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

describe('what a person can do', () => {
  it('is said by whoever raises a failure, or by its code', () => {
    const raised = raisedWithoutHint()
    expect(raised.length).toBeGreaterThan(50)
    const known = (code: ErrorCode) => code in GENERAL_CURES || WITHOUT_CURE.includes(code)
    expect(
      raised
        .filter(({ codes }) => !codes.every(known))
        .map(({ place, codes }) => `${place} ${codes}`),
    ).toEqual([])
  })

  it('is one line of at most 90 characters, without a full stop', () => {
    for (const cure of Object.values(GENERAL_CURES)) expect(cure).toMatch(/^[^\n]{10,90}(?<!\.)$/)
  })
})
