/**
 * The directory in which a server keeps what was stored with it: `.creds` and `.data` files as the
 * C server names them, 0700 around 0600, and beside them the `.lock` of one that its administrator
 * locked.
 *
 * A credential is two files, which cannot be replaced in one step. The new key is written first and
 * the old one kept under a name with a leading dot; then `.data`, which names the key it belongs to
 * by its SHA-256, makes the change; then the old key goes. Whatever happens in between, a reader
 * finds the old pair or the new pair, whole.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { FileFacts, Files, ReadRules } from '../../ports/files.js'
import type { Journal } from '../../ports/journal.js'
import { MAX_CREDENTIAL_BYTES } from '../../proxy/credential.js'
import { OwnedCredentials } from './owned-credentials.js'
import { encodeStoredData, parseStoredData, type StoredData } from './stored-data.js'
import { stemPrefixes, storedStems } from './stored-names.js'

/** A stored credential as it lies on disk. */
export interface StoredEntry {
  data: StoredData
  /** PEM: leaf, key (perhaps encrypted), chain. */
  creds: Buffer
  /** Why an administrator locked it (`myproxy-admin-query --lock`); absent: not locked. */
  lockMessage?: string
}

export interface CredentialRepositoryDeps {
  files: Files
  journal: Journal
  /** Absolute path; made 0700 when it is not there. */
  directory: string
  /** Who may own the files, usually the server's own uid alone. */
  owners: readonly number[]
  /** Most credentials that one owner (identity DN) may store; default 100. */
  maxPerOwner?: number
}

/** An entry with where it was found. */
export interface PlacedEntry extends StoredEntry {
  /** Name of its files in the directory, without `.data`. */
  stem: string
}

interface Placed extends PlacedEntry {
  /** Whether `.creds` itself belongs to the data; else the kept copy does. */
  current: boolean
}

const MAX_PER_OWNER = 100

/** Largest `.creds` or `.data` file, in bytes. */
const MAX_FILE_BYTES = 1024 * 1024

/** How long a change waits for another one, in milliseconds. */
const LOCK_DEADLINE_MS = 10_000

/** Reads of one pair before it is called broken: each can meet a replacement half done. */
const READ_ATTEMPTS = 3

export class CredentialRepository {
  readonly #files: Files
  readonly #journal: Journal
  readonly #directory: string
  readonly #owners: readonly number[]
  readonly #owned: OwnedCredentials

  constructor({ files, journal, directory, owners, maxPerOwner }: CredentialRepositoryDeps) {
    this.#files = files
    this.#journal = journal
    this.#directory = directory
    this.#owners = owners
    this.#owned = new OwnedCredentials({
      max: maxPerOwner ?? MAX_PER_OWNER,
      stems: () => this.#stems(),
      ownerOf: async (stem) => (await this.#readForList(stem))?.data.owner,
    })
  }

  /** Makes the directory or checks it. @throws `FILE_UNSAFE`, `FILE_UNWRITABLE`. */
  async open(): Promise<void> {
    await this.#files.makeDirectory(this.#directory, 0o700)
    const facts = await this.#files.facts(this.#directory)
    const safe =
      facts?.kind === 'directory' && (facts.mode & 0o077) === 0 && this.#owners.includes(facts.uid)
    if (!safe) {
      throw new VoboxError('FILE_UNSAFE', `${this.#directory} is not a directory of ours, 0700`, {
        data: { path: this.#directory, kind: facts?.kind, mode: facts?.mode, uid: facts?.uid },
        hint: `Run: chmod 700 ${this.#directory}`,
      })
    }
    await this.#files.probeWritable(this.#directory)
  }

  /** @throws `MYPROXY_STORE_MALFORMED` or `FILE_…` for what is there and cannot be believed. */
  async find(username: string, name: string | undefined): Promise<StoredEntry | undefined> {
    return this.#locate(username, name)
  }

  /**
   * All credentials of a user, the default one first, then by name. Broken ones are passed over.
   */
  async list(username: string): Promise<StoredEntry[]> {
    const prefixes = stemPrefixes(username)
    const stems = (await this.#stems()).filter((stem) =>
      prefixes.some((prefix) => stem === prefix || stem.startsWith(`${prefix}-`)),
    )
    const entries: StoredEntry[] = []
    for (const stem of stems) {
      const entry = await this.#readForList(stem)
      if (entry?.data.username === username) entries.push(entry)
    }
    return entries.sort((a, b) => compareNames(a.data.name, b.data.name))
  }

  async #stems(): Promise<string[]> {
    return (await this.#files.list(this.#directory))
      .filter((file) => file.endsWith('.data') && !file.startsWith('.'))
      .map((file) => file.slice(0, -'.data'.length))
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
  ): Promise<void> {
    if (creds.length > MAX_CREDENTIAL_BYTES) throw tooLarge(creds.length)
    await this.#locked(async () => {
      const existing = await this.#locate(data.username, data.name)
      admit(existing?.data)
      if (existing === undefined) await this.requireRoom(data.owner)
      const stem = existing?.stem ?? (await this.#freeStem(data.username, data.name))
      await this.#replacePair(stem, existing, { ...data, fingerprint: fingerprintOf(creds) }, creds)
      // As the C server does: what was locked is gone.
      await this.#files.remove(this.#path(stem, 'lock'))
      await this.#owned.added(data.owner, stem)
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
      await this.#files.remove(this.#path(existing.stem, 'creds'))
      await this.#files.remove(this.#path(existing.stem, 'previous'))
      await this.#files.remove(this.#path(existing.stem, 'data'))
      await this.#files.remove(this.#path(existing.stem, 'lock'))
      await this.#owned.removed(existing.data.owner, existing.stem)
      return true
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
      const data = { ...existing.data, fingerprint: fingerprintOf(creds) }
      await this.#replacePair(existing.stem, existing, data, creds)
      return true
    })
  }

  /** Every sound credential, in no order, each read when it is asked for. */
  async *all(): AsyncGenerator<PlacedEntry> {
    for (const stem of await this.#stems()) {
      const entry = await this.at(stem)
      if (entry !== undefined) yield entry
    }
  }

  /**
   * What lies under one stem of {@link stamps}; undefined when nothing sound does (what is broken is
   * logged).
   */
  async at(stem: string): Promise<PlacedEntry | undefined> {
    return this.#readForList(stem)
  }

  /**
   * A look at what changed that reads no content: for each stem a text which differs from the one of
   * an earlier look if the credential, what is known about it or its lock was written in between.
   */
  async stamps(): Promise<Map<string, string>> {
    const stamps = new Map<string, string>()
    for (const stem of await this.#stems()) {
      const kinds = ['data', 'creds', 'lock'] as const
      const facts = await Promise.all(
        kinds.map((kind) => this.#files.facts(this.#path(stem, kind))),
      )
      stamps.set(stem, facts.map(stampOf).join(' '))
    }
    return stamps
  }

  async #replacePair(
    stem: string,
    existing: Placed | undefined,
    data: StoredData,
    creds: Buffer,
  ): Promise<void> {
    const credsPath = this.#path(stem, 'creds')
    const previous = this.#path(stem, 'previous')
    if (existing !== undefined && existing.data.fingerprint === undefined) {
      // The C server's: bound to its key first, or a crash below could pair it with the new one.
      const bound = { ...existing.data, fingerprint: fingerprintOf(existing.creds) }
      await this.#write(this.#path(stem, 'data'), encodeStoredData(bound))
    }
    // A kept copy that is still needed is not written over by a key that nothing refers to.
    const keep = existing?.current ? { keepPreviousAs: previous } : {}
    await this.#files.replace(credsPath, creds, { mode: 0o600, ...keep })
    await this.#write(this.#path(stem, 'data'), encodeStoredData(data))
    await this.#files.remove(previous)
  }

  /**
   * A broken file is nobody's: it is not stored over either, lest a name change hands by damage.
   */
  async #locate(username: string, name: string | undefined): Promise<Placed | undefined> {
    for (const stem of storedStems(username, name)) {
      const entry = await this.#read(stem)
      if (entry?.data.username === username && entry.data.name === name) return entry
    }
    return undefined
  }

  /** The first stem that no other credential's `.data` holds. */
  async #freeStem(username: string, name: string | undefined): Promise<string> {
    for (const stem of storedStems(username, name)) {
      const data = await this.#readData(stem)
      const own = data === undefined || (data.username === username && data.name === name)
      if (own) return stem
    }
    throw new VoboxError('MYPROXY_STORE_MALFORMED', 'both places of a credential are taken', {
      data: { stems: storedStems(username, name) },
    })
  }

  async #read(stem: string): Promise<Placed | undefined> {
    const entry = await this.#readPair(stem)
    if (entry === undefined) return undefined
    const lock = await this.#readIfThere(this.#path(stem, 'lock'))
    return lock === undefined ? entry : { ...entry, lockMessage: printable(lock.toString('utf8')) }
  }

  /** Undefined when there is none, or only a `.data` whose key is gone (a removal cut short). */
  async #readPair(stem: string): Promise<Placed | undefined> {
    let found = false
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt += 1) {
      const data = await this.#readData(stem)
      if (data === undefined) return undefined
      const creds = await this.#readIfThere(this.#path(stem, 'creds'))
      if (creds !== undefined && belongs(data, creds)) return { stem, data, creds, current: true }
      const kept = await this.#readIfThere(this.#path(stem, 'previous'))
      if (kept !== undefined && data.fingerprint === fingerprintOf(kept)) {
        return { stem, data, creds: kept, current: false }
      }
      found = creds !== undefined || kept !== undefined
    }
    if (!found) return undefined
    throw new VoboxError('MYPROXY_STORE_MALFORMED', 'a stored key is not the one of its data', {
      data: { stem },
    })
  }

  async #readForList(stem: string): Promise<Placed | undefined> {
    try {
      return await this.#read(stem)
    } catch (error) {
      if (!isVoboxError(error)) throw error
      this.#journal.write('warn', 'stored-credential-broken', error.message, {
        stem,
        code: error.code,
      })
      return undefined
    }
  }

  async #readData(stem: string): Promise<StoredData | undefined> {
    const bytes = await this.#readIfThere(this.#path(stem, 'data'))
    return bytes === undefined ? undefined : parseStoredData(bytes)
  }

  async #readIfThere(path: string): Promise<Buffer | undefined> {
    const rules: ReadRules = {
      maxBytes: MAX_FILE_BYTES,
      owners: this.#owners,
      forbiddenMode: 0o077,
    }
    try {
      return (await this.#files.read(path, rules)).bytes
    } catch (error) {
      if (isVoboxError(error, 'FILE_MISSING')) return undefined
      throw error
    }
  }

  #write(path: string, bytes: Uint8Array): Promise<void> {
    return this.#files.replace(path, bytes, { mode: 0o600 })
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    const lock = await this.#files.lock(join(this.#directory, '.lock'), LOCK_DEADLINE_MS)
    try {
      return await work()
    } finally {
      await lock.release()
    }
  }

  #path(stem: string, kind: 'creds' | 'data' | 'lock' | 'previous'): string {
    return join(this.#directory, kind === 'previous' ? `.${stem}.previous` : `${stem}.${kind}`)
  }
}

function tooLarge(bytes: number): VoboxError {
  const message = `A credential of ${bytes} bytes is too large: ${MAX_CREDENTIAL_BYTES} are taken`
  return new VoboxError('MESSAGE_TOO_LARGE', message, {
    data: { bytes, maxBytes: MAX_CREDENTIAL_BYTES },
  })
}

function fingerprintOf(creds: Uint8Array): string {
  return createHash('sha256').update(creds).digest('hex')
}

function sameEntry(one: StoredEntry, other: StoredEntry): boolean {
  return (
    one.creds.equals(other.creds) && encodeStoredData(one.data).equals(encodeStoredData(other.data))
  )
}

function stampOf(facts: FileFacts | undefined): string {
  if (facts === undefined) return '-'
  return [facts.inode, facts.sizeBytes, facts.modifiedMs, facts.changedMs].join(':')
}

function belongs(data: StoredData, creds: Uint8Array): boolean {
  return data.fingerprint === undefined || data.fingerprint === fingerprintOf(creds)
}

/** The default credential, without a name, comes first. */
function compareNames(one: string | undefined, other: string | undefined): number {
  if (one === other) return 0
  if (one === undefined) return -1
  if (other === undefined) return 1
  return one < other ? -1 : 1
}
