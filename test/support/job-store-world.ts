/** A store of jobs in memory, with what it says to the log. */
import type { JobBook } from '../../src/jobs/job-book.js'
import type { JobRecord } from '../../src/jobs/job-record.js'
import { JobStore } from '../../src/jobs/job-store.js'
import type { JournalFields, JournalLevel } from '../../src/ports/journal.js'
import { FakeClock } from './fake-clock.js'
import { MemoryFiles } from './memory-files.js'

export class JobStoreWorld {
  static readonly JOURNAL = '/vo/jobs.journal'

  readonly clock = new FakeClock()
  readonly files = new MemoryFiles(this.clock)
  readonly log: { level: JournalLevel; event: string }[] = []
  readonly entries: { message: string; fields: JournalFields | undefined }[] = []

  dependencies() {
    return {
      files: this.files,
      clock: this.clock,
      journal: {
        write: (
          level: JournalLevel,
          event: string,
          message: string,
          fields?: JournalFields,
        ): void => {
          this.log.push({ level, event })
          this.entries.push({ message, fields })
        },
      },
      directory: '/vo',
      owners: [0],
    }
  }

  async open(): Promise<JobStore> {
    const store = new JobStore(this.dependencies())
    await store.open()
    return store
  }
}

/** The change that is this record and no more. */
export const record = (one: JobRecord) => () => ({ record: one, result: one.op })

/** Its files with their jobs. */
export const filesOf = (book: Pick<JobBook, 'proxies'>) =>
  [...book.proxies].map(([file, { jobs }]) => [file, [...jobs.keys()]])
