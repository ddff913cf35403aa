/**
 * The text of `registry.json`: JSON, one registration a line, so that a person can read it, `diff`
 * shows what changed, and one registration can be found without parsing the others.
 *
 *     {"version":1,"registrations":{
 *     "FILE NAME":{"fileName":"FILE NAME","identity":"…",…},
 *     "FILE NAME":{…}
 *     }}
 *
 * White space carries no meaning: a file that was edited by hand is read all the same.
 */
import { VoboxError } from '../errors.js'
import type { Registration } from './registration.js'
import { checkRegistration } from './registration-schema.js'

export const REGISTRY_VERSION = 1

/**
 * Everything in the file, understood or not: an entry that we do not understand is kept as it is.
 */
export type RegistryEntries = ReadonlyMap<string, unknown>

/** An entry that is no registration, and why. */
export interface InvalidEntry {
  fileName: string
  problem: string
}

const HEAD = `{"version":${REGISTRY_VERSION},"registrations":{\n`
const TAIL = '}}\n'

export function encodeRegistry(entries: RegistryEntries): Buffer {
  const lines = Array.from(
    entries,
    ([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`,
  )
  return Buffer.from(`${HEAD}${lines.join(',\n')}${lines.length > 0 ? '\n' : ''}${TAIL}`)
}

/** Whether the text begins and ends as {@link encodeRegistry} writes it. */
export function isPlainLayout(bytes: Buffer): boolean {
  return (
    bytes.subarray(0, HEAD.length).equals(Buffer.from(HEAD)) &&
    bytes.subarray(-TAIL.length).equals(Buffer.from(TAIL))
  )
}

/**
 * Entries of a registry of our version. Throws `REGISTRY_VERSION_UNKNOWN` for one that a newer
 * program wrote and `REGISTRY_MALFORMED` for anything that is no registry.
 */
export function parseRegistry(bytes: Uint8Array, path: string): RegistryEntries {
  const { version, registrations } = parseJsonObject(bytes, path)
  if (typeof version === 'number' && version > REGISTRY_VERSION) {
    throw new VoboxError(
      'REGISTRY_VERSION_UNKNOWN',
      `${path} has version ${version}; this program knows version ${REGISTRY_VERSION}`,
      { hint: 'Use the newer vobox-proxy that wrote it', data: { path, version } },
    )
  }
  if (version !== REGISTRY_VERSION) throw malformed(path, 'it has no version')
  if (!isObject(registrations)) throw malformed(path, 'it has no registrations')
  return new Map(Object.entries(registrations))
}

/** The valid registrations among the entries, and what is wrong with each of the others. */
export function checkEntries(entries: RegistryEntries): {
  registrations: ReadonlyMap<string, Registration>
  invalid: readonly InvalidEntry[]
} {
  const registrations = new Map<string, Registration>()
  const invalid: InvalidEntry[] = []
  for (const [fileName, entry] of entries) {
    const checked = checkRegistration(fileName, entry)
    if ('value' in checked) registrations.set(fileName, checked.value)
    else invalid.push({ fileName, problem: checked.problem })
  }
  return { registrations, invalid }
}

function parseJsonObject(bytes: Uint8Array, path: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    // The parser's own message quotes the content; which may be of any length and kind.
    throw malformed(path, 'it is not JSON in UTF-8', error)
  }
  if (!isObject(value)) throw malformed(path, 'it is not a JSON object')
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(path: string, why: string, cause?: unknown): VoboxError {
  return new VoboxError('REGISTRY_MALFORMED', `${path} is damaged: ${why}`, {
    data: { path, why },
    cause,
  })
}
