/**
 * An SMTP server on loopback that keeps what it is sent, and that can be made to refuse, to be slow
 * or to hang up.
 */
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { onTestFinished } from 'vitest'

export interface CaughtMail {
  from: string
  to: string[]
  /** Header fields by lower-case name, unfolded. */
  headers: Map<string, string>
  subject: string
  messageId: string
  /** The body with its transfer encoding undone. */
  text: string
  /** Everything as it came over the wire. */
  raw: string
}

/** What the sink does with what it is offered. */
export type SinkBehaviour =
  | { kind: 'accept' }
  /** A 4xx or 5xx answer to `RCPT TO`, for these addresses or for all. */
  | { kind: 'refuse'; responseCode: number; only?: string }
  /** A 4xx or 5xx answer after the message. */
  | { kind: 'refuse-message'; responseCode: number }
  /** Takes the message and never answers. */
  | { kind: 'silent' }
  /** Hangs up in the middle of the message. */
  | { kind: 'drop' }

export interface SmtpSink {
  readonly host: string
  readonly port: number
  /** In the order in which they came; those that were refused are not in here. */
  readonly mails: CaughtMail[]
  behave(behaviour: SinkBehaviour): void
  stop(): Promise<void>
}

/** Starts a sink that ends with the running test. */
export async function smtpSink(port = 0): Promise<SmtpSink> {
  const sink = await startSmtpSink(port)
  onTestFinished(() => sink.stop())
  return sink
}

/** Starts a sink that the caller stops. `port` 0: any free one. */
export async function startSmtpSink(port = 0): Promise<SmtpSink> {
  const mails: CaughtMail[] = []
  let behaviour: SinkBehaviour = { kind: 'accept' }
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 100,
    onRcptTo({ address }, _session, callback) {
      const { kind } = behaviour
      if (kind !== 'refuse') return callback()
      if (behaviour.only !== undefined && behaviour.only !== address) return callback()
      callback(answer(behaviour.responseCode))
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        if (behaviour.kind === 'drop') server.connections.forEach((one) => void one.close())
      })
      stream.on('end', () => {
        if (behaviour.kind === 'silent' || behaviour.kind === 'drop') return
        if (behaviour.kind === 'refuse-message') return callback(answer(behaviour.responseCode))
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          ...parseMessage(Buffer.concat(chunks).toString('utf8')),
        })
        callback()
      })
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    host: '127.0.0.1',
    port: (server.server.address() as AddressInfo).port,
    mails,
    behave: (next) => {
      behaviour = next
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function answer(responseCode: number): Error {
  return Object.assign(new Error('the sink was told to refuse'), { responseCode })
}

function parseMessage(raw: string): Omit<CaughtMail, 'from' | 'to'> {
  const end = raw.indexOf('\r\n\r\n')
  const headers = new Map<string, string>()
  for (const line of raw
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')) {
    const colon = line.indexOf(':')
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  const body = raw.slice(end + 4)
  const encoding = headers.get('content-transfer-encoding') ?? '7bit'
  return {
    headers,
    subject: decodeWords(headers.get('subject') ?? ''),
    messageId: headers.get('message-id') ?? '',
    text: (encoding === 'quoted-printable' ? fromQuotedPrintable(body) : body).replaceAll(
      '\r\n',
      '\n',
    ),
    raw,
  }
}

/** RFC 2045, section 6.7. */
function fromQuotedPrintable(text: string): string {
  const bytes = text
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** RFC 2047: encoded words in a header. */
function decodeWords(text: string): string {
  return text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?(q|b)\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(word, 'base64').toString('utf8')
        : fromQuotedPrintable(word.replaceAll('_', ' ')),
    )
}
