import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MAX_UNSENT, MailSpool, type NewMail } from '../../../src/alerts/spool.js'
import { VoboxError } from '../../../src/errors.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { type Journal, silentJournal } from '../../../src/ports/journal.js'
import { FakeClock } from '../../support/fake-clock.js'
import { ScriptedMailer } from '../../support/scripted-mailer.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { DAY, HOUR } from '../../support/time.js'

const mail = (name: string, changes: Partial<NewMail> = {}): NewMail => ({
  messageId: `<${name}@vobox.example.org>`,
  alert: name,
  to: ['alice@example.org'],
  subject: name,
  text: 'text\n',
  ...changes,
})

async function spooled() {
  const directory = join(await temporaryDirectory(), 'spool')
  const clock = new FakeClock()
  const mailer = new ScriptedMailer()
  const journaled: string[] = []
  const journal: Journal = { write: (_level, event) => void journaled.push(event) }
  const open = () =>
    new MailSpool({ files: nodeFiles, clock, journal, mailer, directory, deadlineMs: 30_000 })
  return { directory, clock, mailer, journaled, open, spool: open() }
}

/** Flushes whenever the spool asks for it, for so many seconds. */
async function flushFor(spool: MailSpool, clock: FakeClock, seconds: number): Promise<void> {
  const end = clock.now() + seconds
  while (clock.now() <= end) {
    const next = await spool.flush()
    await clock.advanceSeconds(Math.max(1, next - clock.now()))
  }
}

describe('MailSpool', () => {
  it('sends what was added, once, however often it is flushed', async () => {
    const { spool, mailer } = await spooled()
    expect(await spool.add(mail('one'))).toBe(true)
    await spool.flush()
    await spool.flush()
    expect(mailer.subjects).toEqual(['one'])
  })

  it('keeps mails 0600 in a directory 0700', async () => {
    const { spool, directory } = await spooled()
    await spool.add(mail('one'))
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    const [name = ''] = await readdir(directory)
    expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600)
  })

  it('takes the same message id once, also after it was sent, for a day', async () => {
    const { spool, mailer, clock } = await spooled()
    await spool.add(mail('one'))
    expect(await spool.add(mail('one'))).toBe(false)
    await spool.flush()
    expect(await spool.add(mail('one'))).toBe(false)
    await clock.advanceSeconds(2 * DAY)
    await spool.flush()
    expect(await spool.add(mail('one'))).toBe(true)
    expect(mailer.attempts).toBe(1)
  })

  it('tries again after 1, 2, 4, 8, 16, 32, 60 and 60 minutes', async () => {
    const { spool, mailer, clock } = await spooled()
    mailer.down()
    await spool.add(mail('one'))
    const begun = clock.now()
    const tried: number[] = []
    mailer.behave = ((fail) => () => {
      tried.push((clock.now() - begun) / 60)
      fail()
    })(mailer.behave as () => void)
    await flushFor(spool, clock, 4 * HOUR)
    expect(tried).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183])
  })

  it('sends after a restart what was refused before it, with the same message id', async () => {
    const { spool, mailer, clock, open } = await spooled()
    mailer.down()
    await spool.add(mail('one'))
    await spool.flush()
    mailer.up()
    await clock.advanceSeconds(60)
    await open().flush()
    expect(mailer.sent).toEqual([
      expect.objectContaining({ messageId: '<one@vobox.example.org>', text: 'text\n' }),
    ])
  })

  it('loses and doubles none of 40 mails while the server fails every third time', async () => {
    const { mailer, clock, open } = await spooled()
    mailer.behave = (given) => {
      if (mailer.attempts % 3 === 0) throw new Error(`cut off at ${given.subject}`)
    }
    for (let n = 0; n < 40; n += 1) await open().add(mail(`mail ${n}`))
    for (let round = 0; round < 6; round += 1) await flushFor(open(), clock, HOUR)
    expect(mailer.subjects).toHaveLength(40)
    expect(new Set(mailer.subjects).size).toBe(40)
  })

  it('stops a round after 3 failures in a row, and begins the next with the mails not tried', async () => {
    const { spool, mailer, clock } = await spooled()
    mailer.down()
    for (let n = 0; n < 10; n += 1) {
      await spool.add(mail(`mail ${n}`))
      await clock.advanceSeconds(1)
    }
    const next = await spool.flush()
    expect(mailer.attempts).toBe(3)
    expect(next - clock.now()).toBe(60)
    mailer.up()
    await spool.flush()
    expect(mailer.subjects).toEqual([3, 4, 5, 6, 7, 8, 9].map((n) => `mail ${n}`))
  })

  it('sends the mails of one alert in their order, though the first backs off', async () => {
    const { spool, mailer, clock } = await spooled()
    mailer.down()
    await spool.add(mail('begin', { alert: 'a' }))
    await spool.flush()
    await clock.advanceSeconds(1)
    await spool.add(mail('end', { alert: 'a' }))
    await spool.add(mail('other'))
    mailer.up()
    await spool.flush()
    expect(mailer.subjects).toEqual(['other'])
    await flushFor(spool, clock, 300)
    expect(mailer.subjects).toEqual(['other', 'begin', 'end'])
  })

  it('sends five mails of one alert in the order they came in within one second', async () => {
    const { spool, mailer, clock, open } = await spooled()
    const names = ['begin', 'worse', 'end', 'begin again', 'end again']
    mailer.down()
    for (const name of names) await open().add(mail(name, { alert: 'a' }))
    await spool.flush()
    mailer.up()
    await clock.advanceSeconds(60)
    await spool.flush()
    expect(mailer.subjects).toEqual(names)
  })

  it('sends what came after the clock was set back ten days behind what came before', async () => {
    const { spool, mailer, clock } = await spooled()
    mailer.down()
    await spool.add(mail('begin', { alert: 'a' }))
    clock.jump(-10 * DAY)
    await spool.add(mail('end', { alert: 'a' }))
    mailer.up()
    await spool.flush()
    expect(mailer.subjects).toEqual(['begin', 'end'])
  })

  it('tries an address that was refused for good every 6 h', async () => {
    const { spool, mailer, clock } = await spooled()
    mailer.down('permanent')
    await spool.add(mail('begin', { alert: 'a' }))
    await spool.flush()
    mailer.up()
    await flushFor(spool, clock, 6 * HOUR - 60)
    expect(mailer.subjects).toEqual([])
    await flushFor(spool, clock, 120)
    expect(mailer.subjects).toEqual(['begin'])
  })

  it('lets an all-clear pass two mails that were refused, drops those, and says so in it', async () => {
    const { spool, mailer, clock, directory, journaled } = await spooled()
    mailer.down('permanent')
    for (const name of ['begin', 'worse']) {
      await spool.add(mail(name, { alert: 'a' }))
      await spool.flush()
      await clock.advanceSeconds(HOUR)
    }
    await spool.add(mail('end', { alert: 'a' }))
    mailer.up()
    await flushFor(spool, clock, 12 * HOUR)
    expect(mailer.subjects).toEqual(['end'])
    expect(mailer.sent[0]?.text).toMatch(
      /^text\n\nEarlier mail .* does not come any more:\n {4}.*UTC {2}begin\n {4}.*UTC {2}worse\n$/,
    )
    expect(journaled.filter((event) => event === 'mail-overtaken')).toHaveLength(2)
    expect((await readdir(directory)).filter((name) => name.endsWith('.mail'))).toEqual([])
  })

  it('keeps both of two mails whose address is refused, in their order', async () => {
    const { spool, mailer, clock } = await spooled()
    mailer.down('permanent')
    await spool.add(mail('begin', { alert: 'a' }))
    await spool.flush()
    await clock.advanceSeconds(HOUR)
    await spool.add(mail('end', { alert: 'a' }))
    await spool.flush()
    mailer.up()
    await flushFor(spool, clock, 8 * HOUR)
    expect(mailer.subjects).toEqual(['begin', 'end'])
  })

  it('tells why mail is not sent once for each reason, and again after it was sent', async () => {
    const { clock, mailer, directory } = await spooled()
    const told: string[] = []
    const spool = new MailSpool({
      files: nodeFiles,
      clock,
      journal: silentJournal,
      mailer,
      directory,
      deadlineMs: 30_000,
      onTrouble: ({ message }) => told.push(message),
    })
    const failWith = (message: string) => {
      mailer.behave = () => {
        throw new VoboxError('MAIL_REFUSED', message)
      }
    }
    failWith('nobody listens')
    await spool.add(mail('one'))
    await flushFor(spool, clock, HOUR)
    failWith('wait a while')
    await flushFor(spool, clock, HOUR)
    mailer.up()
    await flushFor(spool, clock, HOUR)
    failWith('wait a while')
    await spool.add(mail('two'))
    await spool.flush()
    expect(told).toEqual(['nobody listens', 'wait a while', 'wait a while'])
  })

  it('gives up after a week and not before, and says so', async () => {
    const { spool, mailer, clock, journaled } = await spooled()
    mailer.down()
    await spool.add(mail('one'))
    const hour = async () => {
      await spool.flush()
      await clock.advanceSeconds(HOUR)
    }
    for (let count = 0; count <= 7 * 24; count += 1) await hour()
    expect(journaled).not.toContain('mail-given-up')
    expect(await spool.holds('one')).toBe(true)
    await hour()
    expect(journaled.filter((event) => event === 'mail-given-up')).toHaveLength(1)
    expect(await spool.holds('one')).toBe(false)
    expect(mailer.attempts).toBe(7 * 24 + 2)
  })

  it('leaves a mailer that hangs after its 30 s, and counts that as a failure', async () => {
    const { spool, mailer, clock } = await spooled()
    mailer.behave = () => new Promise(() => undefined)
    await spool.add(mail('one'))
    const flushing = spool.flush()
    await clock.until(() => mailer.attempts === 1)
    await clock.advance(29_999)
    let done = false
    void flushing.then(() => {
      done = true
    })
    await clock.settle()
    expect(done).toBe(false)
    await clock.advance(1)
    await flushing
    expect(mailer.sent).toEqual([])
    expect(await spool.holds('one')).toBe(true)
  })

  it('two processes that flush at once send each mail once', async () => {
    const { mailer, open } = await spooled()
    const [one, other] = [open(), open()]
    for (let n = 0; n < 10; n += 1) await one.add(mail(`mail ${n}`))
    mailer.behave = () => new Promise((resolve) => setTimeout(resolve, 5))
    await Promise.all([one.flush(), other.flush()])
    expect(mailer.attempts).toBe(10)
  })

  it('takes 1000 mails and drops the next, and says so', async () => {
    const { spool, directory, journaled } = await spooled()
    await mkdir(directory, { mode: 0o700 })
    const name = (n: number) => `${n.toString(16).padStart(32, '0')}.mail`
    for (let n = 0; n < MAX_UNSENT; n += 1) await writeFile(join(directory, name(n)), '')
    expect(await spool.add(mail('one too many'))).toBe(false)
    expect(journaled).toEqual(['mail-dropped'])
  })

  it('removes a mail that is damaged, says so, and sends the others', async () => {
    const { spool, directory, mailer, journaled } = await spooled()
    await spool.add(mail('good'))
    await writeFile(join(directory, `${'0'.repeat(32)}.mail`), '{"messageId":', { mode: 0o600 })
    await spool.flush()
    expect(mailer.subjects).toEqual(['good'])
    expect(journaled).toContain('spool-damaged')
    expect((await readdir(directory)).filter((name) => name.endsWith('.mail'))).toEqual([])
  })

  it('does not believe a mail that others could have written', async () => {
    const { spool, directory, mailer, journaled } = await spooled()
    await spool.add(mail('forged'))
    const [name = ''] = await readdir(directory)
    await chmod(join(directory, name), 0o666)
    await spool.flush()
    expect(mailer.attempts).toBe(0)
    expect(journaled).toContain('spool-unreadable')
  })

  it('tries a mail whose time lies ten days ahead because the clock was set back', async () => {
    const { spool, mailer, clock } = await spooled()
    mailer.down()
    await spool.add(mail('one'))
    await spool.flush()
    clock.jump(-10 * DAY)
    mailer.up()
    await spool.flush()
    expect(mailer.subjects).toEqual(['one'])
  })
})
