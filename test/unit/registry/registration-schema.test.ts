import { describe, expect, it } from 'vitest'
import { checkRegistration, checkState } from '../../../src/registry/registration-schema.js'
import { registration } from '../../support/registry.js'

describe('a registration', () => {
  it('written before there were attributes keeps all of them or none: allowPartial is false', () => {
    const { allowPartial: _new, ...old } = registration('anna')
    expect(checkRegistration('anna', old)).toEqual({ value: { ...old, allowPartial: false } })
  })

  it.each([
    ['/home/alicesgm/phrase', true],
    ['phrase', false],
    ['', false],
  ])('with %j as its pass phrase file: believed or not', (passPhraseFile, believed) => {
    const checked = checkRegistration('anna', registration('anna', { passPhraseFile }))
    expect('value' in checked).toBe(believed)
  })
})

describe('a state file', () => {
  it('written before servers were kept is read as it is', () => {
    const old = { failures: 0, storedEnd: { at: 9, learnedAt: 5, from: 'chain' } }
    expect(checkState(old)).toEqual({ value: old })
  })

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
