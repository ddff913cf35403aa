/**
 * Responses of the MyProxy protocol, for client and server: bytes in, values out. INFO's list of stored
 * credentials is the only one with a structure of its own.
 */
import { printable } from '../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import {
  encodeFields,
  type Field,
  type Fields,
  MAX_RESPONSE_BYTES,
  PROTOCOL_VERSION,
  parseFields,
  violation,
} from './text-message.js'
import {
  encodeTrustRoots,
  MAX_TRUST_ROOTS_BYTES,
  parseTrustRoots,
  type TrustRootFile,
} from './trust-roots.js'

/** One credential in a server's store, as INFO shows it to its owner. */
export interface StoredCredential {
  /** Absent for the default credential. */
  name?: string
  /** Subject DN of whoever stored it, in one-line form. */
  owner: string
  start: UnixSeconds
  end: UnixSeconds
  renewer?: string
  retriever?: string
  keyRetriever?: string
  trustedRetriever?: string
  description?: string
  /** Why an administrator locked it; absent: not locked. */
  lockMessage?: string
}

/** What a server asks to be signed; `text` is its challenge as it stands on the wire. */
export interface Challenge {
  method: string
  text: string
}

export type MyProxyResponse =
  | {
      kind: 'ok'
      credentials: readonly StoredCredential[]
      /** CA files, for who asked for them. */
      trustRoots: readonly TrustRootFile[]
    }
  | { kind: 'error'; messages: readonly string[] }
  | { kind: 'authorization'; challenges: readonly Challenge[] }

type StoredText = Exclude<keyof StoredCredential, 'name' | 'owner' | 'start' | 'end'>

/** Suffixes after `CRED_` or `CRED_<name>_`. */
const STORED_LINES: readonly (readonly [field: StoredText, suffix: string])[] = [
  ['description', 'DESC'],
  ['retriever', 'RETRIEVER'],
  ['renewer', 'RENEWER'],
  ['keyRetriever', 'KEYRETRIEVERS'],
  ['trustedRetriever', 'RETRIEVER_TRUSTED'],
  ['lockMessage', 'LOCKMSG'],
]

/** A response on its way out. */
export type OutgoingResponse =
  | Exclude<MyProxyResponse, { kind: 'ok' }>
  | {
      kind: 'ok'
      credentials: readonly StoredCredential[]
      trustRoots?: readonly TrustRootFile[]
    }

/** @throws `MYPROXY_VALUE_INVALID`, `MESSAGE_TOO_LARGE`. */
export function encodeResponse(response: OutgoingResponse): Buffer {
  const lines: Field[] = [['VERSION', PROTOCOL_VERSION]]
  switch (response.kind) {
    case 'ok':
      lines.push(['RESPONSE', '0'], ...encodeStored(response.credentials))
      lines.push(...encodeTrustRoots(response.trustRoots ?? []))
      break
    case 'error':
      lines.push(['RESPONSE', '1'])
      for (const message of response.messages) {
        // A server's own text may quote a client's; it must not become a line of its own.
        for (const line of message.split('\n')) lines.push(['ERROR', printable(line)])
      }
      break
    case 'authorization':
      lines.push(['RESPONSE', '2'])
      for (const { method, text } of response.challenges) {
        lines.push(['AUTHORIZATION_DATA', `${method}:${text}`])
      }
  }
  const givesTrustRoots = response.kind === 'ok' && response.trustRoots !== undefined
  return encodeFields(lines, givesTrustRoots ? MAX_TRUST_ROOTS_BYTES : MAX_RESPONSE_BYTES)
}

/**
 * Reads a response. A leading NUL (a TLS 1.3 server may send one) is the transport's to strip.
 *
 * @param maxBytes default {@link MAX_RESPONSE_BYTES}; more where CA files were asked for.
 * @throws `PROTOCOL_VIOLATION`, `MESSAGE_TOO_LARGE`. An error response is a value, not a throw.
 */
export function parseResponse(message: Uint8Array, maxBytes = MAX_RESPONSE_BYTES): MyProxyResponse {
  const fields = parseFields(message, maxBytes, 'lenient')
  const code = fields.requiredCount('RESPONSE')
  switch (code) {
    case 0:
      return {
        kind: 'ok',
        credentials: parseStored(fields),
        trustRoots: parseTrustRoots(fields),
      }
    case 1:
      return { kind: 'error', messages: fields.all('ERROR').map((line) => printable(line)) }
    case 2:
      return {
        kind: 'authorization',
        challenges: fields.all('AUTHORIZATION_DATA').map(parseChallenge),
      }
    default:
      throw violation(`unknown response ${code}`, { response: code })
  }
}

function parseChallenge(line: string): Challenge {
  const colon = line.indexOf(':')
  if (colon <= 0) throw violation('AUTHORIZATION_DATA without a method')
  return { method: line.slice(0, colon), text: line.slice(colon + 1) }
}

function encodeStored(credentials: readonly StoredCredential[]): Field[] {
  const [first, ...others] = credentials
  if (first === undefined) return []
  const lines: Field[] = []
  if (first.name !== undefined) lines.push(['CRED_NAME', first.name])
  lines.push(...storedLines('CRED_', first))
  if (others.length === 0) return lines
  lines.push(['ADDL_CREDS', others.map(otherName).join(',')])
  for (const other of others) lines.push(...storedLines(`CRED_${other.name}_`, other))
  return lines
}

function otherName({ name }: StoredCredential): string {
  if (name === undefined || name === '' || name.includes(',')) {
    throw new TypeError('only the first credential of an INFO answer can be without a name')
  }
  return name
}

function storedLines(prefix: string, credential: StoredCredential): Field[] {
  const lines: Field[] = [
    [`${prefix}START_TIME`, String(credential.start)],
    [`${prefix}END_TIME`, String(credential.end)],
    [`${prefix}OWNER`, credential.owner],
  ]
  for (const [field, suffix] of STORED_LINES) {
    const value = credential[field]
    if (value !== undefined) lines.push([`${prefix}${suffix}`, value])
  }
  return lines
}

function parseStored(fields: Fields): StoredCredential[] {
  if (fields.optional('CRED_START_TIME') === undefined) return []
  const names = (fields.optional('ADDL_CREDS') ?? '').split(',').filter((name) => name !== '')
  if (new Set(names).size !== names.length) throw violation('ADDL_CREDS names a credential twice')
  return [
    storedCredential(fields, 'CRED_', fields.optional('CRED_NAME')),
    ...names.map((name) => storedCredential(fields, `CRED_${name}_`, name)),
  ]
}

/** 9999-12-31T23:59:59Z: no certificate lives longer (RFC 5280 §4.1.2.5). */
const LAST_INSTANT = 253_402_300_799

/** What comes after is no date at all, and nothing that shows dates could show it. */
function requiredInstant(fields: Fields, key: string): UnixSeconds {
  const seconds = fields.requiredCount(key)
  if (seconds > LAST_INSTANT) throw violation(`${key} is not a date: ${seconds}`)
  return asUnixSeconds(seconds)
}

function storedCredential(
  fields: Fields,
  prefix: string,
  name: string | undefined,
): StoredCredential {
  const credential: StoredCredential = {
    owner: printable(fields.required(`${prefix}OWNER`)),
    start: requiredInstant(fields, `${prefix}START_TIME`),
    end: requiredInstant(fields, `${prefix}END_TIME`),
  }
  if (name !== undefined && name !== '') credential.name = printable(name)
  for (const [field, suffix] of STORED_LINES) {
    const value = fields.optional(`${prefix}${suffix}`)
    if (value !== undefined) credential[field] = printable(value)
  }
  return credential
}
