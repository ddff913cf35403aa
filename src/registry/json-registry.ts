/**
 * The registry of one VO as files: `registry.json`, and beside it a state and a lock file for each
 * registration. Any number of processes may use it at once; a change is on disk when it is
 * resolved.
 */
import { Low } from 'lowdb'
import { isVoboxError, printable, toVoboxError, VoboxError } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import type { Files } from '../ports/files.js'
import type { Registration, RegistrationState } from './registration.js'
import { RegistrationFiles } from './registration-files.js'
import { checkRegistration } from './registration-schema.js'
import type { Lease, Registry } from './registry.js'
import { noContents, type RegistryContents, RegistryFile } from './registry-file.js'

/** A change takes milliseconds; on a slow disk fifty at once still end within this. */
const LOCK_DEADLINE_MS = 60_000

export interface JsonRegistryDependencies {
  files: Files
  clock: Clock
  /** As `voPaths` names them. */
  paths: {
    registry: string
    registryPrevious: string
    registryLock: string
    state: string
    locks: string
  }
}

export class JsonRegistry implements Registry {
  readonly #files: Files
  readonly #paths: JsonRegistryDependencies['paths']
  readonly #file: RegistryFile
  readonly #db: Low<RegistryContents>
  readonly #beside: RegistrationFiles
  /**
   * The end of the last piece of work that reads or writes the file; one at a time in a process.
   */
  #last: Promise<unknown> = Promise.resolve()

  constructor(dependencies: JsonRegistryDependencies) {
    this.#files = dependencies.files
    this.#paths = dependencies.paths
    this.#file = new RegistryFile(dependencies)
    this.#db = new Low(this.#file, noContents)
    this.#beside = new RegistrationFiles(dependencies.files, dependencies.paths)
  }

  async all(): Promise<ReadonlyMap<string, Registration>> {
    if (await this.#file.changed()) await this.#serially(() => this.#refresh())
    return this.#db.data.registrations
  }

  async get(fileName: string): Promise<Registration | undefined> {
    return (await this.all()).get(fileName)
  }

  async update(
    fileName: string,
    change: (current: Registration | undefined) => Registration | undefined,
    signal?: AbortSignal,
  ): Promise<Registration | undefined> {
    const { before, after } = await this.#serially(() =>
      this.#locked(signal, () => this.#change(fileName, change)),
    )
    if (before !== undefined && after === undefined) await this.#beside.forget(fileName)
    return after
  }

  state(fileName: string): Promise<RegistrationState> {
    return this.#beside.readState(fileName)
  }

  writeState(fileName: string, state: RegistrationState): Promise<void> {
    return this.#beside.writeState(fileName, state)
  }

  lease(fileName: string, deadlineMs: number, signal?: AbortSignal): Promise<Lease> {
    return this.#beside.lock(fileName, deadlineMs, signal)
  }

  watch(onChange: () => void): { close(): void } {
    return this.#files.watch(this.#paths.registry, onChange)
  }

  takeWarnings(): string[] {
    return this.#file.takeWarnings()
  }

  /**
   * The caller holds the lock. An entry that is not valid counts as absent, and is replaced at
   * most.
   */
  async #change(
    fileName: string,
    change: (current: Registration | undefined) => Registration | undefined,
  ): Promise<{ before: Registration | undefined; after: Registration | undefined }> {
    await this.#readOrRecover()
    const contents = this.#db.data
    const before = contents.registrations.get(fileName)
    const wished = change(before)
    if (wished === before) return { before, after: before }

    const entries = new Map(contents.entries)
    const registrations = new Map(contents.registrations)
    let after: Registration | undefined
    if (wished === undefined) {
      entries.delete(fileName)
      registrations.delete(fileName)
    } else {
      after = validOrThrow(fileName, wished)
      entries.set(fileName, after)
      registrations.set(fileName, after)
    }
    await this.#replace({ entries, registrations })
    return { before, after }
  }

  /** What is in memory stays what is on disk, also when writing fails. */
  async #replace(contents: RegistryContents): Promise<void> {
    const before = this.#db.data
    this.#db.data = contents
    try {
      await this.#db.write()
    } catch (error) {
      this.#db.data = before
      throw error
    }
  }

  /** Reads without the lock, and takes it only to repair. */
  async #refresh(): Promise<void> {
    try {
      await this.#db.read()
    } catch (error) {
      if (!isVoboxError(error, 'REGISTRY_MALFORMED')) throw error
      await this.#repair(error)
    }
  }

  /** A copy that is good enough to renew from must not depend on a disk that takes a repair. */
  async #repair(damage: VoboxError): Promise<void> {
    try {
      await this.#locked(undefined, () => this.#readOrRecover())
    } catch (error) {
      if (isVoboxError(error, 'REGISTRY_MALFORMED', 'REGISTRY_VERSION_UNKNOWN')) throw error
      this.#db.data = await this.#file.previous(damage)
      this.#file.warnUnrecovered(damage, toVoboxError(error))
    }
  }

  /** The caller holds the lock: another process may have repaired the file meanwhile. */
  async #readOrRecover(): Promise<void> {
    try {
      await this.#db.read()
    } catch (error) {
      if (!isVoboxError(error, 'REGISTRY_MALFORMED')) throw error
      await this.#file.recover(error)
      await this.#db.read()
    }
  }

  async #locked<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const lock = await this.#files.lock(this.#paths.registryLock, LOCK_DEADLINE_MS, signal)
    try {
      return await work()
    } finally {
      await lock.release()
    }
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    return result
  }
}

function validOrThrow(fileName: string, wished: Registration): Registration {
  const checked = checkRegistration(fileName, wished)
  if ('value' in checked) return checked.value
  throw new VoboxError(
    'REGISTRATION_INVALID',
    `The registration '${printable(fileName)}' is not valid: ${printable(checked.problem)}`,
    { data: { fileName, problem: checked.problem } },
  )
}
