/** The list of tests that `npm test` leaves out still names what is there, and is short. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { LONG } from '../../long.js'

const root = join(import.meta.dirname, '../../..')
const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `test/${name}`)

const matching = (pattern: string) => {
  const parts = pattern.split(/(\*\*\/|\*)/).map((part) => {
    if (part === '**/') return '(.*/)?'
    return part === '*' ? '[^/]*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  })
  const whole = new RegExp(`^${parts.join('')}$`)
  return files.filter((name) => whole.test(name))
}

it.each(LONG)('%s names at least one file, and 12 at the most', (pattern) => {
  expect(matching(pattern).length).toBeGreaterThan(0)
  expect(matching(pattern).length).toBeLessThanOrEqual(12)
})

it('leaves at least 19 of 20 files to npm test', () => {
  const long = new Set(LONG.flatMap(matching))
  expect(long.size / files.length).toBeLessThan(0.05)
})
