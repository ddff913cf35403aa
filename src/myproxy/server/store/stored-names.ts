/**
 * How the files of a stored credential are named: `<user>.creds`, or `<user>-<name>.creds` for one
 * with a name, and `.data` beside each, as the C server does it.
 *
 * Those names are ambiguous: user `a` with `b-c` and user `a-b` with `c` share one. So a file's
 * name is only where to look; `USERNAME` and `NAME` inside `.data` decide whose it is. Whoever
 * comes second gets a name made of hashes, which nobody else can have.
 *
 * C programs cannot find what lies there, and `myproxy-admin-query --remove` would take the files
 * of the first comer for it. So its data is not called `.data`, by which they list what there is.
 */
import { createHash } from 'node:crypto'
import { printable, VoboxError } from '../../../errors.js'

/** Longest user or credential name taken, in bytes; a DN of some hundred is common. */
export const MAX_NAME_BYTES = 1024

/**
 * Longest part of a file name made of a name as it is, in bytes; what is longer is hashed. Found by
 * storing names of every length with the C server 6.2.14.
 */
const MAX_PLAIN_BYTES = 80

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

/**
 * Where the C server keeps a credential that was stored with an empty name (`-k ''`): for us the
 * default one, if there is none without a name.
 */
export function emptyNameStem(username: string): string {
  return `${plainPart(username)}-`
}

/** Whether a stem is of the second, unambiguous kind, which no C program can make out. */
export function isUniqueStem(stem: string): boolean {
  return UNIQUE_START.test(stem)
}

/** What the stems of all credentials of a user start with; others may start so as well. */
export function stemPrefixes(username: string): [string, string] {
  return [plainPart(username), uniquePart(username)]
}

const UNIQUE_START = /^\+[0-9a-f]{64}/

/**
 * As the C server does it: the name as it is, with a dash for a leading dot, or its MD5 where it
 * holds a slash or is long. One that looks like a {@link uniquePart} is hashed too.
 */
function plainPart(name: string): string {
  const fits = Buffer.byteLength(name) <= MAX_PLAIN_BYTES && !name.includes('/')
  if (!fits || UNIQUE_START.test(name)) return createHash('md5').update(name).digest('hex')
  return name.replace(/^\./, '-')
}

/** `+` and the whole SHA-256 keep it apart from every plain part. */
function uniquePart(name: string): string {
  return `+${createHash('sha256').update(name).digest('hex')}`
}
