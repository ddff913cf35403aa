import { describe, expect, it } from 'vitest'
import { encodeDuration, parseDuration, showDuration } from '../../../src/config/duration.js'

describe('parseDuration', () => {
  it.each([
    ['90s', 90],
    ['30m', 1800],
    ['48h', 172_800],
    ['7d', 604_800],
    ['0', 0],
    ['3600', 3600],
    ['007s', 7],
  ])('reads %s as %d seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds)
  })

  it('takes a bare 48 for hours where -t does', () => {
    expect(parseDuration('48', 'h')).toBe(172_800)
    expect(parseDuration('48m', 'h')).toBe(2880)
  })

  it.each([
    '',
    'h',
    '-1',
    '+1',
    '1.5h',
    '1 h',
    '48H',
    '1h30m',
    '0x10',
    '1e3',
    '３',
    '36501d',
    '99999999999',
  ])('refuses %j', (text) => {
    expect(() => parseDuration(text)).toThrow(
      expect.objectContaining({ code: 'USAGE', data: { text } }),
    )
  })
})

describe('encodeDuration', () => {
  it.each([
    [0, '0s'],
    [59, '59s'],
    [90, '90s'],
    [1800, '30m'],
    [172_800, '2d'],
    [165_600, '46h'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(encodeDuration(seconds)).toBe(text)
  })
})

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
