/**
 * The text half of the MyProxy protocol: `KEY=value` lines that end with one NUL.
 *
 * Source: "MyProxy Protocol", http://grid.ncsa.illinois.edu/myproxy/protocol/, and what Debian's
 * myproxy-server 6.2 sends. Unknown lines are ignored by both sides; a known key that stands twice
 * is refused, since the C parser refuses it as well and nobody could say which one counts.
 */
import { printable, VoboxError } from '../errors.js'

/** The only protocol version there is. */
export const PROTOCOL_VERSION = 'MYPROXYv2'

/** Largest request we send or accept, in bytes, NUL included. Real ones are under 2 kB. */
export const MAX_REQUEST_BYTES = 64 * 1024

/** Largest response, in bytes; an INFO answer with a thousand credentials is about 200 kB. */
export const MAX_RESPONSE_BYTES = 1024 * 1024

/** Bytes are sent as they are: a pass phrase need not be text. */
export type Field = readonly [key: string, value: string | Uint8Array]

const LINE_END = Buffer.from('\n')

/** NUL, line feed, carriage return. */
const BREAKS = [0x00, 0x0a, 0x0d] as const

/** Something the other side must not have sent. Transient: a server may be half upgraded. */
export function violation(message: string, data: Record<string, unknown> = {}): VoboxError {
  return new VoboxError('PROTOCOL_VIOLATION', printable(message), { data })
}

/**
 * Encodes lines and the NUL.
 *
 * @throws `MYPROXY_VALUE_INVALID` for a value with a line break or NUL: it would become a line of
 *   its own, and so a user name could set a renewer.
 */
export function encodeFields(fields: readonly Field[], maxBytes: number): Buffer {
  const lines: Uint8Array[] = []
  for (const [key, value] of fields) {
    const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
    if (BREAKS.some((octet) => bytes.includes(octet))) {
      throw new VoboxError('MYPROXY_VALUE_INVALID', `${key} must not hold a line break or NUL`, {
        // Not the value: it may be a pass phrase.
        data: { key },
      })
    }
    lines.push(Buffer.from(`${key}=`), bytes, LINE_END)
  }
  const bytes = Buffer.concat([...lines, Buffer.of(0)])
  if (bytes.length > maxBytes) throw tooLarge(bytes.length, maxBytes)
  return bytes
}

/** The lines of one message, looked up by key. */
export class Fields {
  readonly #values: ReadonlyMap<string, readonly string[]>

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values
  }

  /** The value of a key that may stand once; `PROTOCOL_VIOLATION` when it stands more often. */
  optional(key: string): string | undefined {
    const values = this.all(key)
    if (values.length > 1) throw violation(`${key} stands ${values.length} times in one message`)
    return values[0]
  }

  required(key: string): string {
    const value = this.optional(key)
    if (value === undefined) throw violation(`a message without ${key}`)
    return value
  }

  /** A whole number of 0 or more; `PROTOCOL_VIOLATION` for anything else. */
  requiredCount(key: string): number {
    const value = this.required(key)
    if (!/^\d{1,15}$/.test(value)) {
      throw violation(`${key} is not a number: ${printable(value, 80)}`)
    }
    return Number(value)
  }

  all(key: string): readonly string[] {
    return this.#values.get(key) ?? []
  }
}

/**
 * Reads lines up to the NUL, which may be left out; nothing may follow it.
 *
 * @param encoding `strict` refuses bytes that are not UTF-8 (a server that looks a name up must not
 *   guess); `lenient` replaces them (an error text is for reading only).
 */
export function parseFields(
  message: Uint8Array,
  maxBytes: number,
  encoding: 'strict' | 'lenient',
): Fields {
  if (message.length > maxBytes) throw tooLarge(message.length, maxBytes)
  const end = message.indexOf(0)
  if (end !== -1 && end !== message.length - 1) throw violation('bytes follow the NUL of a message')
  const text = decode(end === -1 ? message : message.subarray(0, end), encoding)

  const values = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=')
    if (equals <= 0) continue
    const key = line.slice(0, equals)
    const known = values.get(key)
    if (known === undefined) values.set(key, [line.slice(equals + 1)])
    else known.push(line.slice(equals + 1))
  }
  const fields = new Fields(values)
  const version = fields.required('VERSION')
  if (version !== PROTOCOL_VERSION) {
    throw violation(`unknown MyProxy version ${printable(version, 40)}`)
  }
  return fields
}

function decode(bytes: Uint8Array, encoding: 'strict' | 'lenient'): string {
  try {
    return new TextDecoder('utf-8', { fatal: encoding === 'strict', ignoreBOM: true }).decode(bytes)
  } catch {
    throw violation('a message that is not UTF-8')
  }
}

function tooLarge(bytes: number, maxBytes: number): VoboxError {
  return new VoboxError('MESSAGE_TOO_LARGE', `a MyProxy message of more than ${maxBytes} bytes`, {
    data: { bytes, maxBytes },
  })
}
