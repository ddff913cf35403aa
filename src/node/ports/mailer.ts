/**
 * Mail by SMTP or by sendmail, as the configuration says.
 *
 * nodemailer writes the message and speaks SMTP. sendmail is run by us, because it must die with
 * its deadline. What is said about an address with a 5xx answer is permanent; everything else may
 * be different in an hour.
 */
import { execa } from 'execa'
import { createTransport } from 'nodemailer'
import type { Config } from '../../config/config.js'
import { type Persistence, printable, VoboxError } from '../../errors.js'
import type { Journal } from '../../ports/journal.js'
import { parseMailAddress } from '../../ports/mail-address.js'
import type { Mail, Mailer } from '../../ports/mailer.js'

export interface MailerOptions {
  mail: Config['mail']
  /** Full name of this machine: greets the server, and ends the sender's address. */
  host: string
  journal: Journal
}

/** null for `transport = "none"`: alerts are then journal and events only. */
export function makeMailer(options: MailerOptions): Mailer | null {
  switch (options.mail.transport) {
    case 'smtp':
      return smtpMailer(options)
    case 'sendmail':
      return sendmailMailer(options)
    case 'none':
      return null
  }
}

function smtpTransport({ mail: { smtp, deadlineSeconds }, host }: Omit<MailerOptions, 'journal'>) {
  const timeout = deadlineSeconds * 1000
  return createTransport({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.secure,
    name: host,
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    dnsTimeout: timeout,
    // Without `secure` a plain connection would do, so that encryption to an unknown certificate is
    // no worse: relays on the same machine have nothing better (RFC 7435).
    ...(smtp.secure ? {} : { tls: { rejectUnauthorized: false } }),
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}

/** Greets the configured SMTP server and leaves again. @throws `MAIL_REFUSED`. */
export async function greetSmtp(options: Omit<MailerOptions, 'journal'>): Promise<void> {
  const { host, port } = options.mail.smtp
  const transport = smtpTransport(options)
  try {
    await transport.verify()
  } catch (error) {
    throw smtpFailure(error, `${host}:${port}`, 'does not answer as a mail server')
  } finally {
    transport.close()
  }
}

function smtpMailer(options: MailerOptions): Mailer {
  const { mail, host, journal } = options
  const { smtp, from } = mail
  const transport = smtpTransport(options)
  return {
    async send(mail, signal) {
      const message = messageOf(mail, from, host)
      try {
        const sent = await transport.sendMail({ ...message, ...(signal && { signal }) })
        if (sent.rejected.length > 0) {
          const to = sent.rejected.map((address) => printable(String(address))).join(',')
          journal.write('warn', 'mail-partly-refused', 'some addresses were refused', { to })
        }
      } catch (error) {
        throw smtpFailure(error, `${smtp.host}:${smtp.port}`)
      }
    },
  }
}

function sendmailMailer({ mail: config, host }: MailerOptions): Mailer {
  const { sendmail, from, deadlineSeconds } = config
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' })
  return {
    async send(mail, signal) {
      const message = messageOf(mail, from, host)
      const { message: bytes } = await composer.sendMail(message)
      const result = await execa(sendmail, ['-i', '-f', message.from, ...message.to], {
        input: bytes as Buffer,
        stdout: 'ignore',
        timeout: deadlineSeconds * 1000,
        forceKillAfterDelay: 1000,
        extendEnv: false,
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
        maxBuffer: 16 * 1024,
        reject: false,
        ...(signal && { cancelSignal: signal }),
      })
      if (result.failed) throw sendmailFailure(sendmail, result)
    },
  }
}

function messageOf(mail: Mail, configuredFrom: string | null, host: string) {
  return {
    from: parseMailAddress(mail.from ?? configuredFrom ?? defaultSender(host)),
    to: mail.to.map(parseMailAddress),
    subject: printable(mail.subject, 250),
    text: mail.text,
    messageId: mail.messageId,
    // Commands must reach the reader unbroken, which neither 7-bit lines nor format=flowed promise.
    textEncoding: 'quoted-printable' as const,
    // RFC 3834, section 5: keeps vacation programs quiet.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

/** Host names may hold what no mail address may; that must not keep mail from being sent. */
function defaultSender(host: string): string {
  const labels = host.split('.').map((label) => label.replace(/[^A-Za-z0-9-]|^-+|-+$/g, ''))
  return `vobox-proxy@${labels.filter((label) => label !== '').join('.') || 'localhost'}`
}

function smtpFailure(error: unknown, server: string, what = 'did not take it'): VoboxError {
  const { code, responseCode, message } = error as {
    code?: string
    responseCode?: number
    message?: string
  }
  const aboutAddress = code === 'EENVELOPE' && responseCode !== undefined && responseCode >= 500
  return refused(`${server} ${what}: ${message}`, error, aboutAddress, {
    server,
    reason: code,
    responseCode,
  })
}

/** Exit codes of sendmail for an address, from sysexits.h: EX_NOUSER and EX_NOHOST. */
const ADDRESS_EXIT_CODES: readonly (number | undefined)[] = [67, 68]

interface Ended {
  exitCode?: number | undefined
  shortMessage?: string | undefined
  stderr?: unknown
  code?: string | undefined
}

function sendmailFailure(program: string, result: Ended): VoboxError {
  const { exitCode, code } = result
  const said = typeof result.stderr === 'string' ? result.stderr.trim() : ''
  const why = said === '' ? (result.shortMessage ?? 'it failed') : said
  return refused(`${program}: ${why}`, undefined, ADDRESS_EXIT_CODES.includes(exitCode), {
    program,
    exitCode,
    reason: code,
  })
}

function refused(
  message: string,
  cause: unknown,
  permanent: boolean,
  data: Readonly<Record<string, unknown>>,
): VoboxError {
  const persistence: Persistence = permanent ? 'permanent' : 'transient'
  return new VoboxError('MAIL_REFUSED', printable(message, 500), {
    cause,
    persistence,
    data,
    hint: 'See the section [mail] of the configuration',
  })
}
