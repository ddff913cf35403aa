/**
 * The subject of an issued certificate, from the one line that a mapfile or a program gives.
 *
 * The one place where a name is made of such a text, since the administrator writes it so. The form
 * is ambiguous; what could be read in two ways is refused, and the C server, which guesses, issues
 * what nobody meant. String types are chosen as it chooses them, so that whoever changes servers
 * keeps the same bytes.
 */
import { attributeType } from '../../../asn1/attribute-types.js'
import { printable, VoboxError } from '../../../errors.js'
import { type AttributeText, buildName, type Name } from '../../../x509/name.js'
import type { TextEncoding } from '../../../x509/name-text.js'

/** Names that Globus takes beside the short ones of OpenSSL, in lower case. */
const LONG_NAMES: Readonly<Record<string, string>> = {
  commonname: 'CN',
  countryname: 'C',
  localityname: 'L',
  stateorprovincename: 'ST',
  organizationname: 'O',
  organizationalunitname: 'OU',
  domaincomponent: 'DC',
  userid: 'UID',
  surname: 'SN',
  givenname: 'GN',
}

const SHORT_NAMES = [
  ...['CN', 'C', 'L', 'ST', 'O', 'OU', 'DC', 'UID', 'SN', 'GN', 'emailAddress', 'serialNumber'],
  ...['street', 'title', 'initials', 'description', 'postalCode', 'unstructuredName'],
  ...['dnQualifier', 'pseudonym', 'generationQualifier'],
]

const TYPES: ReadonlyMap<string, string> = new Map([
  ...SHORT_NAMES.filter((name) => attributeType(name) !== undefined).map(
    (name) => [name.toLowerCase(), name] as const,
  ),
  ...Object.entries(LONG_NAMES),
])

const MAX_LENGTH = 1024

/**
 * @throws `CONFIG_INVALID` with `data.dn` for what is no name, or not one name only.
 */
export function subjectFromOneLine(text: string): Name {
  const fail = (problem: string) =>
    new VoboxError('CONFIG_INVALID', `"${printable(text, 300)}" ${problem}`, {
      hint: 'Map to a DN as /DC=org/DC=example/CN=Some Name, without =, + or \\ in its values',
      data: { dn: printable(text) },
    })
  if (text.length > MAX_LENGTH) throw fail(`has more than ${MAX_LENGTH} characters`)
  if (!text.startsWith('/')) throw fail('is no subject: it does not begin with a slash')
  // A slash that no "TYPE=" follows, as in CN=host/node.example.org, is part of a value.
  const parts = text.slice(1).split(/(?<!\\)\/(?=[A-Za-z0-9.]+=)/)
  const attributes = parts.map((part) => {
    const equals = part.indexOf('=')
    const type = TYPES.get(part.slice(0, Math.max(0, equals)).toLowerCase())
    if (type === undefined) throw fail(`has "${printable(part, 60)}", whose type is not known`)
    const value = unescaped(part.slice(equals + 1))
    if (value === undefined) throw fail('has a value that can be read in two ways')
    if (value === '') throw fail(`has an empty ${type}`)
    return attributeOf(type, value)
  })
  return buildName(attributes)
}

/** What OpenSSL escapes in this form: a slash, a plus, and bytes that are not ASCII. */
function unescaped(value: string): string | undefined {
  const bare = value.replace(/\\(?:[/+]|x[0-9A-Fa-f]{2})/g, '')
  if (/[\\=\ufffd]/.test(bare)) return undefined
  const bytes = Buffer.from(value, 'utf8').toString('latin1')
  const plain = bytes.replace(/\\(?:([/+])|x([0-9A-Fa-f]{2}))/g, (_all, sign, hex) =>
    hex === undefined ? sign : String.fromCharCode(Number.parseInt(hex, 16)),
  )
  try {
    const decoded = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(plain, 'latin1'))
    return /\p{Cc}/u.test(decoded) ? undefined : decoded
  } catch {
    return undefined
  }
}

/** PrintableString, X.680 §41.4. */
const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/
const ASCII = /^[\x00-\x7f]*$/

/**
 * As the C server has OpenSSL choose, except that what is not ASCII is UTF-8 and not T61, which no
 * two programs read alike.
 */
function attributeOf(type: string, value: string): AttributeText {
  return [type, value, encodingOf(type, value)]
}

function encodingOf(type: string, value: string): TextEncoding {
  if (!ASCII.test(value)) return 'utf8'
  if (type === 'DC' || type === 'emailAddress') return 'ia5'
  return PRINTABLE.test(value) ? 'printable' : 'ia5'
}
