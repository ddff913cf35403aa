import { describe, expect, it } from 'vitest'
import { checkAdminName, checkVoName } from '../../../src/config/vo-name.js'

describe('checkVoName', () => {
  it.each(['alice', 'vo.cta.in2p3.fr', 'LHCb-2', '_test', '3d'])('accepts %s', (name) => {
    expect(checkVoName(name)).toBe(name)
  })

  it.each([
    '',
    '-rf',
    '.hidden',
    '..',
    '../etc',
    'a/b',
    'a b',
    'a;reboot',
    '$(id)',
    '`id`',
    'a\nb',
    'a\0b',
    "a'b",
    'vô',
    'x'.repeat(201),
  ])('refuses %j', (name) => {
    expect(() => checkVoName(name)).toThrow(
      expect.objectContaining({ code: 'VO_NAME_INVALID', data: { name, what: 'VO' } }),
    )
  })
})

describe('checkAdminName', () => {
  it('accepts an account and refuses one that starts with a dash', () => {
    expect(checkAdminName('alicesgm')).toBe('alicesgm')
    expect(() => checkAdminName('-u0')).toThrow(
      expect.objectContaining({ code: 'VO_NAME_INVALID', data: { name: '-u0', what: 'admin' } }),
    )
  })
})
