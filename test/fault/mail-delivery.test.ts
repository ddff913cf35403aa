/** The whole way of a mail, from a proxy that is short to a real SMTP server that misbehaves. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AlertKeeper } from '../../src/alerts/alert-keeper.js'
import { MailSpool } from '../../src/alerts/spool.js'
import { readConfig } from '../../src/config/read-config.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { makeMailer } from '../../src/node/ports/mailer.js'
import { silentJournal } from '../../src/ports/journal.js'
import { FakeClock } from '../support/fake-clock.js'
import { type SinkBehaviour, smtpSink, startSmtpSink } from '../support/smtp-sink.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { DAY, HOUR, hours, later } from '../support/time.js'
import { observed, withoutMachineProxy } from '../unit/alerts/fixtures.js'

async function alertsThrough(port: number) {
  const root = await temporaryDirectory()
  const clock = new FakeClock(hours(100))
  const base = { files: nodeFiles, clock, journal: silentJournal }
  const smtp = { host: '127.0.0.1', port, secure: false }
  const { mail } = readConfig({ flags: { mail: { transport: 'smtp', smtp, deadlineSeconds: 1 } } })
  const open = () => {
    const mailer = makeMailer({ mail, host: 'vobox.example.org', journal: silentJournal })
    if (mailer === null) throw new Error('expected a mailer')
    return new AlertKeeper({
      ...base,
      stateDirectory: join(root, 'state'),
      // Its deadline is the fake clock's, which stands still; the mailer's own is a second.
      spool: new MailSpool({ ...base, mailer, directory: join(root, 'spool'), deadlineMs: 60_000 }),
      host: 'vobox.example.org',
      vo: 'alice',
      admin: 'root',
      reminderSeconds: DAY,
    })
  }
  const look = (leftSeconds: number) =>
    observed({
      at: clock.now(),
      proxyEnd: later(clock.now(), leftSeconds),
      state: withoutMachineProxy,
    })
  return { clock, open, look }
}

const SUBJECTS = [
  '[vobox-proxy alice vobox.example.org] user proxy alicesgm: ends soon',
  '[vobox-proxy alice vobox.example.org] user proxy alicesgm: EXPIRED',
  '[vobox-proxy alice vobox.example.org] user proxy alicesgm: all clear',
]

describe('three mails about one proxy', () => {
  it.each<[string, SinkBehaviour]>([
    ['refuses every address for now', { kind: 'refuse', responseCode: 451 }],
    ['refuses every message', { kind: 'refuse-message', responseCode: 452 }],
    ['hangs up in the middle of each message', { kind: 'drop' }],
    ['takes each message and never answers', { kind: 'silent' }],
  ])('arrive once and in order from a server that %s, and then recovers', async (_name, bad) => {
    const sink = await smtpSink()
    const { clock, open, look } = await alertsThrough(sink.port)
    sink.behave(bad)
    for (const left of [1800, -60, DAY]) {
      const keeper = open()
      await keeper.observe(look(left))
      await keeper.flush()
      await clock.advanceSeconds(HOUR)
    }
    expect(sink.mails).toEqual([])
    sink.behave({ kind: 'accept' })
    for (let round = 0; round < 5; round += 1) {
      await open().flush()
      await clock.advanceSeconds(HOUR)
    }
    expect(sink.mails.map(({ subject }) => subject)).toEqual(SUBJECTS)
  })

  it('arrive once and in order after a day in which nobody listened', async () => {
    const first = await startSmtpSink()
    const { port } = first
    await first.stop()
    const { clock, open, look } = await alertsThrough(port)
    for (const left of [1800, -60, DAY]) {
      const keeper = open()
      await keeper.observe(look(left))
      await keeper.flush()
      await clock.advanceSeconds(8 * HOUR)
    }
    const sink = await smtpSink(port)
    await open().flush()
    await open().flush()
    expect(sink.mails.map(({ subject }) => subject)).toEqual(SUBJECTS)
    expect(new Set(sink.mails.map(({ messageId }) => messageId)).size).toBe(3)
  })

  it('become one all-clear, which names the two before it, when those were refused for good', async () => {
    const sink = await smtpSink()
    const { clock, open, look } = await alertsThrough(sink.port)
    sink.behave({ kind: 'refuse', responseCode: 550 })
    for (const left of [1800, -60]) {
      const keeper = open()
      await keeper.observe(look(left))
      await keeper.flush()
      await clock.advanceSeconds(HOUR)
    }
    sink.behave({ kind: 'accept' })
    await open().observe(look(DAY))
    for (let round = 0; round < 12; round += 1) {
      await open().flush()
      await clock.advanceSeconds(HOUR)
    }
    expect(sink.mails.map(({ subject }) => subject)).toEqual(SUBJECTS.slice(2))
    for (const subject of SUBJECTS.slice(0, 2)) expect(sink.mails[0]?.text).toContain(subject)
  })

  it('reach the others though one address is refused for good', async () => {
    const sink = await smtpSink()
    const { clock, open, look } = await alertsThrough(sink.port)
    sink.behave({ kind: 'refuse', responseCode: 550, only: 'alice@example.org' })
    const keeper = open()
    const email = (address: string, fileName: string) => {
      const seen = look(1800)
      return { ...seen, registration: { ...seen.registration, email: address, fileName } }
    }
    await keeper.observe(email('alice@example.org', 'a'))
    await keeper.observe(email('bob@example.org', 'b'))
    await keeper.flush()
    expect(sink.mails.map(({ to }) => to)).toEqual([['bob@example.org']])
    await clock.advanceSeconds(6 * HOUR)
    sink.behave({ kind: 'accept' })
    await keeper.flush()
    expect(sink.mails.map(({ to }) => to)).toEqual([['bob@example.org'], ['alice@example.org']])
  })
})
