/** What the primary has, read once a run: names and fingerprints, no key is kept. */
import { isVoboxError, type VoboxError } from '../../../errors.js'
import type { UnixSeconds } from '../../../ports/clock.js'
import type { StoredEntry } from '../store/credential-repository.js'
import {
  factsOf,
  keyOf,
  type Present,
  presentAt,
  type ReplicaName,
  type StoredFacts,
} from './replicated.js'

/** What is known of one credential that lies in the repository. */
export type Told = { facts: StoredFacts } | { broken: Broken }

/** The part of the repository that is read. */
export interface ReplicationSource {
  /** Of every sound credential; what is broken may be passed over, and is not taken for removed. */
  all(): AsyncIterable<Told>
  /** @throws for what is there and cannot be read; undefined is that there is none. */
  find(username: string, name: string | undefined): Promise<StoredEntry | undefined>
}

export interface Broken extends ReplicaName {
  error: VoboxError
}

export interface Snapshot {
  /** By {@link keyOf}. */
  present: ReadonlyMap<string, Present>
  /** Of which not even the certificates can be read. */
  broken: readonly Broken[]
}

export async function takeSnapshot(source: ReplicationSource, now: UnixSeconds): Promise<Snapshot> {
  const present = new Map<string, Present>()
  const broken: Broken[] = []
  for await (const told of source.all()) {
    if ('broken' in told) broken.push(told.broken)
    else present.set(keyOf(told.facts), presentAt(told.facts, now))
  }
  return { present, broken }
}

export function toldOf(entry: StoredEntry): Told {
  try {
    return { facts: factsOf(entry) }
  } catch (error) {
    if (!isVoboxError(error)) throw error
    const { username, name } = entry.data
    return { broken: { username, name, error } }
  }
}
