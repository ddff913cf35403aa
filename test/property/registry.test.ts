import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../src/ports/clock.js'
import { findRegistrations } from '../../src/registry/find-registrations.js'
import type { Registration } from '../../src/registry/registration.js'
import { checkEntries, encodeRegistry, parseRegistry } from '../../src/registry/registry-codec.js'
import { failureOf } from '../support/failure.js'

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 })
const fileName = fc.stringMatching(/^[A-Za-z0-9+_-][A-Za-z0-9+._-]{0,40}$/)
const instant = fc.integer({ min: 0, max: 4_000_000_000 }).map(asUnixSeconds)
const duration = fc.integer({ min: 1, max: 10_000_000 })

const registration: fc.Arbitrary<Registration> = fc.record(
  {
    fileName,
    identity: text,
    identityDer: fc.uint8Array({ minLength: 1 }).map((der) => Buffer.from(der).toString('base64')),
    servers: fc.array(text, { minLength: 1, maxLength: 3 }),
    username: text,
    credentialName: text,
    passPhraseFile: text.map((name) => `/${name}`),
    lifetimeSeconds: duration,
    refreshSeconds: fc.option(duration),
    proxySafeSeconds: duration,
    myproxySafeSeconds: duration,
    email: fc.option(text),
    voms: fc.array(text, { maxLength: 3 }),
    allowLimited: fc.boolean(),
    allowPartial: fc.boolean(),
    registeredAt: instant,
    updatedAt: instant,
  },
  {
    noNullPrototype: true,
    requiredKeys: [
      'fileName',
      'identity',
      'identityDer',
      'servers',
      'lifetimeSeconds',
      'refreshSeconds',
      'proxySafeSeconds',
      'myproxySafeSeconds',
      'email',
      'voms',
      'allowLimited',
      'allowPartial',
      'registeredAt',
      'updatedAt',
    ],
  },
)

/** Registrations by file name; `__proto__` and its like are names as any other. */
const registrations = fc
  .array(registration, { maxLength: 8 })
  .map((all) => new Map(all.map((one) => [one.fileName, one])))

describe('registry.json', () => {
  it('is read back as exactly what was written', () => {
    fc.assert(
      fc.property(registrations, (written) => {
        const entries = parseRegistry(encodeRegistry(written), 'registry.json')
        const read = checkEntries(entries)

        expect(read.invalid).toEqual([])
        expect(read.registrations).toEqual(written)
        expect(parseRegistry(encodeRegistry(entries), 'registry.json')).toEqual(entries)
      }),
    )
  })

  it('keeps whatever JSON stands under a name, valid or not', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (anything) => {
        const entries = new Map(Object.entries(JSON.parse(JSON.stringify(anything))))
        const read = parseRegistry(encodeRegistry(entries), 'registry.json')

        expect(read).toEqual(entries)
      }),
    )
  })

  it('yields each registration to a search that parses no other', () => {
    fc.assert(
      fc.property(registrations, (written) => {
        const bytes = encodeRegistry(written)
        for (const one of written.values()) {
          expect(findRegistrations(bytes, { fileName: one.fileName })).toEqual([one])
          expect(findRegistrations(bytes, { identity: one.identity })).toEqual(
            [...written.values()].filter(({ identity }) => identity === one.identity),
          )
        }
      }),
    )
  })

  it('is recognised as damaged wherever it is cut', () => {
    fc.assert(
      fc.property(registrations, fc.double({ min: 0, max: 0.999, noNaN: true }), (written, at) => {
        const bytes = encodeRegistry(written)
        const cut = bytes.subarray(0, Math.floor((bytes.length - 1) * at))

        expect(failureOf(() => parseRegistry(cut, 'registry.json')).code).toBe('REGISTRY_MALFORMED')
      }),
    )
  })
})
