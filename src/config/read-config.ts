/**
 * The effective configuration from its sources: defaults, then the file, then the environment, then
 * flags; the later wins. Nothing is ignored: an unknown key is a mistake that somebody relies on.
 */
import { parse, TomlError } from 'smol-toml'
import { printable, VoboxError } from '../errors.js'
import type { Config } from './config.js'
import { type Setting, WrongValue } from './setting.js'
import { SETTINGS } from './settings.js'
import { lineOfKey } from './toml-lines.js'

/** Some of the configuration, as flags give it. */
export type ConfigOverrides = DeepPartial<Config>
type DeepPartial<T> = { [K in keyof T]?: T[K] extends readonly string[] ? T[K] : DeepPartial<T[K]> }

export interface ConfigSources {
  /** The configuration file in TOML; absent: there is none. */
  file?: { path: string; text: string } | undefined
  /** The process' environment; an empty variable counts as unset. */
  environment?: Readonly<Record<string, string | undefined>> | undefined
  /** Values of the command line, already parsed. */
  flags?: ConfigOverrides | undefined
}

/** Where a value came from. A key that is written in a rare way has no line. */
export type ConfigOrigin =
  | { kind: 'default' }
  | { kind: 'file'; path: string; line?: number }
  | { kind: 'environment'; variable: string }
  | { kind: 'flag' }

export interface ExplainedConfig {
  config: Config
  /** By the name in the file, e.g. `limits.refuse_below_seconds`; each setting has one. */
  origins: ReadonlyMap<string, ConfigOrigin>
}

interface Branch {
  [name: string]: unknown
}

/**
 * @throws VoboxError `CONFIG_INVALID`, with `data.path` and `data.line` for what is in the file.
 */
export function readConfig(sources: ConfigSources): Config {
  return explainConfig(sources).config
}

/** The same with the origin of each value. */
export function explainConfig(sources: ConfigSources): ExplainedConfig {
  const origins = new Map<string, ConfigOrigin>()
  const file = sources.file === undefined ? undefined : parseFile(sources.file)
  const builder: Builder = { sources, origins }
  const config = build(builder, SETTINGS as unknown as Branch, [], file, sources.flags as Branch)
  return { config: config as unknown as Config, origins }
}

/**
 * The name in the file of a name in the program: `refuseBelowSeconds` is `refuse_below_seconds`.
 */
export function fileKey(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

interface Builder {
  sources: ConfigSources
  origins: Map<string, ConfigOrigin>
}

function build(
  builder: Builder,
  settings: Branch,
  path: readonly string[],
  table: Branch | undefined,
  flags: Branch | undefined,
): Branch {
  refuseUnknown(builder.sources, settings, path, table)
  const result: Branch = {}
  for (const [name, setting] of Object.entries(settings)) {
    const key = fileKey(name)
    const here = [...path, key]
    const [written, flag] = [table?.[key], flags?.[name]]
    result[name] = isSetting(setting)
      ? choose(builder, setting, here, written, flag)
      : build(
          builder,
          setting as Branch,
          here,
          tableOrThrow(builder, here, written),
          flag as Branch,
        )
  }
  return Object.freeze(result)
}

/** The value of the last source that has one. The others are checked all the same. */
function choose(
  { sources, origins }: Builder,
  setting: Setting<unknown>,
  path: readonly string[],
  written: unknown,
  flag: unknown,
): unknown {
  const name = path.join('.')
  let value = setting.default
  let origin: ConfigOrigin = { kind: 'default' }
  if (written !== undefined) {
    value = parseValue(setting, written, () => wrongInFile(sources, path))
    origin = { kind: 'file', ...positionOf(sources, path) }
  }
  const variable = setting.environment
  const text = variable === undefined ? undefined : sources.environment?.[variable]
  if (variable !== undefined && text !== undefined && text !== '') {
    value = parseValue(setting, text, () => ({ where: `$${variable}`, data: { variable } }))
    origin = { kind: 'environment', variable }
  }
  if (flag !== undefined) {
    // Null is not written in a file, but a program may mean it.
    const check = () =>
      parseValue(setting, flag, () => ({ where: `The flag for '${name}'`, data: {} }))
    value = flag === null ? null : check()
    origin = { kind: 'flag' }
  }
  origins.set(name, origin)
  return Array.isArray(value) ? Object.freeze([...value]) : value
}

function parseValue(
  setting: Setting<unknown>,
  value: unknown,
  describe: () => { where: string; data: Record<string, unknown> },
): unknown {
  try {
    return setting.parse(value)
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error
    const { where, data } = describe()
    throw new VoboxError('CONFIG_INVALID', `${where} must be ${error.message}`, { data })
  }
}

function parseFile(file: { path: string; text: string }): Branch {
  try {
    return parse(file.text) as Branch
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [why = 'it is not TOML'] = error.message.split('\n')
    throw new VoboxError(
      'CONFIG_INVALID',
      `${file.path}:${error.line}: ${printable(why.replace(/^Invalid TOML document: /, ''))}`,
      { data: { path: file.path, line: error.line, column: error.column }, cause: error },
    )
  }
}

function tableOrThrow(builder: Builder, path: readonly string[], value: unknown) {
  if (value === undefined) return undefined
  const isTable = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (isTable && !(value instanceof Date)) return value as Branch
  const { where, data } = wrongInFile(builder.sources, path)
  throw new VoboxError('CONFIG_INVALID', `${where} must be a table`, { data })
}

function refuseUnknown(
  sources: ConfigSources,
  settings: Branch,
  path: readonly string[],
  table: Branch | undefined,
): void {
  const known = Object.keys(settings).map(fileKey)
  for (const key of Object.keys(table ?? {})) {
    if (known.includes(key)) continue
    const { where, data } = wrongInFile(sources, [...path, key])
    const section = path.length === 0 ? 'at the top' : `in ${path.join('.')}`
    throw new VoboxError('CONFIG_INVALID', `${where} is not a setting`, {
      hint: `Known ${section}: ${known.join(', ')}`,
      data,
    })
  }
}

function wrongInFile(sources: ConfigSources, path: readonly string[]) {
  const key = path.join('.')
  const line = sources.file && lineOfKey(sources.file.text, path)
  return {
    where: `${place(sources, path)}: '${printable(key, 200)}'`,
    data: { path: sources.file?.path, line, key },
  }
}

function place(sources: ConfigSources, path: readonly string[]): string {
  const { path: file, line } = positionOf(sources, path)
  return line === undefined ? file : `${file}:${line}`
}

function positionOf({ file }: ConfigSources, path: readonly string[]) {
  const line = file && lineOfKey(file.text, path)
  return { path: file?.path ?? '', ...(line !== undefined && { line }) }
}

function isSetting(value: unknown): value is Setting<unknown> {
  return typeof (value as Partial<Setting<unknown>>).parse === 'function'
}
