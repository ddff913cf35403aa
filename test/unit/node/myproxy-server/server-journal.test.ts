import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openServerJournal } from '../../../../src/node/myproxy-server/server-journal.js'
import { describeWithPrograms } from '../../../support/programs.js'
import { syslogSink } from '../../../support/syslog-sink.js'
import { temporaryDirectory } from '../../../support/temporary-directory.js'

const NAMES = { syslogIdent: 'myproxy-server', syslogFacility: 'daemon' } as const

it('says that nobody reads it where there is no syslog, and does no harm', async () => {
  const socket = join(await temporaryDirectory(), 'log')
  const journal = openServerJournal({ ...NAMES, level: 'info', terminal: false, socket })
  expect(journal.isRead).toBe(false)
  journal.write('error', 'crashed', 'nobody hears')
  await journal.follow({ ...NAMES, syslogIdent: 'other' })
  await journal.close()
})

describeWithPrograms('the journal of the server', ['logger', 'perl'], () => {
  it('writes under syslog_ident and syslog_facility, and after a reload under the new ones', async () => {
    const { socket, lines } = await syslogSink()
    const journal = openServerJournal({ ...NAMES, level: 'info', terminal: false, socket })
    expect(journal.isRead).toBe(true)
    journal.write('info', 'started', 'listens', { peer: 'a\nb\u001b[31m' })
    journal.write('debug', 'tls-failed', 'below the level')
    await journal.follow({ syslogIdent: 'myproxy-site', syslogFacility: 'authpriv' })
    journal.write('warn', 'config-notice', 'look')
    await journal.close()
    const [first, second, rest] = await lines(2)
    // RFC 5424, 6.2.1: 3 is daemon, 10 authpriv; 6 is informational, 4 a warning.
    expect(first).toMatch(/^<30>.* myproxy-server\[\d+\]: started: listens peer="/)
    expect(first).not.toContain('\u001b')
    expect(second).toMatch(/^<84>.* myproxy-site\[\d+\]: config-notice: look$/)
    expect(rest).toBeUndefined()
  })
})
