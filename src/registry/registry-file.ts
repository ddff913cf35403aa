/**
 * `registry.json` on disk, as an adapter for lowdb.
 *
 * lowdb's own writer neither syncs nor keeps the mode, so reading and writing are `Files`' here.
 * What this file adds: the previous content is kept beside the new one, and a file that does not
 * parse is set aside and replaced by that copy, loudly.
 */
import type { Adapter } from 'lowdb'
import { isVoboxError, printable, VoboxError } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import type { FileFacts, Files } from '../ports/files.js'
import type { Registration } from './registration.js'
import {
  checkEntries,
  encodeRegistry,
  parseRegistry,
  type RegistryEntries,
} from './registry-codec.js'

/** Room for a few hundred thousand registrations. */
const MAX_BYTES = 256 * 1024 * 1024

/** Written by others it would not be believed, whoever owns it. */
const READ_RULES = { maxBytes: MAX_BYTES, forbiddenMode: 0o022 }

const MODE = 0o600

export interface RegistryContents {
  /** All entries as they stand in the file, also those that are not valid. */
  entries: RegistryEntries
  registrations: ReadonlyMap<string, Registration>
}

export const noContents: RegistryContents = { entries: new Map(), registrations: new Map() }

export interface RegistryFileDependencies {
  files: Files
  clock: Clock
  paths: { registry: string; registryPrevious: string }
}

export class RegistryFile implements Adapter<RegistryContents> {
  readonly #files: Files
  readonly #clock: Clock
  readonly #path: string
  readonly #previousPath: string
  /** What the file was when we last read or wrote it; undefined: not known. */
  #signature: string | undefined
  #warnings: string[] = []
  /** What was said already, so that damage that lasts is not said at each look. */
  readonly #said = new Set<string>()

  constructor(dependencies: RegistryFileDependencies) {
    this.#files = dependencies.files
    this.#clock = dependencies.clock
    this.#path = dependencies.paths.registry
    this.#previousPath = dependencies.paths.registryPrevious
  }

  /** Whether the file may differ from what was last read or written. Costs one `lstat`. */
  async changed(): Promise<boolean> {
    return this.#signature !== signatureOf(await this.#files.facts(this.#path))
  }

  takeWarnings(): string[] {
    return this.#warnings.splice(0)
  }

  /** Reads the file as it is. Rejects with `REGISTRY_MALFORMED` when it does not parse. */
  async read(): Promise<RegistryContents> {
    const found = await this.#readAt(this.#path)
    if (found === undefined) return this.#whenMissing()
    const contents = this.#understand(parseRegistry(found.bytes, this.#path))
    this.#signature = signatureOf(found.facts)
    return contents
  }

  /**
   * Replaces the file and keeps its content as the previous good copy. The caller holds the lock.
   */
  async write(contents: RegistryContents): Promise<void> {
    await this.#write(contents.entries, { mode: MODE, keepPreviousAs: this.#previousPath })
  }

  /**
   * Sets a file that does not parse aside and puts the previous good copy in its place. The caller
   * holds the lock and found the file malformed. Rejects with `REGISTRY_MALFORMED`, and leaves
   * everything as it is, when there is no good copy.
   */
  async recover(damage: VoboxError): Promise<void> {
    const damaged = await this.#readAt(this.#path)
    const previous = await this.previous(damage)
    const aside = `${this.#path}.damaged-${this.#clock.now()}`
    if (damaged !== undefined) await this.#files.replace(aside, damaged.bytes, { mode: MODE })
    await this.#write(previous.entries, { mode: MODE })
    const where = damaged === undefined ? '' : `it was set aside as ${aside} and `
    this.#warn(`${damage.message}; ${where}the copy from before the last change is used`)
  }

  /** The previous good copy alone, for who may not write. */
  async previous(damage: VoboxError): Promise<RegistryContents> {
    const found = await this.#readAt(this.#previousPath)
    if (found === undefined) throw withoutCopy(damage, this.#path, this.#previousPath)
    try {
      return this.#understand(parseRegistry(found.bytes, this.#previousPath))
    } catch (error) {
      throw isVoboxError(error, 'REGISTRY_MALFORMED')
        ? withoutCopy(damage, this.#path, this.#previousPath)
        : error
    }
  }

  /** What is said of a damaged file that could not be replaced by the copy. */
  warnUnrecovered(damage: VoboxError, failure: VoboxError): void {
    this.#warn(
      `${damage.message}; the copy from before the last change is used, but ${failure.message}`,
    )
  }

  /**
   * Both gone: nothing was ever registered. The registry alone gone: a mistake, which is undone.
   */
  async #whenMissing(): Promise<RegistryContents> {
    if ((await this.#files.facts(this.#previousPath)) !== undefined) {
      const data = { path: this.#path, why: 'missing' }
      throw new VoboxError('REGISTRY_MALFORMED', `${this.#path} is missing`, { data })
    }
    this.#signature = signatureOf(undefined)
    return noContents
  }

  async #readAt(path: string) {
    try {
      return await this.#files.read(path, READ_RULES)
    } catch (error) {
      if (isVoboxError(error, 'FILE_MISSING')) return undefined
      throw error
    }
  }

  async #write(
    entries: RegistryEntries,
    options: { mode: number; keepPreviousAs?: string },
  ): Promise<void> {
    this.#signature = undefined
    await this.#files.replace(this.#path, encodeRegistry(entries), options)
    this.#signature = signatureOf(await this.#files.facts(this.#path))
  }

  #understand(entries: RegistryEntries): RegistryContents {
    const { registrations, invalid } = checkEntries(entries)
    for (const { fileName, problem } of invalid) {
      this.#warn(
        `${this.#path}: '${printable(fileName)}' is not a valid registration and is left alone ` +
          `(${printable(problem)})`,
      )
    }
    return { entries, registrations }
  }

  #warn(warning: string): void {
    if (this.#said.has(warning)) return
    this.#said.add(warning)
    this.#warnings.push(warning)
  }
}

function signatureOf(facts: FileFacts | undefined): string {
  if (facts === undefined) return 'missing'
  return `${facts.inode}:${facts.sizeBytes}:${facts.modifiedMs}:${facts.changedMs}`
}

function withoutCopy(damage: VoboxError, path: string, previousPath: string): VoboxError {
  return new VoboxError('REGISTRY_MALFORMED', `${damage.message}, and there is no good copy`, {
    hint:
      `Restore ${path} from a backup, or move it and ${previousPath} away ` +
      'to start with no registrations',
    data: damage.data,
    cause: damage,
  })
}
