import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Setting } from '../../../src/config/setting.js'
import { SETTINGS } from '../../../src/config/settings.js'

const TEXT = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8')

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const isSetting = (value: object): value is Setting<unknown> => 'parse' in value

/** `limits.refuse_below_seconds` → its setting. */
function flatten(group: object, prefix = ''): [string, Setting<unknown>][] {
  return Object.entries(group).flatMap(([name, value]) =>
    isSetting(value)
      ? [[prefix + snakeCase(name), value] as [string, Setting<unknown>]]
      : flatten(value, `${prefix}${snakeCase(name)}.`),
  )
}

const settings = flatten(SETTINGS)

describe('docs/configuration.md', () => {
  it.each(settings)('lists %s with its default', (key, setting) => {
    const row = TEXT.split('\n').find((line) => line.startsWith(`| \`${key}\` |`))
    expect(row).toBeDefined()
    const { default: value } = setting
    const shown =
      value === null || (Array.isArray(value) && value.length === 0) ? '' : `\`${value}\``
    expect(row?.split('|')[2]).toContain(shown)
    if (setting.environment !== undefined) expect(row).toContain(`\`${setting.environment}\``)
  })

  it('lists nothing that is not a setting', () => {
    const listed = [...TEXT.matchAll(/^\| `([a-z0-9_.]+)` \|/gm)].map(([, key]) => key)
    expect(listed.sort()).toEqual(settings.map(([key]) => key).sort())
  })
})
