/** What the primary has, read once a run: names and fingerprints, no key is kept. */
import { isVoboxError, type VoboxError } from '../../../errors.js'
import type { UnixSeconds } from '../../../ports/clock.js'
import type { StoredEntry } from '../store/credential-repository.js'
import { keyOf, type Present, presentOf, type ReplicaName } from './replicated.js'

/** The part of the repository that is read. */
export interface ReplicationSource {
  /** Every sound credential; what is broken is passed over, and not taken for removed. */
  all(): AsyncIterable<StoredEntry>
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
  for await (const entry of source.all()) {
    try {
      const one = presentOf(entry, now)
      present.set(keyOf(one), one)
    } catch (error) {
      if (!isVoboxError(error)) throw error
      const { username, name } = entry.data
      broken.push({ username, name, error })
    }
  }
  return { present, broken }
}
