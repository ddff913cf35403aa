import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkCredentialName,
  checkUserName,
  stemPrefixes,
  storedStems,
} from '../../../../src/myproxy/server/store/stored-names.js'
import { failureOf } from '../../../support/failure.js'

describe('storedStems', () => {
  it.each([
    ['a plain user', 'alice', undefined, 'alice'],
    ['a named credential', 'alice', 'third', 'alice-third'],
    [
      '80 letters as they are',
      'u'.repeat(80),
      'n'.repeat(80),
      `${'u'.repeat(80)}-${'n'.repeat(80)}`,
    ],
    [
      '81 letters by their MD5',
      'u'.repeat(81),
      undefined,
      createHash('md5').update('u'.repeat(81)).digest('hex'),
    ],
    ['a name with a leading dot', 'dots', '.hidden', 'dots--hidden'],
    ['a name with a leading plus sign', '+plus', undefined, '+plus'],
    // All as Debian's myproxy-server 6.2.14 names them.
    [
      'a DN, by its MD5',
      '/DC=ch/DC=cern/OU=Users/CN=alicesgm',
      undefined,
      'e87cb0211c0cc7897f2abdd66edc4c4d',
    ],
    [
      'a name with a slash, by its MD5',
      'alicepass',
      'second/x',
      'alicepass-7b56e6408f1b7983a349c4f2f24a8cf4',
    ],
  ])('looks first where the C server puts %s', (_name, user, credential, stem) => {
    expect(storedStems(user, credential)[0]).toBe(stem)
  })

  it('has a second place that tells `a` with `b-c` from `a-b` with `c`', () => {
    const [first, second] = storedStems('a', 'b-c')
    const [otherFirst, otherSecond] = storedStems('a-b', 'c')
    expect(first).toBe(otherFirst)
    expect(second).not.toBe(otherSecond)
  })

  it('gives nobody a name that is the second place of somebody else', () => {
    const theirs = `+${createHash('sha256').update('alice').digest('hex')}`
    expect(storedStems('alice', undefined)[1]).toBe(theirs)
    expect(storedStems(theirs, undefined)).not.toContain(theirs)
  })

  it('stays a file name that fits, whatever the user is called', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.option(fc.string({ minLength: 1 })),
        (user, name) => {
          fc.pre(!user.startsWith('.') && !user.includes('\0') && !name?.includes('\0'))
          for (const stem of storedStems(user, name ?? undefined)) {
            expect(stem).not.toContain('/')
            expect(stem.startsWith('.')).toBe(false)
            expect(Buffer.byteLength(stem)).toBeLessThanOrEqual(230)
            expect(stemPrefixes(user).some((prefix) => stem.startsWith(prefix))).toBe(true)
          }
        },
      ),
    )
  })
})

describe('checkUserName and checkCredentialName', () => {
  it.each([
    ['an empty name', ''],
    ['a leading dot', '.lock'],
    ['a way out of the directory', '../etc/passwd'],
    ['a NUL', 'alice\0.creds'],
    ['a line break', 'alice\nOWNER=/CN=eve'],
    ['a terminal escape', 'alice\u001b[2J'],
    ['1025 bytes', 'a'.repeat(1025)],
  ])('refuse %s', (_name, value) => {
    for (const check of [checkUserName, checkCredentialName]) {
      expect(failureOf(() => check(value)).code).toBe('MYPROXY_VALUE_INVALID')
    }
  })

  it('take a DN with spaces, quotes, an equals sign and letters of other scripts', () => {
    expect(() => checkUserName(`/DC=org/CN=Zoë "Z" O'Neill, Jr.`)).not.toThrow()
  })

  it.each(['a,b', 'a=b'])('keep %s out of the names in INFO answers', (name) => {
    expect(failureOf(() => checkCredentialName(name)).data).toEqual({
      what: 'credential name',
      value: name,
    })
  })
})
