import { describe, expect, it } from 'vitest'
import { type AccessOption, accessPolicyOf } from '../../../src/myproxy/access-policy.js'
import { failureOf } from '../../support/failure.js'

/** Letters of the C tools. */
const NAMES: Readonly<Record<string, string>> = {
  a: 'allow-anonymous-retrievers',
  A: 'allow-anonymous-renewers',
  r: 'retrievable-by',
  R: 'renewable-by',
  Z: 'retrievable-by-cert',
  E: 'retrieve-key',
  x: 'regex-dn-match',
  X: 'match-cn-only',
  k: 'credname',
}

/** `['-x', '-r', 'p']` as the command hands it over. */
function optionsOf(words: readonly string[]): AccessOption[] {
  return words.flatMap((word, at) => {
    if (!/^-[a-zA-Z]$/.test(word)) return []
    const next = words[at + 1]
    const value = next === undefined || /^-[a-zA-Z]$/.test(next) ? undefined : next
    return [{ name: NAMES[word.charAt(1)] ?? word, value }]
  })
}

/** What `myproxy-init` 6.2 put into the server's `.data` file for these words. */
const STORED: [words: string[], policies: object][] = [
  [[], {}],
  [['-a'], { retriever: '*' }],
  [['-A'], { renewer: '*' }],
  [['-a', '-A'], { retriever: '*', renewer: '*' }],
  [['-r', 'Jim Basney'], { retriever: '*/CN=Jim Basney' }],
  [['-x', '-r', '/DC=ch/.*'], { retriever: '/DC=ch/.*' }],
  [['-x', '-r', '/DC=ch/*', '-X', '-R', 'bob'], { retriever: '/DC=ch/*', renewer: '*/CN=bob' }],
  [
    ['-R', 'a.example.org', '-x', '-Z', '/X'],
    { renewer: '*/CN=a.example.org', trustedRetriever: '/X' },
  ],
  [['-r', '*'], { retriever: '*/CN=*' }],
  [['-r', '*/CN=foo'], { retriever: '*/CN=*/CN=foo' }],
  [['-r', '/DC=ch/CN=foo'], { retriever: '*/CN=/DC=ch/CN=foo' }],
  [['-x', '-r', ''], { retriever: '' }],
  [['-r', ''], { retriever: '*/CN=' }],
  [['-E', 'portal', '-k', 'name'], { keyRetriever: '*/CN=portal' }],
  [['-r', 'early', '-x'], { retriever: '*/CN=early' }],
]

describe('accessPolicyOf', () => {
  it.each(STORED)('%j stores %j', (words, policies) => {
    expect(accessPolicyOf(optionsOf(words)).policies).toEqual(policies)
  })

  it.each([
    [['-a', '-r', 'b'], '-a or -r', 'retriever'],
    [['-r', 'a', '-r', 'b'], '-a or -r', 'retriever'],
    [['-A', '-R', 'x'], '-A or -R', 'renewer'],
    [['-R', 'x', '-R', 'y'], '-A or -R', 'renewer'],
    [['-Z', 'a', '-Z', 'b'], '-Z', 'trustedRetriever'],
    [['-E', 'a', '-E', 'b'], '-E', 'keyRetriever'],
  ])('refuses %j, as the C tools do', (words, letters, policy) => {
    const failure = failureOf(() => accessPolicyOf(optionsOf(words)))
    expect(failure.message).toBe(`only one option ${letters} may be given`)
    expect(failure).toMatchObject({ code: 'USAGE', data: { policy } })
  })

  it.each([
    [[], false],
    [['-a'], false],
    [['-a', '-A'], true],
    [['-r', 'x'], false],
    [['-R', 'x'], true],
    [['-Z', 'x'], true],
    [['-E', 'x'], false],
  ])('%j goes without a pass phrase: %j', (words, implied) => {
    expect(accessPolicyOf(optionsOf(words)).impliesNoPassPhrase).toBe(implied)
  })

  it.each([
    [['-R', '/DC=ch/CN=box'], ['pattern-looks-like-dn']],
    [['-R', '*/CN=box'], ['pattern-looks-like-dn']],
    [['-x', '-R', '/DC=ch/CN=box'], []],
    [['-R', '*'], []],
    [['-R', 'box.example.org'], []],
    [['-x', '-R', '/DC=ch/CN=box', '-X', '-Z', '/DC=ch/CN=x'], ['pattern-looks-like-dn']],
    [['-R', ''], ['pattern-empty']],
    [['-x', '-r', ''], ['pattern-empty']],
  ])('%j is warned of: %j', (words, codes) => {
    const { warnings } = accessPolicyOf(optionsOf(words))
    expect(warnings.map(({ code }) => code)).toEqual(codes)
    for (const { hint } of warnings) expect(hint).not.toBe('')
  })

  it('shows how the DN is said, and keeps control characters off the terminal', () => {
    const [warning] = accessPolicyOf([{ name: 'renewable-by', value: '/CN=a\u001b[1m' }]).warnings
    expect(warning?.hint).toBe("Put -x before it: -x --renewable-by '/CN=a [1m'")
  })
})
