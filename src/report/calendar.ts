/**
 * A forecast as an iCalendar (RFC 5545): an event for each thing that a person must see to, with alarms
 * before it. What renews itself is left out: its end moves every hour.
 *
 * An event keeps its UID when its end moves, so that a calendar which reads the file again moves it
 * too (§3.8.4.7).
 */
import { createHash } from 'node:crypto'
import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { Forecast } from '../renewal/checking/forecast.js'

export interface CalendarFacts {
  vo: string
  /** Full name of this machine. */
  host: string
  at: UnixSeconds
  items: readonly Forecast[]
}

/** Days before the end at which a calendar speaks up: time to ask a CA, and the last moment. */
const ALARM_DAYS = [14, 2] as const

/** RFC 5545 §3.1: octets in a line without its break. */
const MAX_OCTETS = 75

export function encodeCalendar({ vo, host, at, items }: CalendarFacts): string {
  const events = items.filter(({ automatic }) => !automatic)
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//vobox-proxy//forecast//EN',
    'CALSCALE:GREGORIAN',
    'METHOD:PUBLISH',
    `X-WR-CALNAME:${escapeText(`Proxies of ${vo} on ${host}`)}`,
    ...events.flatMap((item) => eventLines(item, { vo, host, at })),
    'END:VCALENDAR',
  ]
    .map((line) => `${fold(line)}\r\n`)
    .join('')
}

function eventLines(item: Forecast, { vo, host, at }: Omit<CalendarFacts, 'items'>): string[] {
  const title = `${vo}: ${item.kind.replaceAll('-', ' ')} ends ${item.name}`.trim()
  const summary = escapeText(printable(title))
  return [
    'BEGIN:VEVENT',
    `UID:${uidOf(item, vo, host)}`,
    `DTSTAMP:${utc(at)}`,
    `DTSTART:${utc(item.end)}`,
    `SUMMARY:${summary}`,
    `DESCRIPTION:${escapeText(`${withoutDistance(item)}\n${item.cure}`)}`,
    `CATEGORIES:${item.kind}`,
    'TRANSP:TRANSPARENT',
    ...ALARM_DAYS.flatMap((days) => [
      'BEGIN:VALARM',
      'ACTION:DISPLAY',
      `DESCRIPTION:${summary}`,
      `TRIGGER:-P${days}D`,
      'END:VALARM',
    ]),
    'END:VEVENT',
  ]
}

/** "in 3 h" is wrong as soon as somebody reads it another day. */
function withoutDistance({ sentence }: Forecast): string {
  const consequence = sentence.slice(sentence.indexOf('; then ') + 2)
  return `${consequence.charAt(0).toUpperCase()}${consequence.slice(1)}.`
}

function uidOf({ kind, key }: Forecast, vo: string, host: string): string {
  const digest = createHash('sha256').update(`${vo}\n${kind}\n${key}`).digest('hex').slice(0, 32)
  return `${kind}-${digest}@${host.replace(/[^A-Za-z0-9.-]/g, '')}`
}

/** §3.3.5, form 2: `20261122T070000Z`. */
function utc(instant: UnixSeconds): string {
  return new Date(instant * 1000).toISOString().replace(/[-:]|\.000/g, '')
}

/** §3.3.11. Names come from outside; a control character of theirs must not begin a line of ours. */
function escapeText(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line).replace(/[\\;,]/g, '\\$&'))
    .join('\\n')
}

/** §3.1: continued lines begin with a blank; no character is cut in two. */
function fold(line: string): string {
  const parts: string[] = []
  let part = ''
  for (const character of line) {
    if (Buffer.byteLength(part + character) > MAX_OCTETS) {
      parts.push(part)
      part = ' '
    }
    part += character
  }
  return [...parts, part].join('\r\n')
}
