import { chmod, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Config } from '../../../src/config/config.js'
import { makeMailer } from '../../../src/node/ports/mailer.js'
import { silentJournal } from '../../../src/ports/journal.js'
import type { Mail, Mailer } from '../../../src/ports/mailer.js'
import { rejectionOf } from '../../support/failure.js'
import { smtpSink } from '../../support/smtp-sink.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const command = `vobox-proxy myproxy init --for-vobox -s px.example.org -l '${'/DC=ch/'.repeat(14)}'`

const mail: Mail = {
  to: ['alice@example.org'],
  subject: '[vobox-proxy alice vobox.example.org] user proxy Jürgen: EXPIRED',
  text: `The user proxy expired.\n\n    ${command}\n\n.\nUmlaut: ü\n`,
  messageId: '<0123456789abcdef@vobox.example.org>',
}

function mailerWith(settings: Partial<Config['mail']>): Mailer {
  const defaults: Config['mail'] = {
    admin: 'root',
    from: null,
    transport: 'smtp',
    sendmail: '/usr/sbin/sendmail',
    smtp: { host: '127.0.0.1', port: 25, secure: false },
    deadlineSeconds: 5,
    reminderSeconds: 86_400,
  }
  const made = makeMailer({
    mail: { ...defaults, ...settings },
    host: 'vobox.example.org',
    journal: silentJournal,
  })
  if (made === null) throw new Error('expected a mailer')
  return made
}

describe('the SMTP mailer', () => {
  it('hands over text, subject and message id as they are, a command of 150 columns unbroken', async () => {
    const sink = await smtpSink()
    await mailerWith({ smtp: { host: sink.host, port: sink.port, secure: false } }).send(mail)

    expect(sink.mails).toHaveLength(1)
    const [caught] = sink.mails
    expect(caught).toMatchObject({
      from: 'vobox-proxy@vobox.example.org',
      to: ['alice@example.org'],
      subject: mail.subject,
      messageId: mail.messageId,
    })
    expect(caught?.text.trimEnd()).toBe(mail.text.trimEnd())
    expect(caught?.headers.get('auto-submitted')).toBe('auto-generated')
    expect(caught?.headers.get('content-type')).not.toContain('flowed')
  })

  it('sends to each of two addresses, from the configured sender', async () => {
    const sink = await smtpSink()
    const smtp = { host: sink.host, port: sink.port, secure: false }
    await mailerWith({ smtp, from: 'grid@example.org' }).send({ ...mail, to: ['a@x.ch', 'b@x.ch'] })
    expect(sink.mails[0]).toMatchObject({ from: 'grid@example.org', to: ['a@x.ch', 'b@x.ch'] })
  })

  it.each([
    ['an address refused with 550 is permanent', 550, 'permanent'],
    ['an address refused with 451 is transient', 451, 'transient'],
  ])('%s', async (_name, responseCode, persistence) => {
    const sink = await smtpSink()
    sink.behave({ kind: 'refuse', responseCode })
    const smtp = { host: sink.host, port: sink.port, secure: false }
    const error = await rejectionOf(mailerWith({ smtp }).send(mail))
    expect(error).toMatchObject({ code: 'MAIL_REFUSED', persistence })
    expect(error.data).toMatchObject({ responseCode })
    expect(sink.mails).toHaveLength(0)
  })

  it('a message refused with 554 is transient: it says nothing about the address', async () => {
    const sink = await smtpSink()
    sink.behave({ kind: 'refuse-message', responseCode: 554 })
    const smtp = { host: sink.host, port: sink.port, secure: false }
    const error = await rejectionOf(mailerWith({ smtp }).send(mail))
    expect(error).toMatchObject({ code: 'MAIL_REFUSED', persistence: 'transient' })
  })

  it('nobody listening is transient and names server and port', async () => {
    const smtp = { host: '127.0.0.1', port: await closedPort(), secure: false }
    const error = await rejectionOf(mailerWith({ smtp }).send(mail))
    expect(error).toMatchObject({ code: 'MAIL_REFUSED', persistence: 'transient' })
    expect(error.data.server).toBe(`127.0.0.1:${smtp.port}`)
  })

  it('a server that never answers is left after the deadline of 0.3 s', async () => {
    const sink = await smtpSink()
    sink.behave({ kind: 'silent' })
    const smtp = { host: sink.host, port: sink.port, secure: false }
    const error = await rejectionOf(mailerWith({ smtp, deadlineSeconds: 0.3 }).send(mail))
    expect(error).toMatchObject({ code: 'MAIL_REFUSED', persistence: 'transient' })
  })

  it('stops as soon as the signal aborts', async () => {
    const sink = await smtpSink()
    sink.behave({ kind: 'silent' })
    const smtp = { host: sink.host, port: sink.port, secure: false }
    const patient = mailerWith({ smtp, deadlineSeconds: 600 })
    const sending = patient.send(mail, AbortSignal.timeout(100))
    expect(await rejectionOf(sending)).toMatchObject({ code: 'MAIL_REFUSED' })
  })

  it.each([
    ['a line feed', 'alice@example.org\nBcc: eve@example.org'],
    ['an option of sendmail', '-OQueueDirectory=/tmp'],
    ['a program', '|/bin/sh'],
  ])('an address with %s never reaches the server', async (_name, address) => {
    const sink = await smtpSink()
    const smtp = { host: sink.host, port: sink.port, secure: false }
    const error = await rejectionOf(mailerWith({ smtp }).send({ ...mail, to: [address] }))
    expect(error.code).toBe('MAIL_ADDRESS_INVALID')
    expect(sink.mails).toHaveLength(0)
  })
})

describe('the sendmail mailer', () => {
  it('gives the message on standard input, sender and recipients as arguments', async () => {
    const directory = await temporaryDirectory()
    const program = await script(directory, 'echo "$*" >"$D/args"; env >"$D/env"; cat >"$D/input"')
    await mailerWith({ transport: 'sendmail', sendmail: program }).send(mail)

    const args = await readFile(join(directory, 'args'), 'utf8')
    expect(args.trim()).toBe('-i -f vobox-proxy@vobox.example.org alice@example.org')
    const input = await readFile(join(directory, 'input'), 'utf8')
    expect(input).toContain(`Message-ID: ${mail.messageId}`)
    expect(input).toContain('To: alice@example.org')
    expect(input).not.toContain('\r')
    expect(await readFile(join(directory, 'env'), 'utf8')).not.toContain('HOME=')
  })

  it.each([
    ['exit 75 (temporary failure) is transient', 75, 'transient'],
    ['exit 67 (no such user) is permanent', 67, 'permanent'],
  ])('%s, with what it wrote to standard error', async (_name, exitCode, persistence) => {
    const program = await script(await temporaryDirectory(), `echo no way >&2; exit ${exitCode}`)
    const mailer = mailerWith({ transport: 'sendmail', sendmail: program })
    const error = await rejectionOf(mailer.send(mail))
    expect(error).toMatchObject({ code: 'MAIL_REFUSED', persistence, data: { exitCode } })
    expect(error.message).toContain('no way')
  })

  it('a program that is not there is transient', async () => {
    const mailer = mailerWith({ transport: 'sendmail', sendmail: '/nonexistent/sendmail' })
    const error = await rejectionOf(mailer.send(mail))
    expect(error).toMatchObject({ code: 'MAIL_REFUSED', persistence: 'transient' })
    expect(error.data.program).toBe('/nonexistent/sendmail')
  })

  it('a program that hangs is killed after the deadline of 0.3 s', async () => {
    const program = await script(await temporaryDirectory(), 'exec sleep 600')
    const mailer = mailerWith({ transport: 'sendmail', sendmail: program, deadlineSeconds: 0.3 })
    const error = await rejectionOf(mailer.send(mail))
    expect(error).toMatchObject({ code: 'MAIL_REFUSED', persistence: 'transient' })
  })
})

describe('makeMailer', () => {
  it('makes none for the transport "none"', () => {
    const config = { transport: 'none' } as Config['mail']
    expect(makeMailer({ mail: config, host: 'h', journal: silentJournal })).toBeNull()
  })
})

async function script(directory: string, body: string): Promise<string> {
  const path = join(directory, 'sendmail')
  await writeFile(path, `#!/bin/sh\nD='${directory}'\n${body}\n`)
  await chmod(path, 0o700)
  return path
}

/** A port that was free a moment ago, so that nobody listens there. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}
