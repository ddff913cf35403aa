/**
 * Finding a few registrations in `registry.json` without parsing the others: what `query` and its
 * kin ask for is one line among thousands, and they are called in loops.
 */
import type { Registration } from './registration.js'
import { checkRegistration } from './registration-schema.js'
import { isPlainLayout } from './registry-codec.js'

/** One of the fields by which callers know a registration, with its value. */
export type RegistrationKey =
  | { identity: string }
  /** DER in base64. */
  | { identityDer: string }
  | { fileName: string }

/**
 * All registrations with that value, in the order of the file.
 *
 * Undefined when the file is not as this program writes it, or a line that matches is not valid:
 * then only the registry itself can tell, which also says what is wrong.
 */
export function findRegistrations(bytes: Buffer, key: RegistrationKey): Registration[] | undefined {
  if (!isPlainLayout(bytes)) return undefined
  const [[field, value] = ['', '']] = Object.entries(key)
  // Inside a string the quotes would be escaped, so this is found as a member and nowhere else.
  const needle = Buffer.from(`${JSON.stringify(field)}:${JSON.stringify(value)}`)
  const found: Registration[] = []
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at)) {
    const end = bytes.indexOf('\n', at)
    const registration = parseLine(bytes.toString('utf8', bytes.lastIndexOf('\n', at) + 1, end))
    if (registration === undefined) return undefined
    if (registration[field as keyof Registration] === value) found.push(registration)
    at = end
  }
  return found
}

/** `"NAME":{…}` with a comma after it on all lines but the last. */
function parseLine(line: string): Registration | undefined {
  try {
    const [entry] = Object.entries(JSON.parse(`{${line.replace(/,$/, '')}}`))
    if (entry === undefined) return undefined
    const checked = checkRegistration(entry[0], entry[1])
    return 'value' in checked ? checked.value : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
