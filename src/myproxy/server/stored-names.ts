/**
 * How the files of a stored credential are named: `<user>.creds`, or `<user>-<name>.creds` for one
 * with a name, and `.data` beside each, as the C server does it.
 *
 * Those names are ambiguous: user `a` with `b-c` and user `a-b` with `c` share one. So a file's
 * name is only where to look; `USERNAME` and `NAME` inside `.data` decide whose it is. Whoever
 * comes second gets a name made of hashes, which nobody else can have.
 */
import { createHash } from 'node:crypto'
import { printable, VoboxError } from '../../errors.js'

/** Longest user or credential name taken, in bytes; a DN of some hundred is common. */
export const MAX_NAME_BYTES = 1024

/** Longest part of a file name made of a name as it is; what is longer is hashed. */
const MAX_PLAIN_BYTES = 100

/**
 * Checks a user name before it reaches a path.
 *
 * @throws `MYPROXY_VALUE_INVALID` when empty, too long, with a leading dot or a control character.
 */
export function checkUserName(username: string): void {
  checkName('user name', username, /[\u0000-\u001f\u007f]/)
}

/**
 * Checks the name of a credential; `,` and `=` would make INFO answers unreadable.
 *
 * @throws `MYPROXY_VALUE_INVALID`.
 */
export function checkCredentialName(name: string): void {
  checkName('credential name', name, /[\u0000-\u001f\u007f,=]/)
}

function checkName(what: string, name: string, forbidden: RegExp): void {
  const bytes = Buffer.byteLength(name)
  const sound = bytes > 0 && bytes <= MAX_NAME_BYTES && !name.startsWith('.')
  if (sound && !forbidden.test(name)) return
  throw new VoboxError('MYPROXY_VALUE_INVALID', `Invalid ${what}: "${printable(name, 80)}"`, {
    data: { what, value: printable(name, 200) },
  })
}

/**
 * Stems (without `.creds`) under which a credential may lie, in the order to look and to store: the
 * C server's, then the unambiguous one. Both start with one of {@link stemPrefixes}.
 */
export function storedStems(username: string, name: string | undefined): [string, string] {
  const plain = plainPart(username)
  const unique = uniquePart(username)
  if (name === undefined) return [plain, unique]
  return [`${plain}-${plainPart(name)}`, `${unique}-${uniquePart(name)}`]
}

/** What the stems of all credentials of a user start with; others may start so as well. */
export function stemPrefixes(username: string): [string, string] {
  return [plainPart(username), uniquePart(username)]
}

/**
 * As it is, or its MD5 where it holds a slash (the C server's rule), is too long for a file, or
 * looks like a {@link uniquePart}.
 */
function plainPart(name: string): string {
  const fits = Buffer.byteLength(name) <= MAX_PLAIN_BYTES && !/^\+|\//.test(name)
  return fits ? name : createHash('md5').update(name).digest('hex')
}

/** `+` keeps it apart from every plain part; the name is in it by its whole SHA-256. */
function uniquePart(name: string): string {
  return `+${createHash('sha256').update(name).digest('hex')}`
}
