/**
 * The plain command lines of `myproxy logon`, for the quick way to it. Pure.
 *
 * Only what people and cron jobs write every day is read here; for anything else (an option of the
 * long way, a value that will not do, two that exclude each other) the whole program is loaded, which
 * says what is wrong. A test compares the table with the options that the command declares.
 */
import { parseDuration } from '../../config/duration.js'
import type { KeyKind } from '../../ports/key-generator.js'
import { compatToolOf } from './compat/compat.js'
import { translate } from './compat/translate.js'
import { type GetoptOption, readOptions } from './getopt.js'

export interface LogonOption extends GetoptOption {
  /** As the command declares it; its letter, if any, comes second. */
  names: readonly [name: string] | readonly [name: string, letter: string]
}

const flag = (...names: LogonOption['names']): LogonOption => ({ names, takesValue: false })
const valued = (...names: LogonOption['names']): LogonOption => ({ names, takesValue: true })

export const QUICK_LOGON_OPTIONS: readonly LogonOption[] = [
  valued('config'),
  valued('pshost', 's'),
  valued('psport', 'p'),
  valued('username', 'l'),
  flag('dn-as-username', 'd'),
  valued('credname', 'k'),
  valued('proxy-lifetime', 't'),
  valued('out', 'o'),
  valued('authorization', 'a'),
  flag('stdin-pass', 'S'),
  valued('pass-phrase-file'),
  valued('pass-phrase-fd'),
  flag('no-passphrase', 'n'),
  flag('no-credentials', 'N'),
  valued('voms', 'm'),
  flag('no-verify'),
  valued('vomsdir'),
  valued('vomses'),
  valued('key-type'),
  flag('quiet', 'q'),
  flag('terse'),
]

/** Ways of authorisation; the command says which go together. */
const AUTHORISING = ['stdin-pass', 'pass-phrase-file', 'pass-phrase-fd', 'no-passphrase'] as const

const KEY_TYPES: Readonly<Record<string, KeyKind>> = {
  rsa2048: 'rsa2048',
  rsa3072: 'rsa3072',
  rsa4096: 'rsa4096',
  p256: 'p256',
}

/** The least lifetime that the command takes, in seconds; 0 is as much as the server gives. */
const LEAST_SECONDS = 60

export interface LogonLine {
  config: string | undefined
  pshost: string | undefined
  psport: number | undefined
  username: string | undefined
  'dn-as-username': boolean
  credname: string | undefined
  lifetimeSeconds: number | undefined
  out: string | undefined
  authorization: string | undefined
  'stdin-pass': boolean
  'pass-phrase-file': string | undefined
  'pass-phrase-fd': number | undefined
  'no-passphrase': boolean
  'no-credentials': boolean
  voms: string[] | undefined
  'no-verify': boolean
  vomsdir: string | undefined
  vomses: string[] | undefined
  'key-type': KeyKind | undefined
  quiet: boolean
  terse: boolean
  /** The C tool in whose place we stand. */
  tool: string | undefined
}

/** Undefined, or a failure, for the long way. */
export function parseLogonLine(words: readonly string[]): LogonLine | undefined {
  const tool = compatToolOf(words)
  const own = tool === undefined ? words : wordsFor(tool, words.slice(1))
  if (own === undefined || own[0] !== 'myproxy' || own[1] !== 'logon') return undefined
  const rules = { program: 'myproxy logon', hint: '', oneDash: true }
  const { given, operands } = readOptions(own.slice(2), QUICK_LOGON_OPTIONS, rules)
  const values = new Map(given.map(({ option, value }) => [option.names[0], value ?? '']))
  const all = (name: string) => {
    const found = given.filter(({ option }) => option.names[0] === name)
    return found.length === 0 ? undefined : found.map(({ value = '' }) => value)
  }
  const authorised = AUTHORISING.filter((name) => values.has(name)).length
  const mixed = values.has('authorization') && authorised > 0 && !values.has('no-passphrase')
  const pointless = values.has('no-verify') && !values.has('voms')
  if (operands.length > 0 || authorised > 1 || mixed || pointless) return undefined
  const line = lineOf(values)
  return line && { ...line, voms: all('voms'), vomses: all('vomses'), tool: tool?.name }
}

function wordsFor(
  tool: NonNullable<ReturnType<typeof compatToolOf>>,
  line: readonly string[],
): readonly string[] | undefined {
  const translation = translate(tool, line)
  return 'words' in translation ? translation.words : undefined
}

/** All but what may be given several times. */
function lineOf(
  values: ReadonlyMap<string, string>,
): Omit<LogonLine, 'voms' | 'vomses' | 'tool'> | undefined {
  const type = values.get('key-type')
  const kind = type === undefined ? undefined : KEY_TYPES[type]
  const lifetime = values.get('proxy-lifetime')
  const lifetimeSeconds = lifetime === undefined ? undefined : parseDuration(lifetime, 'h')
  const psport = numberOf(values.get('psport'), 1, 65_535)
  const descriptor = numberOf(values.get('pass-phrase-fd'), 0, 999_999_999)
  const wrong =
    (type !== undefined && kind === undefined) ||
    (lifetimeSeconds && lifetimeSeconds < LEAST_SECONDS) ||
    Number.isNaN(psport) ||
    Number.isNaN(descriptor)
  if (wrong) return undefined
  return {
    config: values.get('config'),
    pshost: values.get('pshost'),
    psport,
    username: values.get('username'),
    'dn-as-username': values.has('dn-as-username'),
    credname: values.get('credname'),
    lifetimeSeconds,
    out: values.get('out'),
    authorization: values.get('authorization'),
    'stdin-pass': values.has('stdin-pass'),
    'pass-phrase-file': values.get('pass-phrase-file'),
    'pass-phrase-fd': descriptor,
    'no-passphrase': values.has('no-passphrase'),
    'no-credentials': values.has('no-credentials'),
    'no-verify': values.has('no-verify'),
    vomsdir: values.get('vomsdir'),
    'key-type': kind,
    quiet: values.has('quiet'),
    terse: values.has('terse'),
  }
}

/** Absent: absent; not a number: what is no number within these. */
function numberOf(text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  return number >= least && number <= most ? number : Number.NaN
}
