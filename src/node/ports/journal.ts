/**
 * The structured log of the service: one JSON object a line, which journald keeps and any tool
 * reads.
 *
 *     {"level":"warn","time":"2026-01-01T00:00:00.000Z","vo":"alice","event":"…","message":"…"}
 */
import { printable } from '../../errors.js'
import type { Journal, JournalFields, JournalLevel } from '../../ports/journal.js'
import { LineSink } from './line-sink.js'
import type { SystemLog } from './system-log.js'

const CLOSE_MS = 1000

export interface OpenJournal extends Journal {
  /**
   * Writes out what is still in memory, for at most two seconds; the last thing before the process
   * ends.
   */
  close(): Promise<void>
}

export interface JournalOptions {
  /** Lowest level written; default `info`. */
  level?: JournalLevel
  /** Descriptor that gets the lines; default 1, standard output. */
  descriptor?: number
  /** Fields of every line, e.g. the VO. */
  base?: JournalFields
  /** Gets every entry as well. */
  syslog?: SystemLog | undefined
  /** Gets every entry instead; those that it loses go to the descriptor. */
  journald?: SystemLog | undefined
}

const LEVELS: readonly JournalLevel[] = ['debug', 'info', 'warn', 'error']

/** Loads pino only here: the commands have no use for it. */
export async function openJournal(options: JournalOptions = {}): Promise<OpenJournal> {
  const { pino, stdTimeFunctions } = await import('pino')
  const sink = new LineSink(options.descriptor ?? 1)
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: cleanFields(options.base ?? {}),
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  )
  const { syslog, journald, level: lowest = 'info', base = {} } = options
  return {
    write(level, event, message, fields = {}) {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(lowest)) return
      const [cleaned, text] = [cleanFields(fields), printable(message)]
      const print = () => logger[level]({ event, ...cleaned }, text)
      const entry = { level, event, message: text, fields: { ...cleanFields(base), ...cleaned } }
      if (journald === undefined) print()
      else journald.send(entry, print)
      syslog?.send(entry, () => undefined)
    },
    async close() {
      await within(CLOSE_MS, Promise.all([journald?.close(), syslog?.close()]))
      await sink.drain(CLOSE_MS)
    },
  }
}

async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const overdue = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs)
  })
  await Promise.race([work, overdue])
  clearTimeout(timer)
}

/**
 * Texts may come from a server or a proxy: they get no line of their own and no control characters.
 */
export function cleanFields(fields: JournalFields): JournalFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? printable(value) : value,
    ]),
  )
}
