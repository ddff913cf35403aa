/**
 * What of a stored credential goes to a secondary, and how it is known again without keeping any of it.
 *
 * STORE carries the credential as it lies on disk, its terms and its policies, and so that is what is
 * fingerprinted: a changed pass phrase (the key is encrypted anew), a changed policy or description
 * count as changes. The owner is not in it: a secondary knows whoever stored there, and that is the
 * primary.
 */
import { createHash } from 'node:crypto'
import { asUnixSeconds, type UnixSeconds } from '../../../ports/clock.js'
import type { StoredEntry } from '../store/credential-repository.js'
import { storedChain } from '../store/stored-credential.js'
import type { StoredData } from '../store/stored-data.js'

/** Which credential: a user's, by its name; without one the default. */
export interface ReplicaName {
  username: string
  name?: string | undefined
}

/** Why a credential of the primary is not to be on a secondary. */
export type WithheldReason =
  /** Its administrator locked it, and STORE has no word for that. */
  | 'locked'
  /** Servers refuse to store what is not valid. */
  | 'expired'
  /** A hash guards it beside a plain key; STORE has no word for that either, and would take it off. */
  | 'guarded-by-hash'

/** What of a credential of the primary holds as long as nobody writes to it. */
export interface StoredFacts extends ReplicaName {
  fingerprint: string
  /** Why it is not handed on as it is. */
  kept?: Exclude<WithheldReason, 'expired'> | undefined
  /** When the first of its certificates ends; absent of what is kept anyway. */
  endsAt?: UnixSeconds | undefined
}

/** The same at a certain time. */
export interface Present extends ReplicaName {
  fingerprint: string
  withheld?: WithheldReason
}

/** @throws `CERTIFICATE_MALFORMED`, `PEM_MALFORMED` for what no server could use. */
export function presentOf(entry: StoredEntry, now: UnixSeconds): Present {
  return presentAt(factsOf(entry), now)
}

/** @throws as {@link presentOf}. */
export function factsOf(entry: StoredEntry): StoredFacts {
  const { username, name } = entry.data
  const kept = whyKept(entry)
  return {
    username,
    ...(name !== undefined && { name }),
    fingerprint: fingerprintOf(entry),
    ...(kept === undefined ? { endsAt: endOf(entry) } : { kept }),
  }
}

export function presentAt(facts: StoredFacts, now: UnixSeconds): Present {
  const { username, name, fingerprint, kept, endsAt } = facts
  const isExpired = endsAt !== undefined && endsAt <= now
  const withheld = kept ?? (isExpired ? 'expired' : undefined)
  return {
    username,
    ...(name !== undefined && { name }),
    fingerprint,
    ...(withheld !== undefined && { withheld }),
  }
}

/** For maps. */
export function keyOf({ username, name }: ReplicaName): string {
  return JSON.stringify([username, name ?? null])
}

function whyKept({ lockMessage, data }: StoredEntry): StoredFacts['kept'] {
  if (lockMessage !== undefined) return 'locked'
  return data.passPhraseHash === undefined ? undefined : 'guarded-by-hash'
}

function endOf(entry: StoredEntry): UnixSeconds | undefined {
  const ends = storedChain(entry).map(({ notAfter }) => notAfter)
  return ends.length === 0 ? undefined : asUnixSeconds(Math.min(...ends))
}

const SENT = [
  'username',
  'name',
  'description',
  'retriever',
  'renewer',
  'trustedRetriever',
  'keyRetriever',
  'lifetimeSeconds',
] as const satisfies readonly (keyof StoredData)[]

/** SHA-256 in hex, from which nothing can be had back. */
function fingerprintOf({ data, creds }: StoredEntry): string {
  const terms = SENT.map((field) => data[field] ?? null)
  return createHash('sha256')
    .update(`${JSON.stringify(terms)}\n`)
    .update(creds)
    .digest('hex')
}
