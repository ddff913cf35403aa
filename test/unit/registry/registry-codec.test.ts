import { describe, expect, it } from 'vitest'
import { encodeRegistry, parseRegistry } from '../../../src/registry/registry-codec.js'
import { failureOf } from '../../support/failure.js'
import { registration } from '../../support/registry.js'

const plain = registration('anna')
const byPassPhrase = registration('bert', { passPhraseFile: '/home/alicesgm/bert.phrase' })
const entries = (...all: (typeof plain)[]) => new Map(all.map((one) => [one.fileName, one]))
const versionOf = (bytes: Buffer): unknown => JSON.parse(bytes.toString()).version

describe('the version of a registry', () => {
  it('stays 1 while nothing needs 2, so that an older program can still read it', () => {
    expect(versionOf(encodeRegistry(entries(plain)))).toBe(1)
    expect(versionOf(encodeRegistry(new Map()))).toBe(1)
  })

  it('is 2 with 1 pass phrase file among 2 registrations, and 1 again when that goes', () => {
    const both = encodeRegistry(entries(plain, byPassPhrase))
    expect(versionOf(both)).toBe(2)
    const read = new Map(parseRegistry(both, 'registry.json'))
    read.delete('bert')
    expect(versionOf(encodeRegistry(read))).toBe(1)
  })

  it.each([1, 2])('%i is read as it was written', (version) => {
    const all = version === 1 ? entries(plain) : entries(plain, byPassPhrase)
    const bytes = encodeRegistry(all)
    expect(versionOf(bytes)).toBe(version)
    expect(parseRegistry(bytes, 'registry.json')).toEqual(all)
  })

  it('3 is of a newer program, which is said', () => {
    const bytes = Buffer.from('{"version":3,"registrations":{}}')
    expect(failureOf(() => parseRegistry(bytes, 'registry.json'))).toMatchObject({
      code: 'REGISTRY_VERSION_UNKNOWN',
      data: { version: 3 },
    })
  })

  it.each(['0', '1.5', '"2"', 'null'])('%s is no version', (version) => {
    const bytes = Buffer.from(`{"version":${version},"registrations":{}}`)
    expect(failureOf(() => parseRegistry(bytes, 'registry.json')).code).toBe('REGISTRY_MALFORMED')
  })
})
