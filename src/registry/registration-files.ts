/**
 * The small files beside the registry, one of each a registration: its state and its lock, under
 * the name of its proxy file. All work here is constant in the number of registrations.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { isVoboxError } from '../errors.js'
import type { FileLock, Files } from '../ports/files.js'
import { emptyState, type RegistrationState } from './registration.js'
import { checkState } from './registration-schema.js'

const MODE = 0o600
const DIRECTORY_MODE = 0o700
const READ_RULES = { maxBytes: 64 * 1024, forbiddenMode: 0o022 }

/** Longer names would not fit with what is added. */
const LONGEST_NAME = 240

/** What {@link nameOf} makes, with what is added. */
const OURS = /^(\+.*|[0-9a-f]{32})\.(json|lock)$/

/** Digits of a SHA-256 that stand for an unusual name: 128 bits. */
const DIGEST_DIGITS = 32

export interface RegistrationFilesPaths {
  state: string
  locks: string
}

export class RegistrationFiles {
  readonly #files: Files
  readonly #paths: RegistrationFilesPaths

  constructor(files: Files, paths: RegistrationFilesPaths) {
    this.#files = files
    this.#paths = paths
  }

  /**
   * The state as it was written, or the empty one: losing it loses nothing that anybody entered.
   */
  async readState(fileName: string): Promise<RegistrationState> {
    try {
      const { bytes } = await this.#files.read(this.#statePath(fileName), READ_RULES)
      const checked = checkState(JSON.parse(bytes.toString('utf8')))
      return 'value' in checked ? checked.value : emptyState
    } catch (error) {
      if (error instanceof SyntaxError || isVoboxError(error)) return emptyState
      throw error
    }
  }

  async writeState(fileName: string, state: RegistrationState): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify({ fileName, ...state })}\n`)
    await this.#withDirectories(() =>
      this.#files.replace(this.#statePath(fileName), bytes, { mode: MODE }),
    )
  }

  lock(fileName: string, deadlineMs: number, signal?: AbortSignal): Promise<FileLock> {
    return this.#withDirectories(() =>
      this.#files.lock(this.#lockPath(fileName), deadlineMs, signal),
    )
  }

  /**
   * Clears up after a registration that is gone. What cannot be removed stays: at worst a later
   * registration of the same name starts with an old back-off.
   */
  async forget(fileName: string): Promise<void> {
    try {
      await this.#files.remove(this.#statePath(fileName))
      const lock = await this.#files.tryLock(this.#lockPath(fileName))
      if (lock === undefined) return
      // Safe while we hold it: who waits finds that the name leads elsewhere, and looks again.
      await this.#files.remove(this.#lockPath(fileName))
      await lock.release()
    } catch (error) {
      if (!isVoboxError(error)) throw error
    }
  }

  /**
   * Removes states and locks of what is registered no more, which a crash left. What somebody else put
   * there stays, and so does what cannot be removed.
   *
   * @param known names of all that are registered.
   */
  async removeStrays(known: Iterable<string>): Promise<void> {
    const kept = new Set<string>()
    for (const fileName of known) {
      kept.add(`${nameOf(fileName)}.json`).add(`${nameOf(fileName)}.lock`)
    }
    for (const name of await this.#files.list(this.#paths.state)) {
      if (!OURS.test(name) || kept.has(name)) continue
      try {
        await this.#files.remove(join(this.#paths.state, name))
      } catch (error) {
        if (!isVoboxError(error)) throw error
      }
    }
  }

  /** The directories are made when first missed, so that the common case costs nothing. */
  async #withDirectories<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!isVoboxError(error, 'FILE_UNWRITABLE') || error.data.errno !== 'ENOENT') throw error
      await this.#files.makeDirectory(this.#paths.state, DIRECTORY_MODE)
      await this.#files.makeDirectory(this.#paths.locks, DIRECTORY_MODE)
      return await work()
    }
  }

  #statePath(fileName: string): string {
    return join(this.#paths.state, `${nameOf(fileName)}.json`)
  }

  #lockPath(fileName: string): string {
    return join(this.#paths.locks, `${nameOf(fileName)}.lock`)
  }
}

/**
 * Loading the digest's module costs more than the rest of a query, so the usual name needs none. A
 * name that does not begin as an encoded DN does, which only a registry edited by hand holds, could
 * be that of another file in the directory (`service`).
 */
function nameOf(fileName: string): string {
  if (fileName.startsWith('+') && fileName.length <= LONGEST_NAME) return fileName
  return createHash('sha256').update(fileName).digest('hex').slice(0, DIGEST_DIGITS)
}
