import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type AlertEvent, AlertKeeper } from '../../../src/alerts/alert-keeper.js'
import { MailSpool } from '../../../src/alerts/spool.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { silentJournal } from '../../../src/ports/journal.js'
import { FakeClock } from '../../support/fake-clock.js'
import { ScriptedMailer } from '../../support/scripted-mailer.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { DAY, HOUR, hours, later, MINUTE } from '../../support/time.js'
import { type Changes, FILE_NAME, machine, observed, withoutMachineProxy } from './fixtures.js'

async function kept(options: { mail?: boolean } = {}) {
  const root = await temporaryDirectory()
  const clock = new FakeClock(hours(100))
  const mailer = new ScriptedMailer()
  const events: AlertEvent[] = []
  const spoolDirectory = join(root, 'spool')
  const stateDirectory = join(root, 'state')
  /** As after a restart: nothing but the disk is shared. */
  const open = (onAlert = (event: AlertEvent) => void events.push(event)) =>
    new AlertKeeper({
      files: nodeFiles,
      clock,
      journal: silentJournal,
      stateDirectory,
      spool:
        options.mail === false
          ? null
          : new MailSpool({
              files: nodeFiles,
              clock,
              journal: silentJournal,
              mailer,
              directory: spoolDirectory,
              deadlineMs: 30_000,
            }),
      host: 'vobox.example.org',
      vo: 'alice',
      admin: 'root',
      reminderSeconds: DAY,
      onAlert,
    })
  const look = (changes: Changes = {}) => {
    const at = clock.now()
    const state = { ...withoutMachineProxy, ...changes.state }
    return observed({ at, proxyEnd: later(at, 40 * HOUR), ...changes, state })
  }
  return { root, stateDirectory, spoolDirectory, clock, mailer, events, open, look }
}

describe('AlertKeeper', () => {
  it('mails the beginning, a reminder a day and the end to the address of the registration', async () => {
    const { open, look, clock, mailer } = await kept()
    const keeper = open()
    for (let hour = 0; hour < 50; hour += 1) {
      await keeper.observe(look({ proxyEnd: later(clock.now(), 1800) }))
      await keeper.flush()
      await clock.advanceSeconds(HOUR)
    }
    await keeper.observe(look())
    await keeper.flush()
    expect(mailer.subjects).toEqual([
      'user proxy alicesgm: ends soon',
      'user proxy alicesgm: ends soon (reminder)',
      'user proxy alicesgm: ends soon (reminder)',
      'user proxy alicesgm: all clear',
    ])
    expect(new Set(mailer.sent.flatMap(({ to }) => to))).toEqual(new Set(['alice@example.org']))
  })

  it('a month with restarts and five days without a mail server: none lost, none doubled', async () => {
    const { open, look, clock, mailer } = await kept()
    const begun = clock.now()
    let keeper = open()
    for (let hour = 0; hour < 30 * 24; hour += 1) {
      const day = hour / 24
      if (hour % 36 === 0) keeper = open()
      if (day === 3) mailer.down()
      if (day === 8) mailer.up()
      // The proxy is short from day 4 to day 6, the stored credential ends on day 30.
      const proxyEnd = later(clock.now(), day >= 4 && day < 6 ? 1800 : 40 * HOUR)
      const storedEnd = { at: later(begun, 30 * DAY), learnedAt: begun, from: 'info' as const }
      await keeper.observe(look({ proxyEnd, state: { storedEnd } }))
      await keeper.flush()
      await clock.advanceSeconds(HOUR)
    }
    const reminders = Array.from(
      { length: 9 },
      () => 'stored credential alicesgm: ends soon (reminder)',
    )
    expect(mailer.subjects).toEqual([
      'user proxy alicesgm: ends soon',
      'user proxy alicesgm: all clear',
      'stored credential alicesgm: ends soon',
      ...reminders,
    ])
    expect(new Set(mailer.sent.map(({ messageId }) => messageId)).size).toBe(mailer.sent.length)
  })

  it('tells the site’s command when it ends and what to do, in one line, without mail too', async () => {
    const { open, look, clock, events } = await kept({ mail: false })
    const keeper = open()
    const endsAt = later(clock.now(), DAY)
    const stored = (at: typeof endsAt) => ({
      state: { storedEnd: { at, learnedAt: clock.now(), from: 'info' as const } },
    })
    await keeper.observe(look(stored(endsAt)))
    await clock.advanceSeconds(HOUR)
    await keeper.observe(look(stored(later(clock.now(), 100 * DAY))))
    expect(events).toMatchObject([
      { step: 'begin', kind: 'stored-credential-short', endsAt, to: [] },
      { step: 'end', kind: 'stored-credential-short' },
    ])
    expect(events[0]?.cure).toMatch(
      /^Upload the credential again, [^\n]*: vobox-proxy myproxy init --for-vobox -s [^\n]*$/,
    )
    expect(events[1]).not.toHaveProperty('cure')
    expect(events[1]).not.toHaveProperty('endsAt')
  })

  it('two processes that see the same at once tell it once', async () => {
    const { open, look, clock, mailer } = await kept()
    const observation = look({ proxyEnd: later(clock.now(), 60) })
    const keepers = [open(), open(), open()]
    await Promise.all(keepers.map((keeper) => keeper.observe(observation)))
    await Promise.all(keepers.map((keeper) => keeper.flush()))
    await keepers[0]?.flush()
    expect(mailer.subjects).toEqual(['user proxy alicesgm: ends soon'])
  })

  it('sends no mail for a registration without an address, but tells journal and events', async () => {
    const { open, look, clock, mailer, events } = await kept()
    const keeper = open()
    const proxyEnd = later(clock.now(), -60)
    await keeper.observe(look({ registration: { email: null }, proxyEnd }))
    await keeper.flush()
    expect(mailer.attempts).toBe(0)
    expect(events).toMatchObject([
      { step: 'begin', kind: 'user-proxy-expired', fileName: FILE_NAME, to: [] },
    ])
  })

  it('sends what no user can cure to the administrator', async () => {
    const { open, mailer, clock } = await kept()
    const keeper = open()
    await keeper.observe(machine({ at: clock.now(), problem: 'no such file' }))
    await keeper.observe({
      about: 'service',
      at: clock.now(),
      condition: 'crl-expiring:/DC=ch/CN=CA',
      problem: 'the CRL expires in 20 h',
    })
    await keeper.flush()
    expect(mailer.sent.map(({ to, subject }) => [to, subject])).toEqual([
      [['root'], '[vobox-proxy alice vobox.example.org] machine proxy: MISSING'],
      [
        ['root'],
        '[vobox-proxy alice vobox.example.org] service crl-expiring:/DC=ch/CN=CA: problem',
      ],
    ])
  })

  it('says nothing of a proxy that was short at the start and is renewed within 300 s', async () => {
    const { open, look, clock, mailer, events } = await kept()
    const keeper = open()
    const untried = { failures: 0 }
    await keeper.observe(look({ proxyEnd: later(clock.now(), 1800), state: untried }))
    await clock.advanceSeconds(299)
    await keeper.observe(look({ proxyEnd: later(clock.now(), 1501), state: untried }))
    await keeper.observe(look({ state: untried }))
    await keeper.flush()
    expect([mailer.subjects, events]).toEqual([[], []])
  })

  it('leaves no file for what is healthy, and a file 0600 for what is not', async () => {
    const { open, look, clock, stateDirectory } = await kept()
    const keeper = open()
    await keeper.observe(look())
    await expect(readdir(stateDirectory)).rejects.toThrow('ENOENT')
    await keeper.observe(look({ proxyEnd: later(clock.now(), 60) }))
    const [name = ''] = (await readdir(stateDirectory)).filter((one) => one.endsWith('.json'))
    expect(name).toMatch(/^[0-9a-f]{32}\.alerts\.json$/)
    expect((await stat(join(stateDirectory, name))).mode & 0o777).toBe(0o600)
    await keeper.observe(look())
    await clock.advanceSeconds(DAY)
    await keeper.observe(look())
    expect((await readdir(stateDirectory)).filter((one) => one.endsWith('.json'))).toEqual([])
  })

  it('says which alerts are on, for queries', async () => {
    const { open, look, clock } = await kept()
    const keeper = open()
    expect(await keeper.active(FILE_NAME)).toEqual([])
    await keeper.observe(look({ proxyEnd: later(clock.now(), 60) }))
    expect(await keeper.active(FILE_NAME)).toMatchObject([{ kind: 'user-proxy-short', level: 2 }])
    await keeper.observe(look())
    expect(await keeper.active(FILE_NAME)).toEqual([])
  })

  it('forgets a registration without a mail, and begins anew with the next of its name', async () => {
    const { open, look, clock, mailer } = await kept()
    const keeper = open()
    const short = () => look({ proxyEnd: later(clock.now(), 60) })
    await keeper.observe(short())
    await keeper.forget(FILE_NAME)
    await clock.advanceSeconds(MINUTE)
    await keeper.observe(short())
    await keeper.flush()
    expect(mailer.subjects).toEqual([
      'user proxy alicesgm: ends soon',
      'user proxy alicesgm: ends soon',
    ])
  })

  it('never waits for a mail server: 20 looks are done while a mail hangs', async () => {
    const { open, look, clock, mailer } = await kept()
    const keeper = open()
    mailer.behave = () => new Promise(() => undefined)
    const running = new AbortController()
    const run = keeper.run(running.signal)
    await keeper.observe(look({ proxyEnd: later(clock.now(), 60) }))
    await clock.until(() => mailer.attempts === 1)
    for (let n = 0; n < 20; n += 1) {
      await keeper.observe(machine({ at: clock.now(), problem: `problem ${n}` }))
    }
    expect(mailer.sent).toEqual([])
    running.abort(new Error('stop'))
    await run
  })

  it('sends within its loop as soon as an alert begins, not at the next minute', async () => {
    const { open, look, clock, mailer } = await kept()
    const keeper = open()
    const running = new AbortController()
    const run = keeper.run(running.signal)
    await clock.until(() => clock.sleeping === 1)
    await keeper.observe(look({ proxyEnd: later(clock.now(), 60) }))
    await clock.until(() => mailer.sent.length === 1)
    expect(clock.now()).toBe(hours(100))
    running.abort(new Error('stop'))
    await run
  })

  it('survives a listener that throws, and sends the mail all the same', async () => {
    const { open, look, clock, mailer } = await kept()
    const keeper = open(() => {
      throw new Error('listener')
    })
    await keeper.observe(look({ proxyEnd: later(clock.now(), 60) }))
    await keeper.flush()
    expect(mailer.sent).toHaveLength(1)
  })

  it('sends nothing to an address that is none, and does not fail', async () => {
    const { open, look, clock, mailer } = await kept()
    const keeper = open()
    const email = 'alice@example.org\nBcc: eve@example.org'
    await keeper.observe(look({ registration: { email }, proxyEnd: later(clock.now(), 60) }))
    await keeper.flush()
    expect(mailer.attempts).toBe(0)
  })

  it('keeps states though there is no mail at all', async () => {
    const { open, look, clock, events } = await kept({ mail: false })
    const keeper = open()
    await keeper.observe(look({ proxyEnd: later(clock.now(), 60) }))
    await open().observe(look({ proxyEnd: later(clock.now(), 30) }))
    await keeper.flush()
    expect(events.map(({ step }) => step)).toEqual(['begin'])
  })
})
