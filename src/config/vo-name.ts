/**
 * Names of VOs and of their admins. Both become parts of paths, of unit names and of shell scripts,
 * so whatever could mean anything there is refused before it gets that far.
 */
import { printable, VoboxError } from '../errors.js'

/** Neither an option (`-x`) nor hidden nor a way up. */
const SAFE_NAME = /^[A-Za-z0-9_][-_.A-Za-z0-9]*$/

/** Leaves room for what is added: `VO-box-proxyrenewal` is a file name. */
const LONGEST_NAME = 200

/** Returns `name`, or throws `VO_NAME_INVALID`. */
export function checkVoName(name: string): string {
  return check(name, 'VO', 'VO names hold letters, digits, dots, dashes and underscores')
}

/** Returns the account's `name`, or throws `VO_NAME_INVALID`. */
export function checkAdminName(name: string): string {
  return check(name, 'admin', 'Admin names hold letters, digits, dots, dashes and underscores')
}

function check(name: string, what: 'VO' | 'admin', rule: string): string {
  if (name.length <= LONGEST_NAME && SAFE_NAME.test(name)) return name
  throw new VoboxError('VO_NAME_INVALID', `'${printable(name, 100)}' is no ${what} name`, {
    hint: `${rule}, and start with neither dash nor dot`,
    data: { name, what },
  })
}
