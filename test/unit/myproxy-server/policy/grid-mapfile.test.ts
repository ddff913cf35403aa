import { describe, expect, it } from 'vitest'
import { GridMap } from '../../../../src/myproxy/server/policy/grid-mapfile.js'

const ALICE = '/DC=org/DC=example/OU=Users/CN=alice'

/** Each line was tried with Debian's myproxy-server 6.2. */
describe('GridMap', () => {
  it.each([
    ['one account', `"${ALICE}" alice`, ['alice']],
    ['a DN without quotes', `${ALICE} alice`, ['alice']],
    ['three accounts between commas and blanks', `"${ALICE}" a,b , c`, ['a', 'b', 'c']],
    ['accounts between tabs', `  "${ALICE}"\ta\tb`, ['a', 'b']],
    ['no blank behind the quotes', `"${ALICE}"alice`, ['alice']],
    ['a DN as account', `"${ALICE}" ${ALICE}`, [ALICE]],
    ['capitals', '"/dc=org/DC=EXAMPLE/ou=Users/cn=Alice" alice', ['alice']],
    ['a character by its number', '"/DC=org/DC=example/OU=Users/CN=al\\x69ce" a', ['a']],
    ['a backslash', '"/DC=org/DC=example/OU=Users/CN=al\\ice" a', ['a']],
    ['a hash in an account', `"${ALICE}" a#b`, ['a#b']],
    ['two lines, the first of which counts', `"${ALICE}" a\n"${ALICE}" b`, ['a']],
    ['a comment', `#"${ALICE}" a`, []],
    ['a proxy of hers', `"${ALICE}/CN=proxy" a`, []],
    ['another beginning', `/O=x${ALICE} a`, []],
    ['quotes that do not end', `"${ALICE} a`, []],
    ['nothing', '', []],
  ])('reads %s', (_name, text, accounts) => {
    expect(GridMap.parse(text).accountsOf(ALICE)).toEqual(accounts)
  })

  it.each([
    ['/C=x/CN=a/emailAddress=a@b.c', '/C=x/CN=a/Email=a@b.c'],
    ['/C=x/CN=a/emailAddress=a@b.c', '/C=x/CN=a/E=a@b.c'],
    ['/C=x/UID=a', '/C=x/USERID=a'],
    ['/C=x/CN=Jos\\xC3\\xA9', '/C=x/CN=Jos\\xC3\\xA9'],
    ['/C=x/CN=host\\/a.b.c', '/C=x/CN=host/a.b.c'],
  ])('finds %s, written as %s', (dn, written) => {
    expect(GridMap.parse(`"${written}" a`).accountsOf(dn)).toEqual(['a'])
  })
})
