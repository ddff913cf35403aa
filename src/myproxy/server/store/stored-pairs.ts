/**
 * The files of one stored credential: how the two are read as a pair, replaced as a pair, removed.
 *
 * Two files cannot be replaced in one step. The new key is written first and the old one kept under
 * a name with a leading dot; then `.data`, which names the key it belongs to by its SHA-256, makes
 * the change; then the old key goes. Whatever happens in between, a reader finds the old pair or
 * the new pair, whole. C programs know neither the kept key nor the SHA-256: one that looks between
 * the two steps sees the new key under the old policy, as with the C server it may see the reverse.
 * They drop the SHA-256 when they write; then what lies there belongs together.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { isVoboxError, printable, VoboxError } from '../../../errors.js'
import type { FileFacts, Files, ReadRules } from '../../../ports/files.js'
import { encodeStoredData, parseStoredData, type StoredData } from './stored-data.js'
import { isUniqueStem } from './stored-names.js'

/** A stored credential as it lies on disk. */
export interface StoredEntry {
  data: StoredData
  /** PEM: leaf, key (perhaps encrypted), chain. */
  creds: Buffer
  /** Why an administrator locked it (`myproxy-admin-query --lock`); absent: not locked. */
  lockMessage?: string
}

/** An entry with where it was found. */
export interface PlacedEntry extends StoredEntry {
  /** Name of its files in the directory, without `.data`. */
  stem: string
  /** Whether `.creds` itself belongs to the data; else the kept copy does. */
  current: boolean
}

/** A look at the files of a credential that reads none of them. */
export interface StoredStamp {
  /** For comparing. */
  text: string
  /** Last time of change of any of them, by the clock of the disk; 0 without files. */
  newestMs: number
}

export interface StoredPairsDeps {
  files: Files
  directory: string
  /** Who may own the files. */
  owners: readonly number[]
}

type Wanted = (data: StoredData) => boolean
const ANY: Wanted = () => true

type FileKind = 'creds' | 'data' | 'lock' | 'previous'

/** Largest `.creds` or `.data` file, in bytes. */
const MAX_FILE_BYTES = 1024 * 1024

/** Reads of one pair before it is called broken: each can meet a replacement half done. */
const READ_ATTEMPTS = 3

/** Ending of the data of a unique stem; see `stored-names.ts`. */
const UNIQUE_DATA = '.about'
const PLAIN_DATA = '.data'
const PREVIOUS = '.previous'

/** The stem of a file that holds the data of a credential; undefined for any other file. */
export function stemOfData(file: string): string | undefined {
  if (file.startsWith('.')) return undefined
  const ending = isUniqueStem(file) ? UNIQUE_DATA : PLAIN_DATA
  return file.endsWith(ending) ? file.slice(0, -ending.length) : undefined
}

/** The stem of a key that was kept while it was replaced; undefined for any other file. */
export function stemOfPrevious(file: string): string | undefined {
  return file.startsWith('.') && file.endsWith(PREVIOUS)
    ? file.slice(1, -PREVIOUS.length)
    : undefined
}

export class StoredPairs {
  readonly #files: Files
  readonly #directory: string
  readonly #rules: ReadRules

  constructor({ files, directory, owners }: StoredPairsDeps) {
    this.#files = files
    this.#directory = directory
    this.#rules = { maxBytes: MAX_FILE_BYTES, owners, forbiddenMode: 0o077 }
  }

  /**
   * Undefined when there is none, or only a `.data` whose key is gone (a removal cut short).
   *
   * @param isWanted asked of the data, before more is read; default: any.
   * @throws `MYPROXY_STORE_MALFORMED` or `FILE_…` for what is there and cannot be believed.
   */
  async read(stem: string, isWanted = ANY): Promise<PlacedEntry | undefined> {
    const entry = await this.#readPair(stem, isWanted)
    if (entry === undefined) return undefined
    const lock = await this.#readIfThere(this.#path(stem, 'lock'))
    return lock === undefined ? entry : { ...entry, lockMessage: printable(lock.toString('utf8')) }
  }

  /** @throws as {@link read}. */
  async readData(stem: string): Promise<StoredData | undefined> {
    const bytes = await this.#readIfThere(this.#path(stem, 'data'))
    return bytes === undefined ? undefined : parseStoredData(bytes, stem)
  }

  /**
   * Puts a pair in the place of another, or where there was none.
   *
   * @param existing what lies there now, read under the same lock.
   */
  async replace(
    stem: string,
    existing: PlacedEntry | undefined,
    data: Omit<StoredData, 'fingerprint'>,
    creds: Buffer,
  ): Promise<void> {
    if (existing !== undefined && existing.data.fingerprint === undefined) {
      // The C server's: bound to its key first, or a crash below could pair it with the new one.
      await this.#writeData(stem, existing.data, existing.creds)
    }
    // A kept copy that is still needed is not written over by a key that nothing refers to.
    const keep = existing?.current ? { keepPreviousAs: this.#path(stem, 'previous') } : {}
    await this.#files.replace(this.#path(stem, 'creds'), creds, { mode: 0o600, ...keep })
    await this.#writeData(stem, data, creds)
    await this.#files.remove(this.#path(stem, 'previous'))
  }

  /**
   * The key goes first: what is left of a removal cut short is nobody's credential. It does not
   * come back when the machine loses power.
   */
  async remove(stem: string): Promise<void> {
    for (const kind of ['creds', 'previous', 'lock', 'data'] as const) {
      await this.#files.remove(this.#path(stem, kind), { sync: kind === 'data' })
    }
  }

  async unlock(stem: string): Promise<void> {
    await this.#files.remove(this.#path(stem, 'lock'))
  }

  /**
   * Ends a replacement that was cut short, so that C programs see a pair too and no key stays that
   * nothing needs.
   */
  async settle(stem: string): Promise<void> {
    const entry = await this.read(stem)
    if (entry?.current === false) {
      await this.#files.replace(this.#path(stem, 'creds'), entry.creds, { mode: 0o600 })
    }
    await this.#files.remove(this.#path(stem, 'previous'))
  }

  /** Differs from an earlier one if something of this credential was written in between. */
  async stamp(stem: string): Promise<StoredStamp> {
    const factsOf = (kind: FileKind) => this.#files.facts(this.#path(stem, kind))
    const facts = await Promise.all([factsOf('data'), factsOf('creds'), factsOf('lock')])
    const times = facts.flatMap((one) => (one === undefined ? [] : [one.modifiedMs, one.changedMs]))
    return { text: facts.map(stampOf).join(' '), newestMs: Math.max(0, ...times) }
  }

  async #readPair(stem: string, isWanted: Wanted): Promise<PlacedEntry | undefined> {
    let found = false
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt += 1) {
      const data = await this.readData(stem)
      if (data === undefined || !isWanted(data)) return undefined
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

  async #readIfThere(path: string): Promise<Buffer | undefined> {
    try {
      return (await this.#files.read(path, this.#rules)).bytes
    } catch (error) {
      if (isVoboxError(error, 'FILE_MISSING')) return undefined
      throw error
    }
  }

  #writeData(stem: string, data: StoredData, creds: Buffer): Promise<void> {
    const bytes = encodeStoredData({ ...data, fingerprint: fingerprintOf(creds) })
    return this.#files.replace(this.#path(stem, 'data'), bytes, { mode: 0o600 })
  }

  #path(stem: string, kind: FileKind): string {
    const names: Record<FileKind, string> = {
      creds: `${stem}.creds`,
      data: `${stem}${isUniqueStem(stem) ? UNIQUE_DATA : PLAIN_DATA}`,
      lock: `${stem}.lock`,
      previous: `.${stem}${PREVIOUS}`,
    }
    return join(this.#directory, names[kind])
  }
}

/** What tells one state of a file from another without a look inside; `-` for none. */
export function stampOf(facts: FileFacts | undefined): string {
  if (facts === undefined) return '-'
  return [facts.inode, facts.sizeBytes, facts.modifiedMs, facts.changedMs].join(':')
}

function fingerprintOf(creds: Uint8Array): string {
  return createHash('sha256').update(creds).digest('hex')
}

function belongs(data: StoredData, creds: Uint8Array): boolean {
  return data.fingerprint === undefined || data.fingerprint === fingerprintOf(creds)
}
