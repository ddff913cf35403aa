/** The effective configuration as a list: what `vobox-proxy config` shows. */
import { VoboxError } from '../errors.js'
import { type ConfigOrigin, type ConfigSources, explainConfig, fileKey } from './read-config.js'
import type { Setting } from './setting.js'
import { SETTINGS } from './settings.js'

export type SettingValue = string | number | boolean | null | readonly string[]

export interface EffectiveSetting {
  /** The table that it stands in, e.g. `mail.smtp`; empty at the top. */
  table: string
  /** Its name within that table. */
  key: string
  value: SettingValue
  origin: ConfigOrigin
  /** The text that stands for null in a file; absent: null is written by leaving it out. */
  nothing?: string
}

/**
 * Every setting in an order that a file can have: those of a table together, inner tables last.
 *
 * @throws VoboxError `CONFIG_INVALID`, as `readConfig` does.
 */
export function effectiveSettings(sources: ConfigSources): EffectiveSetting[] {
  const { config, origins } = explainConfig(sources)
  return list(SETTINGS, config, '', (name) => origins.get(name) ?? { kind: 'default' })
}

/** The whole name of a setting, e.g. `mail.smtp.port`. */
export function settingName({ table, key }: EffectiveSetting): string {
  return table === '' ? key : `${table}.${key}`
}

/**
 * Those settings that `names` mean: each a setting, or a table with all that is in it; all of them
 * where there is no name.
 *
 * @throws VoboxError `USAGE` for a name that is neither, with `data.name`.
 */
export function selectSettings(
  settings: readonly EffectiveSetting[],
  names: readonly string[],
): EffectiveSetting[] {
  for (const name of names) {
    if (settings.some((setting) => isMeant(setting, name))) continue
    throw new VoboxError('USAGE', `there is no setting '${name}'`, {
      hint: 'man 5 vobox-proxy.config lists every setting',
      data: { name },
    })
  }
  if (names.length === 0) return [...settings]
  return settings.filter((setting) => names.some((name) => isMeant(setting, name)))
}

function isMeant(setting: EffectiveSetting, name: string): boolean {
  const whole = settingName(setting)
  return whole === name || whole.startsWith(`${name}.`)
}

function list(
  settings: object,
  values: object,
  table: string,
  originOf: (name: string) => ConfigOrigin,
): EffectiveSetting[] {
  const here: EffectiveSetting[] = []
  const below: EffectiveSetting[] = []
  for (const [name, setting] of Object.entries(settings)) {
    const key = fileKey(name)
    const whole = table === '' ? key : `${table}.${key}`
    const value = (values as Record<string, unknown>)[name]
    if (typeof (setting as Partial<Setting<unknown>>).parse !== 'function') {
      below.push(...list(setting, value as object, whole, originOf))
      continue
    }
    const { nothing } = setting as Setting<unknown>
    here.push({
      table,
      key,
      value: value as SettingValue,
      origin: originOf(whole),
      ...(nothing !== undefined && { nothing }),
    })
  }
  return [...here, ...below]
}
