/**
 * `jobs.journal` on disk. It is appended to, and written anew when it is much larger than it need be,
 * when it may hold what was refused, or when it is not as we left it: somebody restored, truncated or
 * removed it while memory knows every job.
 */
import { join } from 'node:path'
import { isVoboxError } from '../errors.js'
import type { Files } from '../ports/files.js'
import type { Journal } from '../ports/journal.js'
import type { JobBook } from './job-book.js'
import { encodeRecord, type JobRecord } from './job-record.js'

export const JOB_JOURNAL = 'jobs.journal'

const MODE = 0o600

/** What is held may take as much in the journal: some 300,000 jobs with ids of 60 characters. */
export const MOST_HELD_BYTES = 64 * 1024 * 1024

/** It is written anew when it is larger than this, and twice as large as it need be. */
const COMPACT_FROM_BYTES = 192 * 1024

/** So what can be written can be read, with room to spare. */
const MAX_JOURNAL_BYTES = 4 * MOST_HELD_BYTES

export interface JobJournalFileDependencies {
  files: Files
  journal: Journal
  /** Directory of the journal, the VO's; absolute. */
  directory: string
  /** What it says when it is written anew. */
  book: Pick<JobBook, 'records' | 'bytes'>
}

export class JobJournalFile {
  readonly path: string
  readonly #deps: JobJournalFileDependencies
  /** Size of the file as it was left; undefined: another file may be in its place after a crash. */
  #bytes: number | undefined
  /** It may hold what was refused, or half a line: nothing may be appended to it. */
  #torn = true
  #compactFrom = COMPACT_FROM_BYTES

  constructor(deps: JobJournalFileDependencies) {
    this.#deps = deps
    this.path = join(deps.directory, JOB_JOURNAL)
  }

  /**
   * Has on disk what the book has already been told.
   *
   * @throws VoboxError `FILE_UNWRITABLE`; then {@link mend} is to be called.
   */
  async write(records: readonly JobRecord[]): Promise<void> {
    if (records.length === 0) return
    const bytes = Buffer.from(records.map(encodeRecord).join(''))
    if (this.#torn || this.#isDue()) {
      try {
        return await this.rewrite()
      } catch (error) {
        // What ends a job takes 200 bytes, and the whole more than the disk may have.
        const size = (this.#bytes ?? 0) + bytes.length
        if (this.#torn || size > MAX_JOURNAL_BYTES) throw error
        this.#compactFrom = size + COMPACT_FROM_BYTES
      }
    }
    if (!(await this.#append(bytes))) await this.#replaceForeign()
  }

  /**
   * What was refused must not be there after a restart, which may come before the next change. Where
   * the disk takes nothing now, the next change tries again before it is written.
   */
  async mend(): Promise<void> {
    if (this.#torn) await this.rewrite().catch(() => undefined)
  }

  /**
   * The whole book in a new file; memory already has what is to be written.
   *
   * @throws VoboxError `FILE_UNWRITABLE`.
   */
  async rewrite(keepPreviousAs?: string): Promise<void> {
    const { files, book } = this.#deps
    const bytes = Buffer.from(Array.from(book.records(), encodeRecord).join(''))
    const before = await this.#facts()
    try {
      await files.replace(this.path, bytes, {
        mode: MODE,
        ...(keepPreviousAs !== undefined && { keepPreviousAs }),
      })
    } catch (error) {
      // What failed may have been put in place all the same, for as long as no crash comes.
      const after = await this.#facts()
      if (before === undefined || after?.inode !== before.inode) this.#bytes = undefined
      this.#torn = this.#bytes === undefined || after?.sizeBytes !== this.#bytes
      throw error
    }
    this.#bytes = bytes.length
    this.#torn = false
    this.#compactFrom = COMPACT_FROM_BYTES
  }

  #isDue(): boolean {
    return (this.#bytes ?? 0) > Math.max(this.#compactFrom, 2 * this.#deps.book.bytes)
  }

  async #append(bytes: Uint8Array): Promise<boolean> {
    const expectedBytes = this.#bytes ?? 0
    try {
      const options = { sync: true, expectedBytes }
      if (!(await this.#deps.files.append(this.path, bytes, MODE, options))) return false
    } catch (error) {
      this.#torn = true
      throw error
    }
    this.#bytes = expectedBytes + bytes.length
    return true
  }

  /** Appended to what somebody put there, the next start would know the last jobs and no others. */
  async #replaceForeign(): Promise<void> {
    const what = 'The journal of jobs was removed or changed by something else'
    this.#deps.journal.write('warn', 'jobs-journal-changed', `${what}, and is written anew`, {
      file: this.path,
      cure: 'Find what did it: nothing else may write there while the service runs',
    })
    this.#torn = true
    this.#bytes = undefined
    await this.rewrite()
  }

  async #facts() {
    return this.#deps.files.facts(this.path).catch(() => undefined)
  }
}

/**
 * Undefined when there is none.
 *
 * @throws VoboxError `FILE_UNSAFE`, `FILE_TOO_LARGE`, `FILE_UNREADABLE`.
 */
export async function readJobJournal(
  { files, owners }: { files: Files; owners: readonly number[] },
  directory: string,
): Promise<string | undefined> {
  try {
    const rules = { maxBytes: MAX_JOURNAL_BYTES, owners, forbiddenMode: 0o077 }
    return (await files.read(join(directory, JOB_JOURNAL), rules)).bytes.toString('utf8')
  } catch (error) {
    if (isVoboxError(error, 'FILE_MISSING')) return undefined
    throw error
  }
}
