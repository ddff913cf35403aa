/**
 * The name of a user proxy's file. Sites have such names hard-coded in their scripts, so the rules
 * below may never change.
 */
import { createHash } from 'node:crypto'
import { printable, VoboxError } from '../errors.js'

/** Longer encoded names are cut; a directory entry holds 255 bytes. */
const LONGEST_NAME = 230

/**
 * What is kept of a long name at either end; the end carries the role that callers' globs match.
 */
const KEPT_BYTES = 100

/** Stands for what was cut out: three encoded dots. */
const ELLIPSIS = '+2e+2e+2e'

/** Digits of the digest that keeps two long names apart. */
const DIGEST_DIGITS = 8

/** Every name that {@link proxyFileName} makes, and nothing that could leave the directory. */
const SAFE_NAME = /^[A-Za-z0-9+_-][A-Za-z0-9+._-]*$/

/**
 * @param identity the identity DN in OpenSSL's one-line form.
 * @param voms the registered `VO` or `VO:FQAN` values, of which the first counts; none: a proxy
 *   without VOMS attributes.
 */
export function proxyFileName(
  identity: string,
  voms: string | readonly string[] | undefined,
): string {
  const first = typeof voms === 'string' ? voms : voms?.[0]
  const suffix = first === undefined ? '/CN=proxy' : `/CN=proxy-voms ${first}`
  return shorten(encodeName(identity + suffix))
}

/** Each UTF-8 byte outside `A-Za-z0-9._-` becomes `+` and two lower-case hexadecimal digits. */
export function encodeName(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]/gu, (character) =>
    Array.from(Buffer.from(character), (byte) => `+${byte.toString(16).padStart(2, '0')}`).join(''),
  )
}

function shorten(name: string): string {
  if (name.length <= LONGEST_NAME) return name
  const digest = createHash('sha256').update(name).digest('hex').slice(0, DIGEST_DIGITS)
  return name.slice(0, KEPT_BYTES) + ELLIPSIS + digest + name.slice(-KEPT_BYTES)
}

/** Whether `name` is a single path component that no temporary, lock or hidden file could have. */
export function isFileName(name: string): boolean {
  return name.length <= 255 && SAFE_NAME.test(name)
}

/** Returns `name`, or throws `FILE_UNSAFE` unless {@link isFileName}. */
export function checkFileName(name: string): string {
  if (isFileName(name)) return name
  throw new VoboxError('FILE_UNSAFE', `'${printable(name, 300)}' is not a name of a proxy file`, {
    data: { name, reason: 'name' },
  })
}
