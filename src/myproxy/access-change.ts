/**
 * What a credential that is about to be stored takes away from the one that it replaces. A credential
 * serves renewal, which needs one without a pass phrase, or retrieval with a pass phrase; who wants both
 * needs two, with names. Pure.
 */
import type { AccessPolicies } from './request.js'

/** What others may do with it. `defaults`: it names nobody, so that the server's defaults decide. */
export type AccessMode = 'renewal' | 'retrieval' | 'retrieval-without-pass-phrase' | 'defaults'

/** Why what is stored as asked will not do what was probably meant. */
export type AccessTrouble = 'renewal-with-pass-phrase' | 'retrieval-without-pass-phrase'

const MODES: readonly (readonly [keyof AccessPolicies, AccessMode])[] = [
  ['renewer', 'renewal'],
  ['retriever', 'retrieval'],
  ['trustedRetriever', 'retrieval-without-pass-phrase'],
]

export function accessModesOf(policies: AccessPolicies): AccessMode[] {
  const said = MODES.flatMap(([policy, mode]) => (policies[policy] ? [mode] : []))
  return said.length === 0 ? ['defaults'] : said
}

/**
 * Modes that there are and will not be any more; empty where nobody loses anything.
 *
 * @param hasPassPhrase of the new one. What the old one has, no server tells.
 */
export function lostModes(
  before: AccessPolicies,
  after: AccessPolicies,
  hasPassPhrase: boolean,
): AccessMode[] {
  const kept = new Set(accessModesOf(after))
  if (kept.has('defaults') && hasPassPhrase) kept.add('retrieval')
  if (kept.has('retrieval') && hasPassPhrase) kept.add('defaults')
  return accessModesOf(before).filter((mode) => !kept.has(mode))
}

/** What of the new one contradicts itself. */
export function accessTroubles(policies: AccessPolicies, hasPassPhrase: boolean): AccessTrouble[] {
  return [
    ...(policies.renewer && hasPassPhrase ? (['renewal-with-pass-phrase'] as const) : []),
    ...(policies.retriever && !hasPassPhrase ? (['retrieval-without-pass-phrase'] as const) : []),
  ]
}
