import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeDuration, parseDuration, showDuration } from '../../src/config/duration.js'

const seconds = fc.integer({ min: 0, max: 100 * 365 * 86_400 })

describe('durations', () => {
  it('are read back as exactly what was written, up to 100 years', () => {
    fc.assert(
      fc.property(seconds, (count) => {
        expect(parseDuration(encodeDuration(count))).toBe(count)
      }),
    )
  })

  it('are written no longer than as bare seconds', () => {
    fc.assert(
      fc.property(seconds, (count) => {
        expect(encodeDuration(count).length).toBeLessThanOrEqual(`${count}s`.length)
      }),
    )
  })

  it('are shown rounded down, by less than the smaller unit shown', () => {
    const units: Record<string, number> = { s: 1, min: 60, h: 3600, d: 86_400 }
    fc.assert(
      fc.property(seconds, (count) => {
        const parts = [...showDuration(count).matchAll(/(\d+) ([a-z]+)/g)]
        const shown = parts.reduce(
          (sum, [, n, unit]) => sum + Number(n) * (units[unit ?? ''] ?? 0),
          0,
        )
        const resolution = count >= 259_200 ? 3600 : count >= 3600 ? 60 : 1

        expect(shown).toBe(count - (count % resolution))
      }),
    )
  })
})
