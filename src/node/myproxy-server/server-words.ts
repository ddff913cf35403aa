/** The options of `myproxy-server(8)` as its command line has them, getopt_long(3). Pure. */
import { printable, VoboxError } from '../../errors.js'
import { readOptions } from '../cli/getopt.js'
import type { GivenServerOptions } from './server-options.js'

/** What a line asks for. */
export type ServerLine = { asksFor: 'help' | 'version' } | { given: GivenServerOptions }

interface ServerOption {
  name: keyof GivenServerOptions | 'help' | 'version'
  names: readonly string[]
  takesValue: boolean
  /** What stands for its value in the usage. */
  value?: string
  help: string
}

export const SERVER_OPTIONS: readonly ServerOption[] = [
  option('help', ['help', 'h', 'usage', 'u'], 'show this and end'),
  option('version', ['version', 'V'], 'show the version and end'),
  option('verbose', ['verbose', 'v'], 'log more'),
  option('debug', ['debug', 'd'], 'stay in the foreground and log to the terminal'),
  valued('config', ['config', 'c'], 'FILE', 'configuration [/etc/myproxy-server.config]'),
  valued('listen', ['listen', 'l'], 'HOST', 'listen on this name or address alone'),
  valued('port', ['port', 'p'], 'PORT', 'port [7512, MYPROXY_SERVER_PORT]; 0: a free one'),
  valued('pidfile', ['pidfile', 'P'], 'FILE', 'write the process id there'),
  valued('portfile', ['portfile', 'z'], 'FILE', 'write the port there'),
  valued('storage', ['storage', 's'], 'DIR', 'directory of the credentials [/var/lib/myproxy]'),
]

function option(name: ServerOption['name'], names: string[], help: string): ServerOption {
  return { name, names, takesValue: false, help }
}

function valued(
  name: ServerOption['name'],
  names: string[],
  value: string,
  help: string,
): ServerOption {
  return { name, names, takesValue: true, value, help }
}

/**
 * @param ours with long names behind one dash too, as every command of `vobox-proxy` takes them.
 * @throws VoboxError `USAGE` for what the C server does not know either.
 */
export function parseServerLine(
  words: readonly string[],
  program: string,
  ours = false,
): ServerLine {
  const hint = `${program} --help shows what it takes`
  const rules = { program, hint, ...(ours ? { oneDash: true } : { abbreviations: true }) }
  const { given, operands } = readOptions(words, SERVER_OPTIONS, rules)
  const asked = given.find(({ option: { name } }) => name === 'help' || name === 'version')
  if (asked !== undefined) return { asksFor: asked.option.name as 'help' | 'version' }
  const [stray] = operands
  if (stray !== undefined) {
    const word = printable(stray, 60)
    throw new VoboxError('USAGE', `there is no use for '${word}'`, { hint, data: { word } })
  }
  const entries = given.map(({ option: { name }, value }) => [name, value ?? true])
  return { given: Object.fromEntries(entries) }
}

/** The same options as words for another process. */
export function wordsOf(given: GivenServerOptions): string[] {
  return Object.entries(given).flatMap(([name, value]) => {
    if (value === undefined || value === false || !isServerOption(name)) return []
    return value === true ? [`--${name}`] : [`--${name}=${value}`]
  })
}

const isServerOption = (name: string) => SERVER_OPTIONS.some((option) => option.name === name)

export function serverUsage(program: string): string {
  const rows = SERVER_OPTIONS.map(({ names, value, help }) => {
    const shown = names.map((name) => (name.length > 1 ? `--${name}` : `-${name}`)).join(', ')
    return [value === undefined ? shown : `${shown} ${value}`, help] as const
  })
  const width = Math.max(...rows.map(([shown]) => shown.length)) + 4
  const lines = rows.map(([shown, help]) => `  ${shown}`.padEnd(width) + help)
  return [`usage: ${program} [options]`, ...lines, ''].join('\n')
}
