import { describe, expect, it } from 'vitest'
import { checkState } from '../../../src/registry/registration-schema.js'

describe('a state file', () => {
  it.each([
    ['the last second of year 9999', 253_402_300_799, true],
    ['the second after it', 253_402_300_800, false],
    ['a second before 1970', -1, false],
  ])('with an instant at %s: believed or not', (_what, at, believed) => {
    const checked = checkState({ failures: 0, storedEnd: { at, learnedAt: 0, from: 'info' } })
    if (believed) expect(checked).toHaveProperty('value.storedEnd.at', at)
    else expect(checked).toHaveProperty('problem')
  })
})
