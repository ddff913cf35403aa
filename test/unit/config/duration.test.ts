import { describe, expect, it } from 'vitest'
import {
  encodeDuration,
  parseDuration,
  parseHoursAndMinutes,
} from '../../../src/config/duration.js'

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

describe('parseHoursAndMinutes', () => {
  it.each([
    ['24:00', 86_400],
    ['0:30', 1800],
    ['12:5', 43_500],
    ['00:01', 60],
    ['48', 172_800],
    ['90m', 5400],
  ])('reads %s as %d seconds', (text, seconds) => {
    expect(parseHoursAndMinutes(text)).toBe(seconds)
  })

  it.each(['12:60', '12:', ':30', '-1:00', '1:2:3', '999999:00', '1h:30'])('refuses %j', (text) => {
    expect(() => parseHoursAndMinutes(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
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
