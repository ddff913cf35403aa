/**
 * Which mail addresses are taken: a narrow part of RFC 5321, section 4.1.2, because an address
 * ends up in headers, in an SMTP dialogue and in the argument list of sendmail.
 *
 * `user@host.domain`, or a local name such as `root`. No quoting, no comments, no routes; nothing
 * that begins with a dash (an option), holds `|`, `/` or `!` (a delivery to a program, a file or by
 * a bang path), and no white space or control character at all.
 */
import { printable, VoboxError } from '../errors.js'

/** RFC 5321, section 4.5.3.1: 64 octets before the `@`, 254 in all. */
const MAX_LOCAL_PART = 64
const MAX_ADDRESS = 254
const MAX_ADDRESSES = 10

const LOCAL_PART = /^[A-Za-z0-9_]([A-Za-z0-9_+=~'&#.-]*[A-Za-z0-9_+=~'&#-])?$/
const DOMAIN_LABEL = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/

/**
 * One address as it was written.
 *
 * @throws `MAIL_ADDRESS_INVALID` with `data.address` and `data.reason`.
 */
export function parseMailAddress(text: string): string {
  const reason = whyInvalid(text)
  if (reason === undefined) return text
  const shown = printable(text, 100)
  throw new VoboxError('MAIL_ADDRESS_INVALID', `mail address "${shown}": ${reason}`, {
    data: { address: shown, reason },
    hint: 'Write it as name@host.domain; several are separated by commas',
  })
}

/**
 * Addresses separated by commas, blanks around them ignored: 1 to 10.
 *
 * @throws `MAIL_ADDRESS_INVALID` as {@link parseMailAddress}, and for none or too many.
 */
export function parseMailAddresses(text: string): string[] {
  const addresses = text.split(',').map((part) => parseMailAddress(part.trim()))
  if (addresses.length <= MAX_ADDRESSES) return addresses
  throw new VoboxError('MAIL_ADDRESS_INVALID', `${addresses.length} mail addresses are too many`, {
    data: { reason: 'too many', count: addresses.length },
    hint: `Give at most ${MAX_ADDRESSES}, or the address of a mailing list`,
  })
}

function whyInvalid(text: string): string | undefined {
  if (text === '') return 'it is empty'
  if (text.length > MAX_ADDRESS) return `it is longer than ${MAX_ADDRESS} characters`
  const [local = '', domain, ...more] = text.split('@')
  if (more.length > 0) return 'there is more than one @'
  if (local.length > MAX_LOCAL_PART) return `the name is longer than ${MAX_LOCAL_PART} characters`
  if (!LOCAL_PART.test(local) || local.includes('..')) return 'the name has characters not taken'
  if (domain === undefined) return undefined
  return domain.split('.').every((label) => DOMAIN_LABEL.test(label))
    ? undefined
    : 'what follows the @ is not a host name'
}
