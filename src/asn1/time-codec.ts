/** UTCTime and GeneralizedTime as RFC 5280 §4.1.2.5 restricts them: to the second, in UTC. */
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import { malformed } from './malformed.js'
import { TAG } from './tags.js'

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/

/** Two-digit years from 50 on belong to the last century (RFC 5280 §4.1.2.5.1). */
const CENTURY_PIVOT = 50

/** JavaScript takes smaller years for those of the last century. */
const MIN_YEAR = 100

const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

export function decodeTime(tag: number, content: Uint8Array): UnixSeconds {
  const text = String.fromCharCode(...content.subarray(0, 16))
  const match = (tag === TAG.utcTime ? UTC_TIME : GENERALIZED_TIME).exec(text)
  if (match === null || content.length > 16) throw malformed('DER time is malformed')
  const [written = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map(Number)
  const year = tag === TAG.utcTime ? written + (written < CENTURY_PIVOT ? 2000 : 1900) : written
  const exists = day >= 1 && day <= daysOf(year, month) && hour < 24 && minute < 60 && second < 60
  if (!exists || year < MIN_YEAR) throw malformed('DER time does not exist', { text })
  return asUnixSeconds(Date.UTC(year, month - 1, day, hour, minute, second) / 1000)
}

/** 0 for a month that does not exist. */
function daysOf(year: number, month: number): number {
  if (month !== 2) return DAYS_OF_MONTH[month - 1] ?? 0
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/** UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). */
export function timeTag(seconds: UnixSeconds): number {
  const year = new Date(seconds * 1000).getUTCFullYear()
  return year >= 1950 && year < 2050 ? TAG.utcTime : TAG.generalizedTime
}

export function encodeTime(tag: number, seconds: UnixSeconds): Uint8Array {
  const date = new Date(seconds * 1000)
  const year = date.getUTCFullYear()
  if (!(year >= MIN_YEAR && year <= 9999))
    throw new TypeError('an instant outside years 100 to 9999')
  return new TextEncoder().encode(timeText(date, tag))
}

function timeText(date: Date, tag: number): string {
  const text = date.toISOString().replace(/\.\d+/, '').replace(/[-:T]/g, '')
  return tag === TAG.utcTime ? text.slice(2) : text
}
