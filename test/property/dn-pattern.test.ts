import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesDnPattern } from '../../src/myproxy/server/dn-pattern.js'

/** The regular expression that the C server would make of a pattern without brackets. */
function translated(pattern: string): RegExp {
  const source = pattern.replace(/\\.|[\\*?.|]|[^\\*?.|]/gsu, (part) => {
    if (part === '*') return '.*'
    if (part === '?') return '.'
    if (part === '|') return '|'
    const literal = part.length > 1 && part.startsWith('\\') ? part.slice(1) : part
    return literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  })
  return new RegExp(`^(?:${source})$`, 'su')
}

/** Few letters, so that patterns and names meet often. */
const names = fc.string({ unit: fc.constantFrom('a', 'b', '/', '=', '.'), maxLength: 12 })
const patterns = fc.string({
  unit: fc.constantFrom('a', 'b', '/', '.', '*', '*', '?', '|', '\\*', '\\?', '\\\\'),
  maxLength: 10,
})

describe('matchesDnPattern', () => {
  it('agrees with the regular expression that the C server makes of the same pattern', () => {
    fc.assert(
      fc.property(patterns, names, (pattern, name) => {
        expect(matchesDnPattern(pattern, name)).toBe(translated(pattern).test(name))
      }),
      { numRuns: 2000 },
    )
  })

  it('takes every name when all of it is written out with its wildcards escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (name) => {
        const escaped = name.replace(/[\\*?|]/g, '\\$&')
        expect(matchesDnPattern(escaped, name)).toBe(true)
      }),
    )
  })
})
