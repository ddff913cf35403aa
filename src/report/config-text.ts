/** The effective settings in the form of the file: what is printed can be pasted into one. */
import type { EffectiveSetting, SettingValue } from '../config/effective-settings.js'
import type { ConfigOrigin } from '../config/read-config.js'
import { printable } from '../errors.js'
import { encodeDocument } from './query-json.js'

/** A shell file of this machine, and which variables of ours it sets. */
export interface ShellFileFacts {
  path: string
  /** In the order in which they stand in the file. */
  variables: readonly string[]
}

export interface ConfigFacts {
  /** The file that was read; undefined: there is none. */
  file: string | undefined
  settings: readonly EffectiveSetting[]
  /** Files that the scripts of the service read before they start it. */
  shellFiles: readonly ShellFileFacts[]
  /** Variables that the environment of this call sets. */
  set: ReadonlySet<string>
}

/** Where comments begin, unless a value is longer. */
const COMMENT_COLUMN = 44

export function showConfig({ file, settings, shellFiles, set }: ConfigFacts): string {
  const lines = [
    file === undefined ? '# no configuration file' : `# configuration file: ${printable(file)}`,
    ...shellFiles.map((shellFile) => `# ${aboutShellFile(shellFile, set)}`),
  ]
  let table = ''
  for (const setting of settings) {
    if (setting.table !== table) {
      table = setting.table
      lines.push('', `[${table}]`)
    }
    lines.push(showSetting(setting))
  }
  return lines.map((line) => `${line}\n`).join('')
}

export function encodeConfig({ file, settings, shellFiles, set }: ConfigFacts): string {
  return encodeDocument({
    file: file ?? null,
    settings: settings.map(({ table, key, value, origin }) => ({
      name: table === '' ? key : `${table}.${key}`,
      value,
      origin,
    })),
    shellFiles: shellFiles.map(({ path, variables }) => ({
      path,
      variables: variables.map((name) => ({ name, here: set.has(name) })),
    })),
  })
}

/** The service has what such a file sets; a shell that did not read it has not. */
function aboutShellFile({ path, variables }: ShellFileFacts, set: ReadonlySet<string>): string {
  if (variables.length === 0) return `${printable(path)} sets nothing of this`
  const missing = variables.filter((name) => !set.has(name))
  const what = `${printable(path)} sets ${variables.join(', ')} for the service`
  return missing.length === 0 ? what : `${what}; not set here: ${missing.join(', ')}`
}

function showSetting({ key, value, nothing, origin }: EffectiveSetting): string {
  const written = value === null ? nothing : value
  const line = written === undefined ? `# ${key} is not set` : `${key} = ${toToml(written)}`
  return `${line.padEnd(COMMENT_COLUMN)} # ${showOrigin(origin)}`
}

function showOrigin(origin: ConfigOrigin): string {
  switch (origin.kind) {
    case 'file':
      return `${printable(origin.path)}${origin.line === undefined ? '' : `:${origin.line}`}`
    case 'environment':
      return `$${origin.variable}`
    default:
      return origin.kind
  }
}

/** Basic strings of TOML have the escapes of JSON. */
function toToml(value: NonNullable<SettingValue>): string {
  if (typeof value === 'object') return `[${value.map(toToml).join(', ')}]`
  return JSON.stringify(value).replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
