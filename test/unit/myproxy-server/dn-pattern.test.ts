import { describe, expect, it } from 'vitest'
import {
  ANONYMOUS,
  MAX_PATTERN_CHARACTERS,
  matchesDnPattern,
} from '../../../src/myproxy/server/dn-pattern.js'
import { cpuSecondsOf } from '../../support/cpu-time.js'

const VOBOX = '/DC=org/DC=example/OU=Hosts/CN=vobox.example.org'

describe('matchesDnPattern', () => {
  it.each([
    ['the DN itself', VOBOX, VOBOX, true],
    ['a common name with a star before it', '*/CN=vobox.example.org', VOBOX, true],
    ['a star in the middle', '/DC=org/*/CN=vobox*', VOBOX, true],
    ['a star that takes nothing', `${VOBOX}*`, VOBOX, true],
    ['stars that must give back what they took', '*example*example.org', VOBOX, true],
    ['a question mark for one character', '*/CN=vobo?.example.org', VOBOX, true],
    ['a question mark not for none', '*/CN=vobox?.example.org', VOBOX, false],
    ['a dot for itself only', '*/CN=voboxXexample.org', VOBOX, false],
    ['not a part of the DN', '/CN=vobox.example.org', VOBOX, false],
    ['not a longer name that begins alike', '*/CN=vobox.example', VOBOX, false],
    ['the second alternative', `*/CN=other|${VOBOX}`, VOBOX, true],
    ['neither of two alternatives', '*/CN=other|*/CN=another', VOBOX, false],
    ['an escaped star as a star', '/CN=a\\*', '/CN=a*', true],
    ['an escaped star not as a wildcard', '/CN=a\\*', '/CN=ab', false],
    ['escaped parentheses as themselves', '*/CN=Jim \\(admin\\)', '/CN=Jim (admin)', true],
    ['plain parentheses as themselves too', '*/CN=Jim (admin)', '/CN=Jim (admin)', true],
    ['brackets as no class of characters', '/CN=[ab]', '/CN=a', false],
    ['"none" for no DN', 'none', VOBOX, false],
    ['an empty pattern for no DN', '', VOBOX, false],
    ['everybody, those without a certificate too', '*', ANONYMOUS, true],
    ['letters of more than one byte as one character', '/CN=Zo?', '/CN=Zoë', true],
    ['a trailing backslash as itself', '/CN=a\\', '/CN=a\\', true],
  ])('matches %s', (_name, pattern, dn, expected) => {
    expect(matchesDnPattern(pattern, dn)).toBe(expected)
  })

  it('takes no pattern over 1024 characters', () => {
    expect(matchesDnPattern('*'.repeat(MAX_PATTERN_CHARACTERS), VOBOX)).toBe(true)
    expect(matchesDnPattern('*'.repeat(MAX_PATTERN_CHARACTERS + 1), VOBOX)).toBe(false)
  })

  it.each([`${'*a'.repeat(500)}*b`, `*${'?'.repeat(1000)}b`])(
    'answers within 20 s of computing where a backtracking engine would take years',
    (pattern) => {
      const match = () => expect(matchesDnPattern(pattern, 'a'.repeat(8000))).toBe(false)
      expect(cpuSecondsOf(match)).toBeLessThan(20)
    },
  )
})
