import { describe, expect, it } from 'vitest'
import { findRegistrations } from '../../../src/registry/find-registrations.js'
import { encodeRegistry } from '../../../src/registry/registry-codec.js'
import { registration } from '../../support/registry.js'

const names = ['alice', 'bob', 'carol']
const fileOf = (...registrations: ReturnType<typeof registration>[]) =>
  encodeRegistry(new Map(registrations.map((one) => [one.fileName, one])))
const three = fileOf(...names.map((name) => registration(name)))

describe('findRegistrations', () => {
  it.each(names)('finds %s among 3 by DN, by DER and by file name', (name) => {
    const wanted = registration(name)

    for (const key of [
      { identity: wanted.identity },
      { identityDer: wanted.identityDer },
      { fileName: wanted.fileName },
    ]) {
      expect(findRegistrations(three, key)).toEqual([wanted])
    }
  })

  it('finds both registrations of one DN, with quotes, backslashes and newlines in it', () => {
    const identity = '/CN="a\\b"\n,é'
    const both = ['first', 'second'].map((name) => registration(name, { identity }))

    expect(findRegistrations(fileOf(registration('other'), ...both), { identity })).toEqual(both)
  })

  it('finds one by its line in a file of version 2, which has a pass phrase file', () => {
    const wanted = registration('bob', { passPhraseFile: '/home/alicesgm/bob.phrase' })
    const bytes = fileOf(registration('alice'), wanted)
    expect(bytes.toString()).toContain('{"version":2,')

    expect(findRegistrations(bytes, { identity: '/CN=bob' })).toEqual([wanted])
  })

  it('finds nobody in 3, and nobody in none', () => {
    expect(findRegistrations(three, { identity: '/CN=mallory' })).toEqual([])
    expect(findRegistrations(three, { identity: '/CN=ali' })).toEqual([])
    expect(findRegistrations(encodeRegistry(new Map()), { identity: '/CN=alice' })).toEqual([])
  })

  it('is not misled by a member that is written inside a value', () => {
    const mallory = registration('mallory', { email: '","identity":"/CN=alice' })

    expect(findRegistrations(fileOf(mallory), { identity: '/CN=alice' })).toEqual([])
  })

  it.each([
    ['edited by hand', Buffer.from(JSON.stringify(JSON.parse(three.toString()), null, 2))],
    ['of another version', Buffer.from(three.toString().replace('"version":1', '"version":3'))],
    ['cut', three.subarray(0, three.length - 3)],
    ['empty', Buffer.alloc(0)],
    ['wrong in the line that matches', Buffer.from(three.toString().replace(/43200/, '-1'))],
    [
      'split in the line that matches',
      Buffer.from(three.toString().replace(',"servers"', ',\n"servers"')),
    ],
  ])('leaves a file that is %s to the registry', (_name, bytes) => {
    expect(findRegistrations(bytes, { identity: '/CN=alice' })).toBeUndefined()
  })
})
