/**
 * What a secondary is to be told about one credential, and why. Pure.
 *
 * Compared is what the primary has now with what that secondary was last given, never a time: a change
 * made while a run was under way is a difference in the next one. What the secondary was never given
 * is never removed there.
 */
import type { UnixSeconds } from '../../../ports/clock.js'
import type { Present, ReplicaName, WithheldReason } from './replicated.js'

/** What is known of one credential on one secondary. */
export interface Replica extends ReplicaName {
  /** Fingerprint of what it took last; absent: it has taken nothing yet. */
  given?: string | undefined
  /** Something may have been sent that nobody has seen taken or refused. */
  inDoubt?: boolean | undefined
  /** When it was first seen to differ from the primary's; absent: it does not. */
  behindSince?: UnixSeconds | undefined
}

export type ReplicationStep =
  | { action: 'keep'; reason: 'same' | 'not-there' | WithheldReason }
  | { action: 'store'; reason: 'new' | 'changed' | 'in-doubt' }
  | { action: 'destroy'; reason: 'gone' | WithheldReason }

/**
 * @param present undefined: the primary has none.
 * @param replica undefined: the secondary was never offered one.
 */
export function decideReplication(
  present: Present | undefined,
  replica: Replica | undefined,
): ReplicationStep {
  const mayLieThere = replica?.given !== undefined || replica?.inDoubt === true
  if (present === undefined) {
    if (mayLieThere) return { action: 'destroy', reason: 'gone' }
    return { action: 'keep', reason: 'not-there' }
  }
  const same = replica?.given === present.fingerprint && replica.inDoubt !== true
  const { withheld } = present
  if (withheld !== undefined) {
    // What expired where it lies is of no use to anybody; an older one in its place would be.
    const harmless = withheld === 'expired' && same
    if (!mayLieThere || harmless) return { action: 'keep', reason: withheld }
    return { action: 'destroy', reason: withheld }
  }
  if (same) return { action: 'keep', reason: 'same' }
  if (replica?.inDoubt === true) return { action: 'store', reason: 'in-doubt' }
  return { action: 'store', reason: replica?.given === undefined ? 'new' : 'changed' }
}
