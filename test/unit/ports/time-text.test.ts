import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { showDistance, showDuration, showInstant } from '../../../src/ports/time-text.js'

describe('showDuration', () => {
  it.each([
    [172_799, '47 h 59 min'],
    [165_600, '46 h'],
    [259_199, '71 h 59 min'],
    [259_200, '3 d'],
    [863_999, '9 d 23 h'],
    [3600, '1 h'],
    [3599.9, '59 min 59 s'],
    [60, '1 min'],
    [59, '59 s'],
    [0, '0 s'],
    [-5, '0 s'],
  ])('shows %d seconds as %s', (seconds, text) => {
    expect(showDuration(seconds)).toBe(text)
  })
})

describe('instants', () => {
  const now = asUnixSeconds(Date.UTC(2026, 10, 22, 7, 0, 5) / 1000)

  it('are shown in UTC to the second or the minute', () => {
    expect(showInstant(now)).toBe('2026-11-22 07:00:05 UTC')
    expect(showInstant(now, 'minute')).toBe('2026-11-22 07:00 UTC')
  })

  it.each([
    [0, 'now'],
    [90, 'in 1 min 30 s'],
    [-7200, '2 h ago'],
  ])('%d s away is "%s"', (away, text) => {
    expect(showDistance(asUnixSeconds(now + away), now)).toBe(text)
  })
})
