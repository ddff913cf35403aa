import { describe, expect, it } from 'vitest'
import { parseMailAddress, parseMailAddresses } from '../../../src/ports/mail-address.js'
import { failureOf } from '../../support/failure.js'

describe('parseMailAddress', () => {
  it.each([
    'root',
    'alice@example.org',
    'alice.smith+grid@sub.example.org',
    'a_b=c~d@localhost',
    "o'brien@example.org",
    `${'a'.repeat(64)}@example.org`,
  ])('takes %s', (address) => {
    expect(parseMailAddress(address)).toBe(address)
  })

  it.each([
    ['nothing', ''],
    ['a line feed', 'a@example.org\nBcc: b@example.org'],
    ['a carriage return', 'a@example.org\rX'],
    ['a NUL', 'a\0@example.org'],
    ['a blank', 'a b@example.org'],
    ['a comma', 'a@example.org,b@example.org'],
    ['an option', '-oQ/tmp@example.org'],
    ['a program', '|/bin/sh'],
    ['a file', '/etc/passwd'],
    ['a bang path', 'host!user'],
    ['angle brackets', '<a@example.org>'],
    ['a quoted name', '"a b"@example.org'],
    ['a comment', 'a(b)@example.org'],
    ['two @', 'a@b@example.org'],
    ['an empty host', 'a@'],
    ['an empty name', '@example.org'],
    ['an empty label', 'a@example..org'],
    ['a label that begins with a dash', 'a@-example.org'],
    ['a dot at the end of the name', 'a.@example.org'],
    ['two dots in the name', 'a..b@example.org'],
    ['a name of 65 characters', `${'a'.repeat(65)}@example.org`],
    ['255 characters', `a@${'b.'.repeat(126)}c`],
    ['letters that look like others', 'аlice@example.org'],
  ])('refuses %s', (_name, address) => {
    const error = failureOf(() => parseMailAddress(address))
    expect(error.code).toBe('MAIL_ADDRESS_INVALID')
    expect(String(error.data.address)).not.toMatch(/[\r\n\0]/)
    expect(error.data.reason).toBeTypeOf('string')
  })
})

describe('parseMailAddresses', () => {
  it('takes two with blanks around them', () => {
    expect(parseMailAddresses(' a@example.org , root')).toEqual(['a@example.org', 'root'])
  })

  it.each([
    ['an empty one', 'a@example.org,'],
    ['eleven', Array(11).fill('a').join(',')],
  ])('refuses %s', (_name, text) => {
    expect(failureOf(() => parseMailAddresses(text)).code).toBe('MAIL_ADDRESS_INVALID')
  })
})
