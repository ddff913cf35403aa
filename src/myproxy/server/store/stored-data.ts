/**
 * The `.data` file that stands beside each stored key: `KEY=value` lines up to `END_OPTIONS`, as
 * the C server writes them (its `REPOSITORY` document).
 *
 * Our one addition stands *after* `END_OPTIONS`, where the C server has stopped reading: the
 * SHA-256 of the `.creds` file. Two files cannot be replaced in one step; with it a reader knows
 * whether the two that it found belong together.
 */
import { printable, VoboxError } from '../../../errors.js'
import type { CredentialPolicy } from '../policy/policy.js'

/** What is known about a stored credential besides its key and chain. */
export interface StoredData extends CredentialPolicy {
  username: string
  /** Absent for the default credential. */
  name?: string
  /** Identity DN of whoever stored it, in one-line form. */
  owner: string
  /** Longest proxy delegated from it, in seconds (`myproxy-init -t`); 0: no limit of its own. */
  lifetimeSeconds: number
  description?: string
  /**
   * A hash that some C servers wrote beside an unencrypted key; crypt(3), which we do not compute.
   */
  passPhraseHash?: string
  /** SHA-256 of the `.creds` file, in hex; absent in files of the C server. */
  fingerprint?: string
}

type TextKey = Exclude<keyof StoredData, 'lifetimeSeconds' | 'fingerprint'>

/** Lines in the order of the C server. */
const DATA_LINES: readonly (readonly [field: TextKey, key: string])[] = [
  ['owner', 'OWNER'],
  ['passPhraseHash', 'PASSPHRASE'],
  ['name', 'NAME'],
  ['description', 'DESCRIPTION'],
  ['retriever', 'RETRIEVERS'],
  ['keyRetriever', 'KEYRETRIEVERS'],
  ['trustedRetriever', 'TRUSTED_RETRIEVERS'],
  ['renewer', 'RENEWERS'],
  ['username', 'USERNAME'],
]

const LIFETIME = 'LIFETIME'
const END = 'END_OPTIONS'
const FINGERPRINT = 'CREDS_SHA256'
const KNOWN_KEYS = new Set([LIFETIME, ...DATA_LINES.map(([, key]) => key)])

/** @throws `MYPROXY_VALUE_INVALID` for a value with a line break or NUL, which could add a line. */
export function encodeStoredData(data: StoredData): Buffer {
  const lines = [`${LIFETIME}=${data.lifetimeSeconds}`]
  for (const [field, key] of DATA_LINES) {
    const value = data[field]
    if (value === undefined) continue
    if (/[\r\n\0]/.test(value)) {
      throw new VoboxError('MYPROXY_VALUE_INVALID', `${key} must not hold a line break or NUL`, {
        data: { key, value: printable(value, 200) },
      })
    }
    lines.push(`${key}=${value}`)
  }
  lines.push(END)
  if (data.fingerprint !== undefined) lines.push(`${FINGERPRINT}=${data.fingerprint}`)
  return Buffer.from(`${lines.join('\n')}\n`, 'utf8')
}

/**
 * Everything that {@link encodeStoredData} writes must be readable here: whoever can store what
 * cannot be read takes the file's name from all others who would have the same.
 *
 * Old C servers wrote neither `USERNAME` nor always `LIFETIME`; then the name of the file says
 * whose it is, and the lifetime has no limit of its own.
 *
 * @param stem name of the file without `.data`; absent: `USERNAME` must be inside.
 * @throws `MYPROXY_STORE_MALFORMED` for anything that is not whole or not known: half a policy is
 *   none. The C server refuses an unknown line too.
 */
export function parseStoredData(bytes: Uint8Array, stem = ''): StoredData {
  const lines = decodeText(bytes).split('\n')
  const end = lines.indexOf(END)
  const whole = end !== -1 && end === lines.lastIndexOf(END) && end < lines.length - 1
  if (!whole) throw malformed(END)
  const values = readLines(lines.slice(0, end))
  for (const key of values.keys()) if (!KNOWN_KEYS.has(key)) throw malformed(key)
  const lifetime = values.get(LIFETIME) ?? '0'
  if (!/^\d{1,15}$/.test(lifetime)) throw malformed(LIFETIME)
  const data: StoredData = {
    username: values.get('USERNAME') ?? usernameFrom(stem, values.get('NAME')),
    owner: values.get('OWNER') ?? '',
    lifetimeSeconds: Number(lifetime),
  }
  for (const [field, key] of DATA_LINES) {
    const value = values.get(key)
    if (value !== undefined) data[field] = value
  }
  // What the C server stores for `-k ''`.
  if (data.name === '') delete data.name
  if (data.username === '') throw malformed('USERNAME')
  if (data.owner === '') throw malformed('OWNER')
  const fingerprint = readLines(lines.slice(end + 1)).get(FINGERPRINT)
  if (fingerprint !== undefined) data.fingerprint = fingerprint
  return data
}

function usernameFrom(stem: string, name: string | undefined): string {
  const ending = name === undefined ? '' : `-${name}`
  return stem.endsWith(ending) ? stem.slice(0, stem.length - ending.length) : ''
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw malformed('text', cause)
  }
}

/** A key that stands twice is refused: nobody could say which one counts. */
function readLines(lines: readonly string[]): Map<string, string> {
  const values = new Map<string, string>()
  for (const line of lines) {
    if (line === '') continue
    const equals = line.indexOf('=')
    if (equals <= 0) throw malformed(line)
    const key = line.slice(0, equals)
    if (values.has(key)) throw malformed(key)
    values.set(key, line.slice(equals + 1))
  }
  return values
}

function malformed(what: string, cause?: unknown): VoboxError {
  const shown = printable(what, 80)
  return new VoboxError('MYPROXY_STORE_MALFORMED', `a stored credential has no sound ${shown}`, {
    data: { what: shown },
    cause,
  })
}
