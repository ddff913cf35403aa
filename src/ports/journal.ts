/** From the least to the most urgent. */
export type JournalLevel = 'debug' | 'info' | 'warn' | 'error'

/** Fields of a journal entry. Plain values only; never a key, a pass phrase or a whole proxy. */
export type JournalFields = Readonly<Record<string, string | number | boolean | undefined>>

/** The structured log. Implementations never throw and never block. */
export interface Journal {
  /** `event` is a stable kebab-case name, `message` one sentence for people. */
  write(level: JournalLevel, event: string, message: string, fields?: JournalFields): void
}

/** For callers that have no use for a log. */
export const silentJournal: Journal = { write: () => undefined }
