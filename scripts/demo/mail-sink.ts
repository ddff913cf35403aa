/** An SMTP server on loopback that takes any mail and keeps it. */
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import type { Stage } from './stage.js'

export interface CaughtMail {
  to: string[]
  subject: string
  /** Header and body as they came, lines ending in LF. */
  raw: string
  body: string
}

export interface MailSink {
  port: number
  mails: CaughtMail[]
}

export async function startMailSink(stage: Stage): Promise<MailSink> {
  const mails: CaughtMail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 100,
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const raw = Buffer.concat(chunks).toString('utf8').replaceAll('\r\n', '\n')
        const to = session.envelope.rcptTo.map(({ address }) => address)
        mails.push({ to, ...readMail(raw) })
        callback()
      })
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stage.onEnd(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return { port: (server.server.address() as AddressInfo).port, mails }
}

function readMail(raw: string): Omit<CaughtMail, 'to'> {
  const end = raw.indexOf('\n\n')
  const head = raw.slice(0, end).replace(/\n[ \t]+/g, ' ')
  const body = raw.slice(end + 2)
  const quoted = /^content-transfer-encoding: quoted-printable$/im.test(head)
  return {
    raw,
    subject: /^subject: (.*)$/im.exec(head)?.[1] ?? '',
    body: quoted ? fromQuotedPrintable(body) : body,
  }
}

/** RFC 2045, section 6.7. */
function fromQuotedPrintable(text: string): string {
  const bytes = text
    .replace(/=\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
