/** A failure as a person and as a program read it on stderr; never a stack trace. */
import { cureOf, printable, type VoboxError } from '../errors.js'

/** Version of the JSON that all commands print; `docs/json.md` lists its fields. */
export const JSON_VERSION = 1

/** `vobox-proxy: what failed`, and below it what to do. */
export function showFailure(program: string, error: VoboxError): string {
  const hint = cureOf(error)?.split('\n') ?? []
  return [
    `${program}: ${printable(error.message)}`,
    ...hint.map((line) => `  ${printable(line)}`),
    '',
  ].join('\n')
}

/** The same for programs, as one line of JSON. */
export function encodeFailure(error: VoboxError): string {
  const { code, message, persistence, data } = error
  const fields = {
    code,
    message: printable(message),
    hint: cureOf(error),
    persistence,
    data: plain(data),
  }
  return `${JSON.stringify({ version: JSON_VERSION, error: fields })}\n`
}

/**
 * Data of a failure is for programs: plain values, lists of them, and lists of flat records such as
 * the attempts behind `ALL_SERVERS_FAILED`. Bytes and the like are none of their business.
 */
function plain(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(data).filter(
      ([, value]) => isPlain(value) || (Array.isArray(value) && value.every(isPlainOrFlat)),
    ),
  )
}

function isPlain(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}

function isPlainOrFlat(item: unknown): boolean {
  if (isPlain(item)) return true
  const isRecord = typeof item === 'object' && item !== null && item.constructor === Object
  return isRecord && Object.values(item).every(isPlain)
}
