import { describe, expect, it } from 'vitest'
import {
  ANONYMOUS,
  isDnPattern,
  MAX_PATTERN_CHARACTERS,
  matchesAnyDnPattern,
  matchesDnPattern,
  plainDn,
} from '../../../../src/myproxy/server/policy/dn-pattern.js'
import { cpuSecondsOf } from '../../../support/cpu-time.js'

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
    ['an escaped star as a quantifier', '/CN=ab\\*', '/CN=abbb', true],
    ['an escaped star not as itself', '/CN=a\\*', '/CN=a*', false],
    ['an escaped question mark as a quantifier', '/CN=ab\\?', '/CN=a', true],
    ['an escaped dot as any character', '/CN=a\\.b', '/CN=axb', true],
    ['escaped parentheses as themselves', '*/CN=Jim \\(admin\\)', '/CN=Jim (admin)', true],
    ['plain parentheses as a group', '*/CN=Jim (admin)', '/CN=Jim admin', true],
    ['plain parentheses not as themselves', '*/CN=Jim (admin)', '/CN=Jim (admin)', false],
    ['alternatives in a group', '/CN=(a|b)c', '/CN=bc', true],
    ['brackets as a class of characters', '/CN=[ab]', '/CN=a', true],
    ['a named class, any number of times', '/O=Test/CN=[[:alnum:]]\\*', '/O=Test/CN=a1', true],
    ['a class with a dot, and with no backslash', '/CN=[.]', '/CN=.', true],
    ['two times the same', '/CN=a{2}', '/CN=aa', true],
    ['a doubled backslash as an escape', '/CN=a\\\\/b', '/CN=a/b', true],
    ['four backslashes as one', '/CN=a\\\\\\\\/b', '/CN=a\\/b', true],
    ['letters in their case only', '/CN=A', '/CN=a', false],
    ['behind "SUBJECT:" as without it', 'Subject:/CN=a', '/CN=a', true],
    ['a pattern of VOMS attributes for no DN', 'FQAN:*', '/CN=a', false],
    ['two expressions where parentheses make two', 'x)|(*', '/CN=a', true],
    ['"none" for no DN', 'none', VOBOX, false],
    ['an empty pattern for no DN', '', VOBOX, false],
    ['everybody, those without a certificate too', '*', ANONYMOUS, true],
    ['letters of more than one byte as one character', '/CN=Zo?', '/CN=Zoë', true],
    ['a trailing backslash as nothing', '/CN=a\\', '/CN=a', true],
  ])('matches %s', (_name, pattern, dn, expected) => {
    expect(matchesDnPattern(pattern, dn)).toBe(expected)
  })

  it('takes no pattern over 1024 characters', () => {
    expect(matchesDnPattern('*'.repeat(MAX_PATTERN_CHARACTERS), VOBOX)).toBe(true)
    expect(matchesDnPattern('*'.repeat(MAX_PATTERN_CHARACTERS + 1), VOBOX)).toBe(false)
  })

  it.each([
    `${'*a'.repeat(500)}*b`,
    `*${'?'.repeat(1000)}b`,
    `(${'(a\\*)\\*'.repeat(100)})\\*b`,
    '(a|aa){1000}b',
  ])('answers within 20 s of computing where a backtracking engine would take years', (pattern) => {
    const match = () => expect(matchesDnPattern(pattern, 'a'.repeat(8000))).toBe(false)
    expect(cpuSecondsOf(match)).toBeLessThan(20)
  })
})

describe('matchesAnyDnPattern', () => {
  const hosts = Array.from({ length: 1000 }, (_, host) => `/DC=org/OU=Hosts/CN=vobox${host}.x.org`)

  it('answers 2000 questions about 1000 lines within 5 s of computing', () => {
    const list = [...hosts, '/DC=org/OU=Portals/*']
    const ask = () => {
      for (let time = 0; time < 500; time += 1) {
        expect(matchesAnyDnPattern(list, plainDn('/DC=org/OU=Hosts/CN=vobox999.x.org'))).toBe(true)
        expect(matchesAnyDnPattern(list, plainDn('/DC=org/OU=Hosts/CN=vobox99.x.orgs'))).toBe(false)
        expect(matchesAnyDnPattern(list, plainDn('/DC=org/OU=Hosts/CN=vobox9-x.org'))).toBe(false)
        expect(matchesAnyDnPattern(list, plainDn('/DC=org/OU=Portals/CN=a'))).toBe(true)
      }
    }
    expect(cpuSecondsOf(ask)).toBeLessThan(5)
  })

  it.each([
    [
      'a host in the form of OpenSSL 3',
      { oneLine: '/CN=host\\/a.b', classicOneLine: '/CN=host/a.b' },
    ],
    ['the other form alone', { oneLine: '/CN=host/a.b', classicOneLine: '/CN=host\\/a.b' }],
  ])('finds a line without any sign of an expression by %s', (_what, dn) => {
    expect(matchesAnyDnPattern(['subject:/CN=host/a.b'], dn)).toBe(true)
    expect(matchesAnyDnPattern(['subject:/CN=host/a'], dn)).toBe(false)
  })

  it('takes a line of 1024 characters as it is, and none of 1025', () => {
    const longest = 'a'.repeat(MAX_PATTERN_CHARACTERS)
    expect(matchesAnyDnPattern([longest], plainDn(longest))).toBe(true)
    expect(matchesAnyDnPattern([`${longest}a`], plainDn(`${longest}a`))).toBe(false)
  })
})

describe('isDnPattern', () => {
  it.each([
    ['an open parenthesis', '/CN=(a'],
    ['an open bracket', '/CN=[ab'],
    ['a class that there is not', '/CN=[[:letters:]]'],
    ['a range that runs backwards', '/CN=[b-a]'],
    ['a quantifier with nothing before it', '\\*'],
    ['a quantifier behind an anchor', '^+a'],
    ['an open brace', '/CN=a{2'],
    ['fewer at most than at least', '/CN=a{3,2}'],
    ['a back reference', '(a)\\1'],
    ["an escape of GNU's", '/CN=\\w'],
    ['16 million characters in 20', '((a{255}){255}){255}'],
    ['a billion times nothing', '(){32767}{32767}'],
    ['1025 characters', 'a'.repeat(MAX_PATTERN_CHARACTERS + 1)],
    ['VOMS attributes', 'FQAN:/atlas/*'],
  ])('refuses %s, which matches nobody', (_name, pattern) => {
    expect(isDnPattern(pattern)).toBe(false)
    expect(matchesDnPattern(pattern, '/CN=a')).toBe(false)
    expect(matchesDnPattern(pattern, pattern)).toBe(false)
  })

  it.each(['', '*', 'none', '/CN=a)', '/CN=a]', '/CN=a}', 'a||b', '()', '[]a]', '[^]-]'])(
    'takes %j',
    (pattern) => {
      expect(isDnPattern(pattern)).toBe(true)
    },
  )
})
