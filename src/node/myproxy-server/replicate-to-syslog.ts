/** A run of replication of which nothing but syslog hears: what cron calls every ten minutes. */
import { cureOf, toVoboxError, VoboxError } from '../../errors.js'
import { entriesOfReplicated, lags } from '../../report/replication-text.js'
import { type ReplicateRepositoryOptions, replicateRepository } from './replicate.js'
import { openServerJournal, type ServerJournalOptions } from './server-journal.js'

/** As whom it writes; the facility is the server's, `syslog_facility`. */
const IDENT = 'myproxy-replicate'

/**
 * @returns whether all secondaries are up to date; why not is in the log.
 * @throws VoboxError `FILE_MISSING` where there is no syslog.
 */
export async function replicateToSyslog(
  options: Omit<ReplicateRepositoryOptions, 'onWarning' | 'onStep' | 'onFacility'>,
  { socket }: Pick<ServerJournalOptions, 'socket'> = {},
): Promise<boolean> {
  const names = { syslogIdent: IDENT, syslogFacility: 'daemon' } as const
  const journal = openServerJournal({ ...names, level: 'info', terminal: false, socket })
  if (!journal.isRead) throw noSyslog()
  try {
    const done = await replicateRepository({
      ...options,
      onWarning: (sentence) => journal.write('warn', 'replication-warning', sentence),
      onFacility: (syslogFacility) => journal.follow({ ...names, syslogFacility }),
    })
    for (const { level, event, message } of entriesOfReplicated(done)) {
      journal.write(level, event, message)
    }
    return !lags(done)
  } catch (thrown) {
    const error = toVoboxError(thrown)
    const cure = cureOf(error)
    const message = cure === undefined ? error.message : `${error.message}; ${cure}`
    journal.write('error', 'replication-failed', message, { code: error.code })
    return false
  } finally {
    await journal.close()
  }
}

function noSyslog(): VoboxError {
  return new VoboxError('FILE_MISSING', 'there is no syslog on this machine', {
    data: { path: '/dev/log' },
    hint: 'Leave --syslog away, and the lines come on standard output',
  })
}
