/**
 * What of a stored credential goes to a secondary, and how it is known again without keeping any of it.
 *
 * STORE carries the credential as it lies on disk, its terms and its policies, and so that is what is
 * fingerprinted: a changed pass phrase (the key is encrypted anew), a changed policy or description
 * count as changes. The owner is not in it: a secondary knows whoever stored there, and that is the
 * primary.
 */
import { createHash } from 'node:crypto'
import type { UnixSeconds } from '../../../ports/clock.js'
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

/** A credential of the primary as this module sees it. */
export interface Present extends ReplicaName {
  fingerprint: string
  withheld?: WithheldReason
}

/** @throws `CERTIFICATE_MALFORMED`, `PEM_MALFORMED` for what no server could use. */
export function presentOf(entry: StoredEntry, now: UnixSeconds): Present {
  const { username, name } = entry.data
  const withheld = withheldReason(entry, now)
  return {
    username,
    ...(name !== undefined && { name }),
    fingerprint: fingerprintOf(entry),
    ...(withheld !== undefined && { withheld }),
  }
}

/** For maps. */
export function keyOf({ username, name }: ReplicaName): string {
  return JSON.stringify([username, name ?? null])
}

function withheldReason(entry: StoredEntry, now: UnixSeconds): WithheldReason | undefined {
  if (entry.lockMessage !== undefined) return 'locked'
  if (entry.data.passPhraseHash !== undefined) return 'guarded-by-hash'
  return storedChain(entry).some(({ notAfter }) => notAfter <= now) ? 'expired' : undefined
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
