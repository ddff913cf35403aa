/**
 * The jobs of one VO-Box, durable: what was answered is on disk.
 *
 * Changes that arrive while others are being written are written together afterwards, with one sync
 * (group commit): eight clients wait for one disk, not in one line for eight. Within such a group the
 * changes are decided one after the other, so that two jobs that register the same proxy at once
 * share one file. What could not be written is taken back, and nobody was told that it had happened.
 */
import { printable, toVoboxError, VoboxError } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import type { Files } from '../ports/files.js'
import type { Journal } from '../ports/journal.js'
import { JobBook, type Undo } from './job-book.js'
import { JobJournalFile, MOST_HELD_BYTES, readJobJournal } from './job-journal-file.js'
import { type JobRecord, parseRecord } from './job-record.js'
import { UnderWay } from './under-way.js'

/** One change, decided against the book as it is when its turn comes. */
export interface JobChange<T> {
  /** Absent: nothing changes. */
  record?: JobRecord
  /** The file that must be on disk before the record is; writes of one file follow each other. */
  before?: { file: string; write: () => Promise<void> }
  /** Takes the file back when the record could not be written. */
  undo?: () => Promise<void>
  /** What may go once the record is on disk; its failure is logged and no more. */
  after?: () => Promise<void>
  result: T
}

export interface JobStoreDependencies {
  files: Files
  clock: Clock
  journal: Journal
  /** Directory of the journal, the VO's; absolute. */
  directory: string
  /** Who may own the journal. */
  owners: readonly number[]
  /** Nobody is registered once the book holds this much; default 64 MiB. */
  mostHeldBytes?: number
}

interface Waiting {
  /** Decides, more than once where it could not be written; throws to refuse. */
  decide(book: JobBook): JobChange<unknown>
  resolve(value: unknown): void
  reject(error: unknown): void
}

interface Decided {
  waiting: Waiting
  change: JobChange<unknown>
  undo: Undo
}

export class JobStore {
  readonly #deps: JobStoreDependencies
  readonly #book = new JobBook()
  readonly #file: JobJournalFile
  readonly #leftovers = new UnderWay()
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined

  constructor(deps: JobStoreDependencies) {
    this.#deps = deps
    this.#file = new JobJournalFile({ ...deps, book: this.#book })
  }

  /** As it is in memory; a change of it may still be on its way to the disk. */
  get book(): Pick<JobBook, 'get' | 'ofJob' | 'worth' | 'proxies' | 'size' | 'shares'> {
    return this.#book
  }

  /**
   * Reads the journal and writes it anew. A line that is damaged loses what it says: one job, or that
   * one has ended. The file as it was is kept beside, and said.
   *
   * @returns whether it was there and whole: only then is a file that it does not name nobody's.
   * @throws VoboxError `FILE_UNSAFE`, `FILE_TOO_LARGE`, `FILE_UNREADABLE`, `FILE_UNWRITABLE`.
   */
  async open(): Promise<boolean> {
    const text = await readJobJournal(this.#deps, this.#deps.directory)
    const damaged = applyAll(this.#book, text ?? '')
    if (damaged === 0) {
      await this.#file.rewrite()
      return text !== undefined
    }
    const kept = `${this.#file.path}.damaged-${this.#deps.clock.now()}`
    await this.#file.rewrite(kept)
    this.#deps.journal.write('error', 'jobs-journal-damaged', 'Lines of the jobs were damaged', {
      lines: damaged,
      kept,
    })
    return false
  }

  /**
   * Decides in turn, and resolves when it is on disk. `decide` is asked again where what it decided
   * could not be written together with others.
   *
   * @throws what `decide` throws; `FILE_UNWRITABLE` when it could not be written, `FILE_TOO_LARGE` for
   *   one job more than can be read back; then nothing has changed.
   */
  change<T>(decide: (book: JobBook) => JobChange<T>): Promise<T> {
    const done = new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ decide, resolve, reject })
    })
    this.#writing ??= this.#writeAll()
    return done as Promise<T>
  }

  /** Everything that was asked for is on disk, or refused, and what went with it is gone. */
  async settled(): Promise<void> {
    await this.#writing
    await this.#leftovers.settled()
  }

  async #writeAll(): Promise<void> {
    // Those that ask in the same turn are one group from the start.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      await this.#writeGroup(group)
    }
    this.#writing = undefined
  }

  /**
   * A group is on disk as a whole or not at all. Where a file could not be written, those of it are
   * tried once more, each alone: one file that cannot be written refuses nobody else.
   */
  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    const decided = this.#decide(group)
    let filesWritten = false
    try {
      await writeFiles(decided.flatMap(({ change }) => change.before ?? []))
      filesWritten = true
      await this.#file.write(decided.flatMap(({ change }) => change.record ?? []))
    } catch (error) {
      for (const { undo } of decided.toReversed()) undo()
      await this.#file.mend()
      this.#cleanUp(decided, 'undo')
      if (!filesWritten && decided.length > 1) {
        for (const { waiting } of decided) await this.#writeGroup([waiting])
      } else for (const { waiting } of decided) waiting.reject(error)
      return
    }
    for (const { waiting, change } of decided) waiting.resolve(change.result)
    this.#cleanUp(decided, 'after')
  }

  /** One after the other, each on what the one before it changed; refuses whom it refuses. */
  #decide(group: readonly Waiting[]): Decided[] {
    return group.flatMap((waiting) => {
      try {
        const change = waiting.decide(this.#book)
        if (change.record?.op === 'register') this.#refuseWhenFull()
        const undo = change.record ? this.#book.apply(change.record) : () => undefined
        return { waiting, change, undo }
      } catch (error) {
        waiting.reject(error)
        return []
      }
    })
  }

  /** Long before the journal cannot be read any more. What ends a job makes it smaller, and is taken. */
  #refuseWhenFull(): void {
    const { mostHeldBytes: maxBytes = MOST_HELD_BYTES } = this.#deps
    if (this.#book.heldBytes < maxBytes) return
    const shown = printable(this.#file.path)
    const { registrations, shares } = this.#book
    const held = `${registrations} registrations of ${shares} jobs fill ${shown}`
    throw new VoboxError(
      'FILE_TOO_LARGE',
      `${held}: no more are registered until some have ended`,
      {
        hint: 'End those that are over: vobox-proxy job list, vobox-proxy job unregister',
        // The client is told an errno, and the disk is not full.
        data: { path: this.#file.path, maxBytes, errno: 'EDQUOT' },
        persistence: 'transient',
      },
    )
  }

  /** Nobody waits for it, but the end of the service. */
  #cleanUp(decided: readonly Decided[], which: 'undo' | 'after'): void {
    for (const { change } of decided) {
      const note = (error: unknown) => this.#noteLeftover(change.record?.file, error)
      const work = change[which]?.().catch(note)
      if (work !== undefined) void this.#leftovers.add(work)
    }
  }

  #noteLeftover(fileName: string | undefined, error: unknown): void {
    const { message, data } = toVoboxError(error)
    const file = String(data.path ?? fileName)
    const what = `${printable(file)} is left, though no job has it: ${message}`
    const cure = 'It goes at the next start of the service'
    this.#deps.journal.write('warn', 'job-proxy-left', what, { file, cure })
  }
}

/** The book for who only looks (`query`, `job list`), while the service may be writing. */
export async function readJobs(
  deps: Pick<JobStoreDependencies, 'files' | 'directory' | 'owners'>,
): Promise<JobBook> {
  const book = new JobBook()
  applyAll(book, (await readJobJournal(deps, deps.directory)) ?? '')
  return book
}

/**
 * What follows the last line feed was never answered.
 *
 * @returns how many lines could not be read, or are of a proxy that no line before them tells: those
 *   that told it are lost.
 */
function applyAll(book: JobBook, text: string): number {
  const lines = text.split('\n').slice(0, -1)
  let damaged = 0
  for (const line of lines) {
    const record = parseRecord(line)
    if (record === undefined || isOrphan(book, record)) damaged += 1
    else book.apply(record)
  }
  return damaged
}

function isOrphan(book: JobBook, record: JobRecord): boolean {
  return record.op === 'register' && !record.proxy && book.get(record.file) === undefined
}

/**
 * Those of one file in their order, those of different ones at once. All have ended when this has, so
 * that nothing is written behind a failure's back.
 */
async function writeFiles(works: readonly { file: string; write: () => Promise<void> }[]) {
  const byFile = new Map<string, Promise<void>>()
  for (const { file, write } of works) {
    byFile.set(file, (byFile.get(file) ?? Promise.resolve()).then(write))
  }
  const settled = await Promise.allSettled(byFile.values())
  const failed = settled.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw toVoboxError(failed.reason)
}
