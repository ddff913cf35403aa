/** Who may do what with a stored credential, in words: policies are patterns, and few read those. */
import { printable } from '../errors.js'
import type { AccessPolicies } from '../myproxy/request.js'

/** One thing that others may do with it. */
export type AccessRight = 'renewal' | 'retrieval' | 'trusted-retrieval' | 'key-retrieval'

export interface AccessWords {
  right: AccessRight
  /** The pattern as it is stored. */
  policy: string
  /** Whom it means. */
  who: string
}

/** In the order in which people look for them, with what each is, before "by somebody". */
const RIGHTS: readonly (readonly [
  field: keyof AccessPolicies,
  right: AccessRight,
  words: string,
])[] = [
  ['renewer', 'renewal', 'renewal'],
  ['trustedRetriever', 'trusted-retrieval', 'retrieval without a pass phrase'],
  ['retriever', 'retrieval', 'retrieval with the pass phrase'],
  ['keyRetriever', 'key-retrieval', 'retrieval of the key itself'],
]

/** What a stored credential says itself; whatever it is silent on, the server's defaults decide. */
export function accessOf(policies: AccessPolicies): AccessWords[] {
  return RIGHTS.flatMap(([field, right]) => {
    const policy = policies[field]
    return policy === undefined || policy === '' ? [] : [{ right, policy, who: whomOf(policy) }]
  })
}

/** One line: `renewal by vobox.example.org; retrieval with the pass phrase by anybody`. */
export function showAccess(policies: AccessPolicies): string {
  const said = accessOf(policies)
  if (said.length === 0) return "nobody is named: the server's defaults decide"
  return said.map(({ right, who }) => `${wordsOf(right)} by ${who}`).join('; ')
}

function wordsOf(right: AccessRight): string {
  return RIGHTS.find(([, one]) => one === right)?.[2] ?? right
}

/** What `-R NAME` makes of a name, without `-x`. */
const COMMON_NAME = /^\*\/CN=([^*?|\\]+)$/

/** Without any sign that has a meaning in a pattern: one DN, or what somebody took for one. */
const PLAIN = /^[^*?|\\()[\]{}+^$]+$/

/** `*` is as far as the server lets anybody: its own list of renewers, say, comes first. */
export function whomOf(policy: string): string {
  if (policy === '*') return 'anybody whom the server lets'
  const name = COMMON_NAME.exec(policy)?.[1]
  if (name !== undefined) return printable(name)
  return PLAIN.test(policy) ? printable(policy) : `whose DN is like ${printable(policy)}`
}
