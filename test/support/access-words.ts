/** The options of `myproxy-init` that say who may do what. */
import { type AccessOption, accessPolicyOf } from '../../src/myproxy/access-policy.js'

/** Letters of the C tool. */
const NAMES: Readonly<Record<string, string>> = {
  '-a': 'allow-anonymous-retrievers',
  '-A': 'allow-anonymous-renewers',
  '-r': 'retrievable-by',
  '-R': 'renewable-by',
  '-Z': 'retrievable-by-cert',
  '-x': 'regex-dn-match',
  '-X': 'match-cn-only',
}

/** Who may do what with what is stored, as the C tool is told it: `-r DN`, `-a`, … */
export function accessOf(words: readonly string[]) {
  const options = words.flatMap((word, at): AccessOption[] =>
    NAMES[word] === undefined ? [] : [{ name: NAMES[word], value: words[at + 1] }],
  )
  return accessPolicyOf(options)
}
