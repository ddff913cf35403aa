/**
 * The system's log. Node has no Unix datagram sockets, so `logger` speaks for us, as a journal entry with
 * fields of its own where systemd takes our output, else to syslog. Nothing here ever waits or throws.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fstatSync, statSync } from 'node:fs'
import type { JournalFields, JournalLevel } from '../../ports/journal.js'

export interface LogEntry {
  level: JournalLevel
  event: string
  /** Printable. */
  message: string
  /** Texts in it are printable. */
  fields: JournalFields
}

export interface SystemLog {
  /** `onLost` is called when the entry could not be handed over. */
  send(entry: LogEntry, onLost: () => void): void
  /** Hands over what waits, within a second or so. */
  close(): Promise<void>
}

const PROGRAM = 'vobox-renewd'
/** Severities of RFC 5424, 6.2.1. */
const SEVERITY: Readonly<Record<JournalLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 }
/** Entries that wait for `logger`; more are lost to it. */
const MOST_WAITING = 1000
const DEADLINE_MS = 5000

/** Whether standard output is the journal's, as systemd.exec(5) says how to tell. */
export function writesToJournal(stream: string | undefined, descriptor = 1): boolean {
  if (!stream) return false
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true })
    return stream === `${dev}:${ino}`
  } catch {
    return false
  }
}

export function isSyslogThere(socket = '/dev/log'): boolean {
  try {
    return statSync(socket).isSocket()
  } catch {
    return false
  }
}

/** An entry in the form of `logger --journald`: a field a line. */
export function journalEntry({ level, event, message, fields }: LogEntry): string {
  const named = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`VOBOX_${fieldName(name)}=${oneLine(String(value))}`],
  )
  return [
    `MESSAGE=${message}`,
    `PRIORITY=${SEVERITY[level]}`,
    `SYSLOG_IDENTIFIER=${PROGRAM}`,
    `VOBOX_EVENT=${event}`,
    ...named,
    '',
  ].join('\n')
}

/** An entry as one line of text, with its severity as `logger --prio-prefix` reads it. */
export function syslogLine(entry: LogEntry): string {
  return `<${SEVERITY[entry.level]}>${syslogText(entry)}\n`
}

/** The same without its severity and the end of the line. */
export function syslogText({ event, message, fields }: LogEntry): string {
  const named = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${JSON.stringify(value)}`],
  )
  return oneLine([`${event}: ${message}`, ...named].join(' '))
}

/** `mailTo` is `MAIL_TO`: field names of the journal are upper case. */
function fieldName(name: string): string {
  return name
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()
    .replace(/[^A-Z0-9_]/g, '_')
}

/** A stack has several; here they would be fields, or entries, of their own. */
const oneLine = (text: string) => text.replace(/[\r\n]+/g, ' | ')

/** One `logger` an entry, one after the other: that is how it takes fields. */
export class JournaldLog implements SystemLog {
  readonly #program: string
  #waiting = 0
  #last: Promise<void> = Promise.resolve()
  #unusable = false

  constructor(program = 'logger') {
    this.#program = program
  }

  send(entry: LogEntry, onLost: () => void): void {
    if (this.#unusable || this.#waiting >= MOST_WAITING) {
      onLost()
      return
    }
    this.#waiting++
    this.#last = this.#last.then(async () => {
      const done = !this.#unusable && (await this.#hand(journalEntry(entry)))
      this.#waiting--
      if (done) return
      this.#unusable = true
      onLost()
    })
  }

  close(): Promise<void> {
    return this.#last
  }

  #hand(text: string): Promise<boolean> {
    return new Promise((resolve) => {
      const child = start(this.#program, ['--journald'], DEADLINE_MS)
      child.once('error', () => resolve(false))
      child.once('exit', (status) => resolve(status === 0))
      child.stdin?.on('error', () => undefined)
      child.stdin?.end(text)
    })
  }
}

function start(program: string, words: readonly string[], timeout: number): ChildProcess {
  return spawn(program, words, {
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    timeout,
    killSignal: 'SIGKILL',
  })
}
