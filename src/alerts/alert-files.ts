/**
 * Where alerts are kept: a small file for each thing that has any, beside the registry's state and
 * named as that is. Nothing is there for what has no alert, so that a healthy registration costs
 * one `lstat` a look.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { isVoboxError } from '../errors.js'
import type { FileLock, Files } from '../ports/files.js'
import type { Observation } from '../registry/observation.js'
import { type AlertRecord, emptyRecord, encodeJson, parseAlertRecord } from './alert-schema.js'

const MODE = 0o600
const DIRECTORY_MODE = 0o700
const READ_RULES = { maxBytes: 1024 * 1024, forbiddenMode: 0o022 }

/** Names what alerts are about: `registration:FILE`, `machine-proxy`, `service:CONDITION`. */
export type AlertKey = string

export function keyOf(observation: Observation): AlertKey {
  switch (observation.about) {
    case 'registration':
      return registrationKey(observation.registration.fileName)
    case 'machine-proxy':
      return 'machine-proxy'
    case 'service':
      return `service:${observation.condition}`
  }
}

export const registrationKey = (fileName: string): AlertKey => `registration:${fileName}`

/** The first 128 bits of a SHA-256, in hex: a name of fixed length for anything. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

export class AlertFiles {
  readonly #files: Files
  readonly #directory: string
  /** What could not be written: a full disk must not turn one mail into a hundred. */
  readonly #unsaved = new Map<AlertKey, AlertRecord>()

  /** @param directory the registry's state directory; made when it is not there. */
  constructor(files: Files, directory: string) {
    this.#files = files
    this.#directory = directory
  }

  async exists(key: AlertKey): Promise<boolean> {
    if (this.#unsaved.has(key)) return true
    return (await this.#files.facts(this.#path(key))) !== undefined
  }

  async read(key: AlertKey): Promise<AlertRecord> {
    const unsaved = this.#unsaved.get(key)
    if (unsaved !== undefined) return unsaved
    try {
      const { bytes } = await this.#files.read(this.#path(key), READ_RULES)
      return parseAlertRecord(bytes) ?? emptyRecord
    } catch (error) {
      if (isVoboxError(error, 'FILE_MISSING')) return emptyRecord
      throw error
    }
  }

  /** Replaces the record, or removes it when nothing is left in it. What fails is remembered. */
  async write(key: AlertKey, record: AlertRecord): Promise<void> {
    const empty = record.states.length === 0 && record.outbox.length === 0
    try {
      if (empty) await this.#files.remove(this.#path(key))
      else await this.#replace(key, record)
      this.#unsaved.delete(key)
    } catch (error) {
      this.#unsaved.set(key, record)
      throw error
    }
  }

  async remove(key: AlertKey): Promise<void> {
    this.#unsaved.delete(key)
    await this.#files.remove(this.#path(key))
  }

  /** Held while alerts change: several processes may look at the same thing at once. */
  lock(deadlineMs: number): Promise<FileLock> {
    return this.#withDirectory(() =>
      this.#files.lock(join(this.#directory, '.alerts.lock'), deadlineMs),
    )
  }

  #replace(key: AlertKey, record: AlertRecord): Promise<void> {
    return this.#withDirectory(() =>
      this.#files.replace(this.#path(key), encodeJson(record), { mode: MODE }),
    )
  }

  async #withDirectory<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if ((await this.#files.facts(this.#directory)) !== undefined) throw error
      await this.#files.makeDirectory(this.#directory, DIRECTORY_MODE)
      return await work()
    }
  }

  #path(key: AlertKey): string {
    const name = key.startsWith('registration:') ? key.slice('registration:'.length) : key
    return join(this.#directory, `${digestOf(name)}.alerts.json`)
  }
}
