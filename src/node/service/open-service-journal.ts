/**
 * Where the service's log goes: where systemd takes our output, to its journal, each field a field of
 * its own; else to standard output as JSON, and to syslog where there is one.
 */
import type { Config } from '../../config/config.js'
import { type OpenJournal, openJournal } from '../ports/journal.js'
import { isSyslogThere, JournaldLog, SyslogLog, writesToJournal } from '../ports/system-log.js'

export function openServiceJournal(
  vo: string,
  { level, syslog }: Config['log'],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<OpenJournal> {
  const options = { level, base: { vo } }
  if (writesToJournal(environment.JOURNAL_STREAM)) {
    return openJournal({ ...options, journald: new JournaldLog() })
  }
  const to = syslog && isSyslogThere() ? new SyslogLog(process.pid) : undefined
  return openJournal({ ...options, syslog: to })
}
