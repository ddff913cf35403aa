/**
 * Requests of the MyProxy protocol, for client and server: bytes in, values out.
 *
 * One table maps each field to its line, so that both directions cannot differ.
 */
import {
  encodeFields,
  type Field,
  MAX_REQUEST_BYTES,
  PROTOCOL_VERSION,
  parseFields,
  violation,
} from './text-message.js'

/** Commands by their number on the wire. */
export const COMMANDS = [
  'get',
  'put',
  'info',
  'destroy',
  'change-pass-phrase',
  'store',
  'retrieve',
  'get-trust-roots',
] as const

export type MyProxyCommand = (typeof COMMANDS)[number]

export interface MyProxyRequest {
  command: MyProxyCommand
  username: string
  /** Empty for renewal, INFO and a credential stored without one (`-n`). */
  passPhrase: string
  /** Lifetime asked for (GET) or cap on later delegations (PUT); 0: the server's maximum. */
  lifetimeSeconds: number
  newPassPhrase?: string
  credentialName?: string
  credentialDescription?: string
  /** DN patterns (`*` and `?`, or a regular expression, as the server is configured). */
  retriever?: string
  renewer?: string
  trustedRetriever?: string
  keyRetriever?: string
  /** `1` asks for the server's trusted certificates with the response. */
  trustedCertificates?: string
  /** VOMS attributes to ask for: a VO, or a VO, a colon and an FQAN. */
  voNames?: readonly string[]
  /** `vomses` lines, instead of those that the server knows. */
  vomses?: readonly string[]
}

type ListKey = 'voNames' | 'vomses'

type TextKey = Exclude<keyof MyProxyRequest, 'command' | 'lifetimeSeconds' | ListKey>

/** Sent byte for byte as it is; text is sent as UTF-8. Never part of an error or a log. */
export type PassPhrase = string | Uint8Array

type SecretKey = 'passPhrase' | 'newPassPhrase'

/** A request on its way out: pass phrases may be bytes that are no text. */
export type OutgoingRequest = Omit<MyProxyRequest, SecretKey> & {
  passPhrase: PassPhrase
  newPassPhrase?: PassPhrase
}

/**
 * Who may do what with a stored credential: patterns of DNs, as the server is configured to read
 * them. What is absent is decided by the server's defaults.
 */
export interface AccessPolicies {
  /** Who may fetch a proxy with the pass phrase. */
  retriever?: string | undefined
  /** Who may renew. */
  renewer?: string | undefined
  /** Who may fetch a proxy without a pass phrase. */
  trustedRetriever?: string | undefined
  /** Who may fetch the key itself. */
  keyRetriever?: string | undefined
}

/** Lines of a request in the order in which the C client writes them. */
const REQUEST_LINES: readonly (readonly [field: TextKey, key: string])[] = [
  ['username', 'USERNAME'],
  ['passPhrase', 'PASSPHRASE'],
  ['newPassPhrase', 'NEW_PHRASE'],
  ['retriever', 'RETRIEVER'],
  ['renewer', 'RENEWER'],
  ['credentialName', 'CRED_NAME'],
  ['credentialDescription', 'CRED_DESC'],
  ['keyRetriever', 'KEYRETRIEVERS'],
  ['trustedRetriever', 'RETRIEVER_TRUSTED'],
  ['trustedCertificates', 'TRUSTED_CERTS'],
]

/** Lines that may stand more than once. */
const REPEATED_LINES: readonly (readonly [field: ListKey, key: string])[] = [
  ['voNames', 'VONAME'],
  ['vomses', 'VOMSES'],
]

/** @throws `MYPROXY_VALUE_INVALID`, `MESSAGE_TOO_LARGE`. */
export function encodeRequest(request: OutgoingRequest): Buffer {
  if (!Number.isSafeInteger(request.lifetimeSeconds) || request.lifetimeSeconds < 0) {
    throw new TypeError('lifetimeSeconds must be a whole number of 0 or more')
  }
  const lines: Field[] = [
    ['VERSION', PROTOCOL_VERSION],
    ['COMMAND', String(COMMANDS.indexOf(request.command))],
  ]
  for (const [field, key] of REQUEST_LINES) {
    const value = request[field]
    if (value !== undefined) lines.push([key, value])
  }
  for (const [field, key] of REPEATED_LINES) {
    for (const value of request[field] ?? []) lines.push([key, value])
  }
  lines.push(['LIFETIME', String(request.lifetimeSeconds)])
  return encodeFields(lines, MAX_REQUEST_BYTES)
}

/**
 * Reads a request, for a server. The leading `0` byte of the transport is not part of it.
 *
 * @throws `PROTOCOL_VIOLATION`, `MESSAGE_TOO_LARGE`.
 */
export function parseRequest(message: Uint8Array): MyProxyRequest {
  const fields = parseFields(message, MAX_REQUEST_BYTES, 'strict')
  const number = fields.requiredCount('COMMAND')
  const command = COMMANDS[number]
  if (command === undefined) throw violation(`unknown command ${number}`, { command: number })
  const request: MyProxyRequest = {
    command,
    username: '',
    passPhrase: '',
    lifetimeSeconds:
      fields.optional('LIFETIME') === undefined ? 0 : fields.requiredCount('LIFETIME'),
  }
  for (const [field, key] of REQUEST_LINES) {
    const value = fields.optional(key)
    if (value !== undefined) request[field] = value
  }
  for (const [field, key] of REPEATED_LINES) {
    const values = fields.all(key).filter((value) => value !== '')
    if (values.length > 0) request[field] = values
  }
  return request
}
