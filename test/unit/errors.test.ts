import { describe, expect, it } from 'vitest'
import { printable } from '../../src/errors.js'

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
