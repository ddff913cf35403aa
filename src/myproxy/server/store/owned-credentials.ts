/**
 * How many credentials each owner keeps in a store: one client that is allowed to store must not be
 * able to fill the disk. The owner counts and not the user name, which the client chooses.
 *
 * Counting would mean to read every file, and several servers may share the directory, so that no
 * count in memory can be believed. So there is a list on disk for each owner, of the stems under
 * which something was stored: written before the credential is, it can hold too many and never too
 * few. Only where it is as long as the limit are those files looked at. A C server that shares the
 * directory writes no list; what it stored counts from when it is stored anew here.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { isVoboxError } from '../../../errors.js'
import type { Files, ReadRules } from '../../../ports/files.js'
import { tooManyStored } from '../refusals.js'

export interface OwnedCredentialsDeps {
  files: Files
  /** Where the lists are; a directory below that of the credentials. */
  directory: string
  /** Who may own the lists. */
  owners: readonly number[]
  /** Most credentials of one owner; 0: any number, and no lists. */
  max: number
  /** Owner of what lies under a stem; undefined when nothing sound does. */
  ownerOf(stem: string): Promise<string | undefined>
}

/** A list is pruned when it is as long as the limit, so this is out of reach. */
const MAX_LIST_BYTES = 1024 * 1024

export class OwnedCredentials {
  readonly #deps: OwnedCredentialsDeps

  constructor(deps: OwnedCredentialsDeps) {
    this.#deps = deps
  }

  /** @throws `MYPROXY_REFUSED` when `owner` has as many as are allowed. */
  async requireRoom(owner: string): Promise<void> {
    const { max } = this.#deps
    if (max === 0) return
    const listed = await this.#read(owner)
    if (listed.size < max) return
    if ((await this.#stillOwned(owner, listed)).size >= max) throw tooManyStored(max)
  }

  /** To be called under the lock of the store, before something is stored under `stem`. */
  async adding(owner: string, stem: string): Promise<void> {
    const { files, directory, max } = this.#deps
    if (max === 0) return
    const listed = await this.#read(owner)
    if (listed.has(stem)) return
    await files.makeDirectory(directory, 0o700)
    if (listed.size < max) {
      await files.append(this.#path(owner), Buffer.from(`${stem}\n`), 0o600)
    } else {
      await this.#write(owner, (await this.#stillOwned(owner, listed)).add(stem))
    }
  }

  /** To be called under the lock of the store, after what lay under `stem` was removed. */
  async removed(owner: string, stem: string): Promise<void> {
    if (this.#deps.max === 0) return
    const listed = await this.#read(owner)
    if (!listed.delete(stem)) return
    if (listed.size === 0) await this.#deps.files.remove(this.#path(owner))
    else await this.#write(owner, listed)
  }

  async #stillOwned(owner: string, listed: ReadonlySet<string>): Promise<Set<string>> {
    const owned = new Set<string>()
    for (const stem of listed) {
      if ((await this.#deps.ownerOf(stem)) === owner) owned.add(stem)
    }
    return owned
  }

  async #read(owner: string): Promise<Set<string>> {
    const { files, owners } = this.#deps
    const rules: ReadRules = { maxBytes: MAX_LIST_BYTES, owners, forbiddenMode: 0o077 }
    try {
      const { bytes } = await files.read(this.#path(owner), rules)
      return new Set(bytes.toString('utf8').split('\n').filter(Boolean))
    } catch (error) {
      if (isVoboxError(error, 'FILE_MISSING')) return new Set()
      throw error
    }
  }

  #write(owner: string, stems: ReadonlySet<string>): Promise<void> {
    const bytes = Buffer.from([...stems].map((stem) => `${stem}\n`).join(''))
    return this.#deps.files.replace(this.#path(owner), bytes, { mode: 0o600 })
  }

  #path(owner: string): string {
    return join(this.#deps.directory, createHash('sha256').update(owner).digest('hex'))
  }
}
