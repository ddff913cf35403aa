/**
 * Where the server's log goes: to syslog under the name and facility that its configuration has, or,
 * with `-d`, to the terminal. Under systemd it goes to syslog as well, which is the journal there, since
 * the name and the facility would be lost on standard error.
 */
import { printable } from '../../errors.js'
import type { SyslogFacility } from '../../myproxy/server/config/server-config.js'
import type { Journal, JournalLevel } from '../../ports/journal.js'
import { cleanFields } from '../ports/journal.js'
import { LineSink } from '../ports/line-sink.js'
import { SyslogLog } from '../ports/syslog-log.js'
import { isSyslogThere, type SystemLog, syslogText } from '../ports/system-log.js'

/** `syslog_ident` and `syslog_facility`. */
export interface SyslogNames {
  syslogIdent: string
  syslogFacility: SyslogFacility
}

export interface ServerJournalOptions extends SyslogNames {
  /** Lowest level written. */
  level: JournalLevel
  /** Write to standard error instead. */
  terminal: boolean
  /** Socket of syslog; default `/dev/log`. */
  socket?: string | undefined
}

export interface ServerJournal extends Journal {
  /** Whether anybody gets what is written. */
  readonly isRead: boolean
  /** Goes on under other names. */
  follow(names: SyslogNames): Promise<void>
  /** Writes out what waits, for at most a second or so. */
  close(): Promise<void>
}

const LEVELS: readonly JournalLevel[] = ['debug', 'info', 'warn', 'error']
const CLOSE_MS = 1000

export function openServerJournal(options: ServerJournalOptions): ServerJournal {
  const { level: lowest, terminal, socket } = options
  const sink = new LineSink(2)
  const isRead = terminal || isSyslogThere(socket)
  const open = ({ syslogIdent: tag, syslogFacility: facility }: SyslogNames) =>
    new SyslogLog(process.pid, { tag, facility, ...(socket !== undefined && { socket }) })
  let names: SyslogNames = options
  let syslog: SystemLog | undefined = isRead && !terminal ? open(names) : undefined
  return {
    isRead,
    write(level, event, message, fields = {}) {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(lowest)) return
      const entry = { level, event, message: printable(message), fields: cleanFields(fields) }
      if (terminal) sink.write(`${new Date().toISOString()} ${level} ${syslogText(entry)}\n`)
      else syslog?.send(entry, () => undefined)
    },
    async follow(other) {
      const { syslogIdent, syslogFacility } = other
      if (syslogIdent === names.syslogIdent && syslogFacility === names.syslogFacility) return
      names = other
      const before = syslog
      if (before !== undefined) syslog = open(other)
      await before?.close()
    },
    async close() {
      await syslog?.close()
      await sink.drain(CLOSE_MS)
    },
  }
}
