/**
 * Where the service's log goes: where systemd takes our output, to its journal, each field a field of
 * its own; else to standard output as JSON, and to syslog where there is one.
 */
import type { Config } from '../../config/config.js'
import { type OpenJournal, openJournal } from '../ports/journal.js'
import { SyslogLog } from '../ports/syslog-log.js'
import { isSyslogThere, JournaldLog, writesToJournal } from '../ports/system-log.js'

type LogConfig = Config['log']

export interface ServiceJournal extends OpenJournal {
  /** Goes on as another configuration has it. What is on its way is written as before. */
  follow(log: LogConfig): Promise<void>
}

export async function openServiceJournal(
  vo: string,
  log: LogConfig,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ServiceJournal> {
  let followed = log
  let current = await openOne(vo, log, environment)
  return {
    write: (...entry) => current.write(...entry),
    close: () => current.close(),
    async follow(other) {
      if (other.level === followed.level && other.syslog === followed.syslog) return
      const before = current
      current = await openOne(vo, other, environment)
      followed = other
      await before.close()
    },
  }
}

function openOne(
  vo: string,
  { level, syslog }: LogConfig,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<OpenJournal> {
  const options = { level, base: { vo } }
  if (writesToJournal(environment.JOURNAL_STREAM)) {
    return openJournal({ ...options, journald: new JournaldLog() })
  }
  const to = syslog && isSyslogThere() ? new SyslogLog(process.pid) : undefined
  return openJournal({ ...options, syslog: to })
}
