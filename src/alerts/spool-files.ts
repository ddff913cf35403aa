/**
 * The spool on disk: `NAME.mail` for each mail that waits, `NAME.sent` for a day after it was sent,
 * `.lock` held by whoever sends. A name is half a digest of what the mail is about and half a
 * digest of its message id, so that a listing tells what waits.
 *
 * On a full disk mails wait in memory instead: what fills disks also makes renewals fail, and that
 * is just what the mail is about.
 */
import { join } from 'node:path'
import { isVoboxError, toVoboxError } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import type { FileLock, Files } from '../ports/files.js'
import type { Journal } from '../ports/journal.js'
import { digestOf } from './alert-files.js'
import { encodeJson, parseQueuedMail, type QueuedMail } from './alert-schema.js'

const MODE = 0o600
const DIRECTORY_MODE = 0o700
const READ_RULES = { maxBytes: 256 * 1024, forbiddenMode: 0o022 }
const WAITING = /^[0-9a-f]{32}\.mail$/
const NOTE = /^[0-9a-f]{32}\.sent$/
const NOTE_SECONDS = 86_400
const SWEEP_SECONDS = 3600

export interface SpoolFilesDependencies {
  files: Files
  clock: Clock
  journal: Journal
  /** 0700; made when it is not there. */
  directory: string
}

/** What makes two mails the same. */
export type MailIdentity = Pick<QueuedMail, 'alert' | 'messageId'>

export class SpoolFiles {
  readonly #deps: SpoolFilesDependencies
  /** What could not be written; lost when the process ends. */
  readonly #unsaved = new Map<string, QueuedMail>()
  #nextSweepAt = 0

  constructor(deps: SpoolFilesDependencies) {
    this.#deps = deps
  }

  /** How many wait. Costs one directory listing. */
  async count(): Promise<number> {
    return this.#unsaved.size + (await this.#names(WAITING)).length
  }

  /** Whether this mail waits, or was sent within a day. */
  async knows(mail: MailIdentity): Promise<boolean> {
    if (this.#unsaved.has(mail.messageId)) return true
    const { files } = this.#deps
    return (
      (await files.facts(this.#path(mail, 'mail'))) !== undefined ||
      (await files.facts(this.#path(mail, 'sent'))) !== undefined
    )
  }

  /** Whether a mail about this alert waits. Costs one directory listing. */
  async holds(alert: string): Promise<boolean> {
    if ([...this.#unsaved.values()].some((mail) => mail.alert === alert)) return true
    return (await this.#namesAbout(alert)).length > 0
  }

  /** What waits about this alert, in no order. Reads those files alone. */
  async about(alert: string): Promise<QueuedMail[]> {
    return this.#readAll(await this.#namesAbout(alert), (mail) => mail.alert === alert)
  }

  /** Never rejects for a disk that takes nothing. */
  async save(mail: QueuedMail): Promise<void> {
    const { files, journal, directory } = this.#deps
    try {
      await files.makeDirectory(directory, DIRECTORY_MODE)
      await files.replace(this.#path(mail, 'mail'), encodeJson(mail), { mode: MODE })
      this.#unsaved.delete(mail.messageId)
    } catch (error) {
      this.#unsaved.set(mail.messageId, mail)
      journal.write('warn', 'spool-unwritable', toVoboxError(error).message)
    }
  }

  /** Everything that waits, oldest first. What is not understood is removed, and that is said. */
  async load(): Promise<QueuedMail[]> {
    const mails = await this.#readAll(await this.#names(WAITING), () => true)
    return mails.sort((a, b) => a.queuedAt - b.queuedAt || (a.messageId < b.messageId ? -1 : 1))
  }

  /** Leaves the note first, so that a crash in between does not send it again. */
  async markSent(mail: MailIdentity): Promise<void> {
    const { files, clock, journal } = this.#deps
    const note = encodeJson({ sentAt: clock.now() })
    try {
      await files.replace(this.#path(mail, 'sent'), note, { mode: MODE })
    } catch (error) {
      journal.write('warn', 'spool-unwritable', toVoboxError(error).message)
    }
    await this.remove(mail)
  }

  async remove(mail: MailIdentity): Promise<void> {
    this.#unsaved.delete(mail.messageId)
    await this.#deps.files.remove(this.#path(mail, 'mail'))
  }

  /**
   * The right to send, when nobody else has it. On a disk on which no lock can be made everybody
   * has it: a mail that is sent twice is better than one about a full disk that is not sent.
   */
  async tryLock(): Promise<FileLock | undefined> {
    const { files, directory, journal } = this.#deps
    try {
      await files.makeDirectory(directory, DIRECTORY_MODE)
      return await files.tryLock(join(directory, '.lock'))
    } catch (error) {
      journal.write('warn', 'spool-lock-failed', toVoboxError(error).message)
      return { release: async () => undefined }
    }
  }

  /** Removes notes of mails that were sent more than a day ago; looks once an hour. */
  async sweep(): Promise<void> {
    const { files, clock, directory } = this.#deps
    const now = clock.now()
    if (now < this.#nextSweepAt) return
    this.#nextSweepAt = now + SWEEP_SECONDS
    for (const name of await this.#names(NOTE)) {
      const path = join(directory, name)
      if (now - (await readSentAt(files, path)) >= NOTE_SECONDS) await files.remove(path)
    }
  }

  /** The files named, and what could not be written. */
  async #readAll(
    names: readonly string[],
    wanted: (mail: QueuedMail) => boolean,
  ): Promise<QueuedMail[]> {
    const mails: QueuedMail[] = []
    for (const name of names) {
      const mail = await this.#read(name)
      if (mail !== undefined && !this.#unsaved.has(mail.messageId)) mails.push(mail)
    }
    return [...mails, ...this.#unsaved.values()].filter(wanted)
  }

  async #namesAbout(alert: string): Promise<string[]> {
    const about = halfDigest(alert)
    return (await this.#names(WAITING)).filter((name) => name.startsWith(about))
  }

  async #read(name: string): Promise<QueuedMail | undefined> {
    const { files, journal, directory } = this.#deps
    const path = join(directory, name)
    const note = path.replace(/mail$/, 'sent')
    if ((await files.facts(note)) !== undefined) {
      // It was sent, and the process ended before it removed the mail.
      await files.remove(path)
      return undefined
    }
    let bytes: Buffer
    try {
      bytes = (await files.read(path, READ_RULES)).bytes
    } catch (error) {
      if (!isVoboxError(error)) throw error
      if (error.code !== 'FILE_MISSING') journal.write('warn', 'spool-unreadable', error.message)
      return undefined
    }
    const mail = parseQueuedMail(bytes)
    if (mail !== undefined && name.startsWith(nameOf(mail))) return mail
    await files.remove(path)
    journal.write('error', 'spool-damaged', 'a damaged mail was removed from the spool', { path })
    return undefined
  }

  async #names(pattern: RegExp): Promise<string[]> {
    try {
      return (await this.#deps.files.list(this.#deps.directory)).filter((name) =>
        pattern.test(name),
      )
    } catch (error) {
      if (isVoboxError(error, 'FILE_MISSING')) return []
      throw error
    }
  }

  #path(mail: MailIdentity, kind: 'mail' | 'sent'): string {
    return join(this.#deps.directory, `${nameOf(mail)}.${kind}`)
  }
}

/** 64 bits: enough to tell a thousand mails apart. */
const halfDigest = (text: string): string => digestOf(text).slice(0, 16)

const nameOf = ({ alert, messageId }: MailIdentity): string =>
  halfDigest(alert) + halfDigest(messageId)

/** A note that cannot be read counts as very old: the worst that follows is a mail twice. */
async function readSentAt(files: Files, path: string): Promise<number> {
  try {
    const note: unknown = JSON.parse((await files.read(path, READ_RULES)).bytes.toString('utf8'))
    const sentAt = (note as { sentAt?: unknown } | null)?.sentAt
    return typeof sentAt === 'number' ? sentAt : 0
  } catch {
    return 0
  }
}
