import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { showDistance, showInstant, showSeconds } from '../../../src/report/moment-text.js'
import { showTable } from '../../../src/report/table.js'

describe('showSeconds', () => {
  it.each([
    [-5, '0 s'],
    [0, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [3599, '59 min'],
    [3600, '1 h'],
    [3661, '1 h 1 min'],
    [47 * 3600 + 3540, '47 h 59 min'],
    [72 * 3600 - 1, '71 h 59 min'],
    [72 * 3600, '3 d'],
    [10 * 86_400 + 7199, '10 d 1 h'],
  ])('%d s is %s', (seconds, text) => {
    expect(showSeconds(seconds)).toBe(text)
  })
})

describe('instants', () => {
  const now = asUnixSeconds(Date.UTC(2026, 10, 22, 7, 0, 5) / 1000)

  it('are shown in UTC to the second', () => {
    expect(showInstant(now)).toBe('2026-11-22 07:00:05 UTC')
  })

  it.each([
    [0, 'now'],
    [90, 'in 1 min'],
    [-7200, '2 h ago'],
  ])('%d s away is "%s"', (away, text) => {
    expect(showDistance(asUnixSeconds(now + away), now)).toBe(text)
  })
})

describe('showTable', () => {
  it('makes columns as wide as their widest cell, by characters and not by bytes', () => {
    expect(
      showTable(
        ['A', 'LONG', 'LAST'],
        [
          ['äöü', 'b', 'x y z'],
          ['1', '', '-'],
        ],
      ),
    ).toBe('A    LONG  LAST\näöü  b     x y z\n1          -\n')
  })
})
