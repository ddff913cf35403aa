/**
 * The words behind a directive, read more strictly than the C server does: its `atoi` makes 0 of
 * `x` and 12 of `12h`, and any word but five is `false`. Where nobody can have meant that, it is a
 * failure. Each reader throws a {@link ValueProblem}, to which the caller adds file and line.
 */
import { isVoboxError, printable } from '../../../errors.js'
import { DEFAULT_MYPROXY_PORT, type MyProxyServer, parseServerList } from '../../server-list.js'
import { isDnPattern, OF_ATTRIBUTES } from '../policy/dn-pattern.js'
import { ISSUER_HASHES, SYSLOG_FACILITIES, type SyslogFacility } from './server-config.js'

/** What is wrong with a value, as the end of a sentence that begins with its directive. */
export class ValueProblem extends Error {
  readonly hint: string

  constructor(problem: string, hint: string) {
    super(problem)
    this.hint = hint
  }
}

/** Whatever can be said about a bad value without saying more of it than fits on a line. */
function unlike(word: string, what: string, hint: string): ValueProblem {
  return new ValueProblem(`is "${printable(word, 100)}", and not ${what}`, hint)
}

const SECONDS_PER_HOUR = 3600
/** Beyond these the C server's 32 bits run over. */
const MAX_HOURS = 596_523
const MAX_INTEGER = 2_147_483_647

const TRUE = ['true', 'yes', 'on', 'enabled', '1']
const FALSE = ['false', 'no', 'off', 'disabled', '0']

export function readBoolean(word: string): boolean {
  const lower = word.toLowerCase()
  if (TRUE.includes(lower)) return true
  if (FALSE.includes(lower)) return false
  throw unlike(word, 'true or false', 'Write true or false')
}

/** Hours in the file, seconds for us; 0 has a meaning of its own in each directive. */
export function readHours(word: string): number {
  return readCount(word, 0, MAX_HOURS) * SECONDS_PER_HOUR
}

export function readCount(word: string, min = 0, max = MAX_INTEGER): number {
  const number = /^[0-9]{1,10}$/.test(word) ? Number(word) : Number.NaN
  if (number >= min && number <= max) return number
  const range = `a whole number from ${min} to ${max}`
  throw unlike(word, range, `Write ${range}, and no unit`)
}

/** In seconds; 0 is the C server's default, a negative number no limit. */
export function readTimeout(word: string): number {
  if (/^-[0-9]{1,10}$/.test(word)) return Number.POSITIVE_INFINITY
  return readCount(word) || 120
}

/** In bytes; 0 or a negative number is no limit. */
export function readSizeLimit(word: string): number {
  if (/^-[0-9]{1,10}$/.test(word)) return Number.POSITIVE_INFINITY
  return readCount(word) || Number.POSITIVE_INFINITY
}

export function readPath(word: string): string {
  if (word.startsWith('/')) return word
  throw unlike(word, 'an absolute path', 'Write the full path')
}

/** A secret is never shown. */
export function readSecret(word: string): string {
  if (word !== '') return word
  throw new ValueProblem('is empty', 'Leave the line away when the key has no pass phrase')
}

export function readText(word: string): string {
  if (word !== '' && word === printable(word, 256)) return word
  throw unlike(word, 'a text of 1 to 256 letters', 'Write another one, or leave the line away')
}

/** A domain name, as the right half of an e-mail address. */
export function readDomain(word: string): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(word)) return word
  throw unlike(word, 'a domain name', 'Write what stands behind the @, such as example.org')
}

export function readHash(word: string): (typeof ISSUER_HASHES)[number] {
  const lower = word.toLowerCase()
  const hash = ISSUER_HASHES.find((name) => name === lower)
  if (hash !== undefined) return hash
  throw unlike(word, ISSUER_HASHES.join(', '), 'Certificates signed with less are not accepted')
}

/** Numbers of {@link SYSLOG_FACILITIES} in `syslog.h`, which leaves 12 to 15 without a name. */
const facilityNumber = (index: number) => (index < 12 ? index : index + 4) * 8

/**
 * By name, in any case, or by the number that `syslog.h` gives it, which is what the C server takes:
 * 24 for `daemon`. Others, for which it would take another facility, are refused.
 */
export function readFacility(word: string): SyslogFacility {
  const lower = word.toLowerCase()
  const name = lower === 'security' ? 'auth' : lower
  const number = /^[0-9]{1,3}$/.test(word) ? Number(word) : undefined
  const found = SYSLOG_FACILITIES.find(
    (facility, index) => facility === name || (index > 0 && facilityNumber(index) === number),
  )
  if (found !== undefined) return found
  throw unlike(word, 'a facility of syslog', `Write one of ${SYSLOG_FACILITIES.join(', ')}`)
}

/** @throws ValueProblem for what could match nobody, in particular what is no expression. */
export function readPatterns(words: readonly string[]): readonly string[] {
  for (const word of words) {
    if (OF_ATTRIBUTES.test(word)) {
      const problem = `has "${printable(word, 100)}": VOMS attributes are not looked at`
      throw new ValueProblem(problem, 'Write the DNs of those who are meant')
    }
    if (!isDnPattern(word)) {
      throw unlike(
        word,
        'an expression',
        'man vobox-myproxy-server.config, EXPRESSIONS; escape ( ) [ ] { } | + with a backslash',
      )
    }
  }
  return words
}

/** `host:port;host` in one or more words. */
export function readServers(words: readonly string[]): readonly MyProxyServer[] {
  const entries = words.flatMap((word) => word.split(';')).filter((entry) => entry !== '')
  const [comma] = entries.filter((entry) => entry.includes(','))
  if (comma !== undefined) throw unlike(comma, 'a server', 'Divide servers by semicolons')
  try {
    return parseServerList(entries, DEFAULT_MYPROXY_PORT)
  } catch (error) {
    if (!isVoboxError(error, 'SERVER_LIST_INVALID')) throw error
    throw new ValueProblem(`is no list of servers: ${error.message}`, 'Write HOST:PORT;HOST:PORT')
  }
}
