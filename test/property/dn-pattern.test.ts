import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesDnPattern } from '../../src/myproxy/server/policy/dn-pattern.js'
import { dnAsPattern } from '../../src/registry/cure-commands.js'

/** The regular expression that the C server would make of a pattern from these parts. */
const PARTS: Readonly<Record<string, string>> = {
  a: 'a',
  b: 'b',
  '/': '\\/',
  '.': '\\.',
  '*': '.*',
  '?': '.',
  '|': '|',
  'a\\*': 'a*',
  'b\\?': 'b?',
  '\\.': '.',
  'b{1,2}': 'b{1,2}',
  '[ab]': '[ab]',
  '[^a]': '[^a]',
  '(a|bb)+': '(a|bb)+',
  '\\(': '\\(',
}

const patterns = fc.array(fc.constantFrom(...Object.keys(PARTS)), { maxLength: 8 })
/** Few letters, so that patterns and names meet often. */
const names = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '('), maxLength: 10 })

describe('matchesDnPattern', () => {
  it('agrees with the regular expression that the C server makes of the same pattern', () => {
    fc.assert(
      fc.property(patterns, names, (parts, name) => {
        const translated = new RegExp(`^(${parts.map((part) => PARTS[part]).join('')})$`, 'su')
        expect(matchesDnPattern(parts.join(''), name)).toBe(translated.test(name))
      }),
      { numRuns: 2000 },
    )
  })

  it('takes every name of printable ASCII when it is written as our own commands write it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 60 }), (text) => {
        const name = `/CN=${text}`
        expect(matchesDnPattern(dnAsPattern(name), name)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
