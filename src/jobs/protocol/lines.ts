/**
 * The payload: `Key=Value` lines. The C code looks for `Key=` anywhere in the text, so that a job id
 * can hold a command; here a key is what stands before the first `=` of its line, and nowhere else.
 */
import { VoboxError } from '../../errors.js'
import { JOB_CODES } from './codes.js'
import { jobRefusal } from './refusal.js'

/** What both sides send; nothing else has ever been spoken. */
export const JOB_PROTOCOL_VERSION = 'EDG Proxy Renewal 1.0'

/** Longest line that the C library sends, in bytes, its line feed included; `ERANGE` for more. */
const MAX_LINE_BYTES = 2047

/** Stands as often as there are entries in `UPDATE_DB`, whose sender is told that nobody serves that. */
const REPEATABLE = 'Entry'

/**
 * @throws VoboxError `JOB_REQUEST_INVALID` for a value that cannot be sent: empty, too long, or with
 *   a line break or NUL, which could add a line.
 */
export function encodeLines(lines: readonly (readonly [key: string, value: string])[]): string {
  return lines
    .map(([key, value]) => {
      const line = `${key}=${value}\n`
      if (value !== '' && !/[\n\r\0]/.test(value) && Buffer.byteLength(line) <= MAX_LINE_BYTES) {
        return line
      }
      throw new VoboxError('JOB_REQUEST_INVALID', `${key} is empty, too long, or breaks a line`, {
        data: { key, bytes: Buffer.byteLength(value) },
      })
    })
    .join('')
}

/**
 * Values by key; unknown keys are there too. A carriage return at the end of a line belongs to it.
 *
 * @throws a refusal: `PARSE_ERROR` for what is no text, a NUL, an empty value, a key that stands
 *   twice, another version; `ELEMENT_NOT_FOUND` without a version; `ERANGE` for a line that no client
 *   could send again, to end the job or ask for it.
 */
export function parseLines(payload: Uint8Array): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const line of decode(payload).split('\n')) {
    if (Buffer.byteLength(line) >= MAX_LINE_BYTES) throw tooLong(line)
    const equals = line.indexOf('=')
    if (equals <= 0) continue
    const key = line.slice(0, equals)
    const value = line.slice(equals + 1).replace(/\r$/, '')
    if (value === '') throw jobRefusal(JOB_CODES.PARSE_ERROR, `${key} is empty`)
    if (values.has(key) && key !== REPEATABLE)
      throw jobRefusal(JOB_CODES.PARSE_ERROR, `${key} stands twice`)
    values.set(key, value)
  }
  const version = required(values, 'Version')
  if (version === JOB_PROTOCOL_VERSION) return values
  throw jobRefusal(JOB_CODES.PARSE_ERROR, `unknown protocol version ${version}`)
}

function tooLong(line: string): VoboxError {
  const why = `a line of ${Buffer.byteLength(line) + 1} bytes: ${MAX_LINE_BYTES} are sent at most`
  return jobRefusal(JOB_CODES.ERANGE, why)
}

/** @throws a refusal `ELEMENT_NOT_FOUND`. */
export function required(values: ReadonlyMap<string, string>, key: string): string {
  const value = values.get(key)
  if (value !== undefined) return value
  throw jobRefusal(JOB_CODES.ELEMENT_NOT_FOUND, `no ${key} in the message`)
}

function decode(payload: Uint8Array): string {
  if (payload.includes(0)) throw jobRefusal(JOB_CODES.PARSE_ERROR, 'a NUL within the message')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload)
  } catch (error) {
    throw jobRefusal(JOB_CODES.PARSE_ERROR, 'the message is not UTF-8', { cause: error })
  }
}
