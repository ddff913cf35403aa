/**
 * `log/events.log`: what happened to registrations, one line an event, made to be grepped.
 *
 * `2026-11-22T07:00:00Z renewed dn="/DC=ch/CN=alice" file=+2fDC… end=2026-11-24T07:00:00Z server=px:7512`
 *
 * The form is stable: an instant in UTC, one word, then `name=value` with a name never twice. A
 * value holds no white space unless it stands in double quotes, inside which `\"` and `\\` are
 * escaped. Control characters from outside never reach the file.
 */
import { printable, toVoboxError } from '../errors.js'
import type { Clock, UnixSeconds } from '../ports/clock.js'
import type { Files } from '../ports/files.js'
import type { Journal } from '../ports/journal.js'
import { isoInstant } from '../ports/time-text.js'

/** The first word of a line; new ones may be added, none changes its meaning. */
export type EventName =
  | 'service-started'
  | 'service-stopped'
  | 'registered'
  | 'unregistered'
  | 'renewed'
  | 'capped'
  | 'renewal-failed'
  | 'expired'
  | 'warning'
  | 'alert-began'
  | 'alert-reminded'
  | 'alert-ended'
  | 'hook-failed'
  | 'job-proxy-dropped'

/** Absent values are left out; instants are written as UTC. */
export type EventFields = Readonly<Record<string, string | number | boolean | Instant | undefined>>

/** Marks a number as an instant, so that it is written as a date. */
export interface Instant {
  readonly instant: UnixSeconds
}

export const instant = (at: UnixSeconds): Instant => ({ instant: at })

export interface EventLog {
  /** Never rejects: a full disk must not stop a renewal. Resolves when the line is on its way to disk. */
  write(event: EventName, fields: EventFields): Promise<void>
}

/** One line with its line feed. */
export function formatEvent(at: UnixSeconds, event: EventName, fields: EventFields): string {
  const parts = [isoInstant(at), event]
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) parts.push(`${name}=${showValue(value)}`)
  }
  return `${parts.join(' ')}\n`
}

function showValue(value: string | number | boolean | Instant): string {
  if (typeof value === 'object') return isoInstant(value.instant)
  const text = printable(String(value))
  if (/^[A-Za-z0-9._:+/@,-]+$/.test(text)) return text
  return `"${text.replace(/["\\]/g, (character) => `\\${character}`)}"`
}

/** Permission bits of the log: the VO admin's group may read along. */
const LOG_MODE = 0o640

/**
 * The log in a file. It is opened anew for each line, so that logrotate may move it away at any
 * time, and appended to in one write, so that lines of several processes never mix.
 */
export class FileEventLog implements EventLog {
  readonly #deps: { files: Files; clock: Clock; journal: Journal; path: string }

  constructor(deps: { files: Files; clock: Clock; journal: Journal; path: string }) {
    this.#deps = deps
  }

  async write(event: EventName, fields: EventFields): Promise<void> {
    const { files, clock, journal, path } = this.#deps
    try {
      await files.append(path, Buffer.from(formatEvent(clock.now(), event, fields)), LOG_MODE)
    } catch (error) {
      const { code, message } = toVoboxError(error)
      journal.write('warn', 'event-log-unwritable', `${path} takes no lines: ${message}`, { code })
    }
  }
}
