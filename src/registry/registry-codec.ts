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
 *
 * Version 2 is version 1 with `passPhraseFile`. A program that knows version 1 alone would leave that
 * out without a word and ask the server for what it refuses, so it must not read such a file; every
 * other file stays version 1, and a site that does not use it can go back to an older program.
 */
import { VoboxError } from '../errors.js'
import type { Registration } from './registration.js'
import { checkRegistration } from './registration-schema.js'

/** All that are read, the newest last. */
export const REGISTRY_VERSIONS = [1, 2] as const

const [PLAIN, WITH_PASS_PHRASE_FILES] = REGISTRY_VERSIONS

/**
 * Everything in the file, understood or not: an entry that we do not understand is kept as it is.
 */
export type RegistryEntries = ReadonlyMap<string, unknown>

/** An entry that is no registration, and why. */
export interface InvalidEntry {
  fileName: string
  problem: string
}

const headOf = (version: number) => `{"version":${version},"registrations":{\n`
const HEADS = REGISTRY_VERSIONS.map((version) => Buffer.from(headOf(version)))
const TAIL = '}}\n'

export function encodeRegistry(entries: RegistryEntries): Buffer {
  const lines = Array.from(
    entries,
    ([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`,
  )
  const head = headOf(versionFor(entries))
  return Buffer.from(`${head}${lines.join(',\n')}${lines.length > 0 ? '\n' : ''}${TAIL}`)
}

/** The oldest version that can say all of it. */
function versionFor(entries: RegistryEntries): number {
  for (const entry of entries.values()) {
    if (isObject(entry) && entry.passPhraseFile !== undefined) return WITH_PASS_PHRASE_FILES
  }
  return PLAIN
}

/** Whether the text begins and ends as {@link encodeRegistry} writes it. */
export function isPlainLayout(bytes: Buffer): boolean {
  return (
    HEADS.some((head) => bytes.subarray(0, head.length).equals(head)) &&
    bytes.subarray(-TAIL.length).equals(Buffer.from(TAIL))
  )
}

/**
 * Entries of a registry of a version that we know. Throws `REGISTRY_VERSION_UNKNOWN` for one that a newer
 * program wrote and `REGISTRY_MALFORMED` for anything that is no registry.
 */
export function parseRegistry(bytes: Uint8Array, path: string): RegistryEntries {
  const { version, registrations } = parseJsonObject(bytes, path)
  const newest = Math.max(...REGISTRY_VERSIONS)
  if (typeof version === 'number' && version > newest) {
    throw new VoboxError(
      'REGISTRY_VERSION_UNKNOWN',
      `${path} has version ${version}; this program knows version ${newest}`,
      { hint: 'Use the newer vobox-proxy that wrote it', data: { path, version } },
    )
  }
  if (!REGISTRY_VERSIONS.some((one) => one === version)) throw malformed(path, 'it has no version')
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
