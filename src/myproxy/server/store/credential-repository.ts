/**
 * The directory in which a server keeps what was stored with it: `.creds` and `.data` files as the
 * C server names them, 0700 around 0600, and beside them the `.lock` of one that its administrator
 * locked.
 *
 * Several servers may share it: every change is made under a lock of the directory, which the end
 * of a process frees, and is decided on what lies there then. Nothing read is kept for a later
 * request but names, as `stored-stems.ts` says.
 */
import { join } from 'node:path'
import pLimit from 'p-limit'
import { VoboxError } from '../../../errors.js'
import type { Clock } from '../../../ports/clock.js'
import type { Files } from '../../../ports/files.js'
import type { Journal } from '../../../ports/journal.js'
import { MAX_CREDENTIAL_BYTES } from '../../../proxy/credential.js'
import { noteBroken } from './note-broken.js'
import { OwnedCredentials } from './owned-credentials.js'
import { settleStore } from './settle-store.js'
import { prepareStoreDirectory } from './store-directory.js'
import { encodeStoredData, type StoredData } from './stored-data.js'
import { emptyNameStem, stemPrefixes, storedStems } from './stored-names.js'
import {
  type PlacedEntry,
  type StoredEntry,
  StoredPairs,
  type StoredStamp,
} from './stored-pairs.js'
import { StoredStems } from './stored-stems.js'

export type { PlacedEntry, StoredEntry } from './stored-pairs.js'

export interface CredentialRepositoryDeps {
  files: Files
  clock: Pick<Clock, 'monotonicMs'>
  journal: Journal
  /** Absolute path; made 0700 when it is not there. */
  directory: string
  /** Who may own the files, usually the server's own uid alone. */
  owners: readonly number[]
  /** Most credentials that one owner (identity DN) may store; 0: any number; default 100. */
  maxPerOwner?: number
}

export interface StoreOptions {
  /** The owner may have any number, and this one is not counted; default false. */
  anyNumber?: boolean
}

const MAX_PER_OWNER = 100

/**
 * Users `atlas-1` to `atlas-10000` all lie where credentials of a user `atlas` might, whom anybody can
 * ask about: from so many files on, searches go one after the other and leave room for the rest.
 */
const LONG_SEARCH = 200

/** How long a change waits for one of another process, in milliseconds. */
const LOCK_DEADLINE_MS = 10_000

export class CredentialRepository {
  readonly #files: Files
  readonly #journal: Journal
  readonly #directory: string
  readonly #owners: readonly number[]
  readonly #pairs: StoredPairs
  readonly #stems: StoredStems
  readonly #owned: OwnedCredentials
  /** Changes of this process wait here, in order; only the first polls for the lock. */
  readonly #oneByOne = pLimit(1)
  readonly #longSearches = pLimit(1)

  constructor(deps: CredentialRepositoryDeps) {
    const { files, journal, directory, owners, maxPerOwner } = deps
    this.#files = files
    this.#journal = journal
    this.#directory = directory
    this.#owners = owners
    this.#pairs = new StoredPairs(deps)
    this.#stems = new StoredStems(deps)
    this.#owned = new OwnedCredentials({
      files,
      directory: join(directory, '.owners'),
      owners,
      max: maxPerOwner ?? MAX_PER_OWNER,
      ownerOf: async (stem) => (await this.at(stem))?.data.owner,
    })
  }

  /**
   * Makes the directory or checks it, and ends what a killed process began in it.
   *
   * @throws `FILE_UNSAFE`, `FILE_UNWRITABLE`.
   */
  async open(): Promise<void> {
    const directory = this.#directory
    const journal = this.#journal
    await prepareStoreDirectory(this.#files, directory, this.#owners)
    await this.#locked(async () => {
      await this.#files.probeWritable(directory)
      await settleStore({ files: this.#files, pairs: this.#pairs, directory, journal })
    })
  }

  /** Where the certificates and key of an entry lie: for programs of the administrator. */
  credsPath({ stem }: PlacedEntry): string {
    return join(this.#directory, `${stem}.creds`)
  }

  /** @throws `MYPROXY_STORE_MALFORMED` or `FILE_…` for what is there and cannot be believed. */
  async find(username: string, name: string | undefined): Promise<PlacedEntry | undefined> {
    const entry = await this.#locate(username, name)
    if (entry !== undefined) return entry
    // A network file system remembers for a while what was not there, unless it is made to look.
    await this.#files.facts(this.#directory, { fresh: true })
    return this.#locate(username, name)
  }

  /**
   * All credentials of a user, the default one first, then by name. Broken ones are passed over.
   */
  async list(username: string): Promise<PlacedEntry[]> {
    const stems = await this.#stems.of(stemPrefixes(username))
    const search = async () => {
      const entries: PlacedEntry[] = []
      for (const stem of stems) {
        const entry = await this.at(stem, (data) => data.username === username)
        if (entry !== undefined) entries.push(entry)
      }
      return entries.sort((a, b) => compareNames(a.data.name, b.data.name))
    }
    return stems.length < LONG_SEARCH ? search() : this.#longSearches(search)
  }

  /**
   * What lies under one stem of {@link stamps}; undefined when nothing sound does (what is broken
   * is logged).
   *
   * @param isWanted asked of the data, before more is read; default: any.
   */
  async at(
    stem: string,
    isWanted?: (data: StoredData) => boolean,
  ): Promise<PlacedEntry | undefined> {
    try {
      return await this.#pairs.read(stem, isWanted)
    } catch (error) {
      noteBroken(this.#journal, { stem }, error)
      return undefined
    }
  }

  /**
   * A look at what changed that reads no content: for each stem a stamp which differs from the
   * one of an earlier look if the credential, what is known about it or its lock was written between.
   */
  async stamps(): Promise<Map<string, StoredStamp>> {
    const stamps = new Map<string, StoredStamp>()
    for (const stem of await this.#stems.all()) stamps.set(stem, await this.#pairs.stamp(stem))
    return stamps
  }

  /**
   * Whether `owner` may store one more, asked before a key is made for it; `store` asks again.
   *
   * @throws `MYPROXY_REFUSED` when not.
   */
  requireRoom(owner: string): Promise<void> {
    return this.#owned.requireRoom(owner)
  }

  /**
   * Stores or replaces a credential; resolved, it is on disk.
   *
   * @param admit is asked under the lock with what is there already; it throws to refuse.
   * @throws `MESSAGE_TOO_LARGE` for one that could not be read again; `MYPROXY_REFUSED` when the
   *   owner has as many as are allowed.
   */
  async store(
    data: Omit<StoredData, 'fingerprint'>,
    creds: Buffer,
    admit: (existing: StoredData | undefined) => void,
    { anyNumber = false }: StoreOptions = {},
  ): Promise<void> {
    if (creds.length > MAX_CREDENTIAL_BYTES) throw tooLarge(creds.length)
    await this.#locked(async () => {
      const existing = await this.#locate(data.username, data.name)
      admit(existing?.data)
      if (!anyNumber && existing?.data.owner !== data.owner) await this.requireRoom(data.owner)
      const stem = existing?.stem ?? (await this.#freeStem(data.username, data.name))
      if (!anyNumber) await this.#owned.adding(data.owner, stem)
      await this.#pairs.replace(stem, existing, data, creds)
      // As the C server does: what was locked is gone.
      await this.#pairs.unlock(stem)
    })
  }

  /**
   * Puts a rewritten key in the place of the one in `entry`: the same certificates, another pass
   * phrase or none. Resolved, it is on disk; an administrator's lock stays.
   *
   * A pass phrase takes long to derive a key from, so the caller does that without a lock, and here
   * it is only asked whether what it began with still lies there.
   *
   * @param entry as {@link find} gave it.
   * @returns false when it has been replaced or removed since; nothing is changed then.
   */
  async changeKey(entry: StoredEntry, creds: Buffer): Promise<boolean> {
    if (creds.length > MAX_CREDENTIAL_BYTES) throw tooLarge(creds.length)
    const { username, name } = entry.data
    return this.#locked(async () => {
      const existing = await this.#locate(username, name)
      if (existing === undefined || !sameEntry(existing, entry)) return false
      await this.#pairs.replace(existing.stem, existing, existing.data, creds)
      return true
    })
  }

  /**
   * Removes a credential, its key first.
   *
   * @param admit is asked under the lock; it throws to refuse.
   * @returns whether there was one.
   */
  async remove(
    username: string,
    name: string | undefined,
    admit: (existing: StoredData) => void,
  ): Promise<boolean> {
    return this.#locked(async () => {
      const existing = await this.#locate(username, name)
      if (existing === undefined) return false
      admit(existing.data)
      await this.#pairs.remove(existing.stem)
      await this.#owned.removed(existing.data.owner, existing.stem)
      return true
    })
  }

  /**
   * A broken file is nobody's: it is not stored over either, lest a name change hands by damage.
   */
  async #locate(username: string, name: string | undefined): Promise<PlacedEntry | undefined> {
    const stems: string[] = storedStems(username, name)
    if (name === undefined) stems.push(emptyNameStem(username))
    for (const stem of stems) {
      const entry = await this.#pairs.read(stem)
      if (entry?.data.username === username && entry.data.name === name) return entry
    }
    return undefined
  }

  /** The first stem that no other credential's `.data` holds. */
  async #freeStem(username: string, name: string | undefined): Promise<string> {
    for (const stem of storedStems(username, name)) {
      const data = await this.#pairs.readData(stem)
      const own = data === undefined || (data.username === username && data.name === name)
      if (own) return stem
    }
    throw new VoboxError('MYPROXY_STORE_MALFORMED', 'both places of a credential are taken', {
      data: { stems: storedStems(username, name) },
    })
  }

  #locked<T>(work: () => Promise<T>): Promise<T> {
    return this.#oneByOne(async () => {
      const lock = await this.#files.lock(join(this.#directory, '.lock'), LOCK_DEADLINE_MS)
      try {
        return await work()
      } finally {
        await lock.release()
      }
    })
  }
}

function tooLarge(bytes: number): VoboxError {
  const message = `A credential of ${bytes} bytes is too large: ${MAX_CREDENTIAL_BYTES} are taken`
  return new VoboxError('MESSAGE_TOO_LARGE', message, {
    data: { bytes, maxBytes: MAX_CREDENTIAL_BYTES },
  })
}

function sameEntry(one: StoredEntry, other: StoredEntry): boolean {
  return (
    one.creds.equals(other.creds) && encodeStoredData(one.data).equals(encodeStoredData(other.data))
  )
}

/** The default credential, without a name, comes first. */
function compareNames(one: string | undefined, other: string | undefined): number {
  if (one === other) return 0
  if (one === undefined) return -1
  if (other === undefined) return 1
  return one < other ? -1 : 1
}
