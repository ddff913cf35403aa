import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesGlob } from '../../src/repository/name-glob.js'
import { checkFileName, encodeName, proxyFileName } from '../../src/repository/proxy-file-name.js'

/** Any text that a DN can hold, hostile ones among it; surrogates come in pairs. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: fc.constantFrom('a', '+', '2', 'f', '/', '.', ' ', 'é'), maxLength: 30 }),
)
const voms = fc.option(text, { nil: undefined })

/** Undoes the encoding; the test's own, so that it proves that nothing is lost. */
function decodeName(name: string): string {
  const bytes = name.replace(/\+([0-9a-f]{2})/g, (_match, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

describe('proxy file names', () => {
  it('lose nothing in encoding, so that no two texts have one name', () => {
    fc.assert(
      fc.property(text, (original) => {
        expect(decodeName(encodeName(original))).toBe(original)
      }),
    )
  })

  it('are different for different identities and attributes below 231 bytes', () => {
    fc.assert(
      fc.property(text, voms, text, voms, (dn1, voms1, dn2, voms2) => {
        fc.pre(dn1 !== dn2 || voms1 !== voms2)
        const suffix = (value: string | undefined) =>
          value === undefined ? '/CN=proxy' : `/CN=proxy-voms ${value}`
        fc.pre(dn1 + suffix(voms1) !== dn2 + suffix(voms2))
        const [one, other] = [proxyFileName(dn1, voms1), proxyFileName(dn2, voms2)]
        fc.pre(one.length <= 230 && other.length <= 230)

        expect(one).not.toBe(other)
      }),
    )
  })

  it('are safe path components of at most 230 bytes whatever the DN is', () => {
    const long = fc.string({ unit: 'binary', maxLength: 2000 })
    fc.assert(
      fc.property(long, voms, (rest, value) => {
        const name = proxyFileName(`/${rest}`, value)

        expect(name).toMatch(/^\+2f[A-Za-z0-9+._-]*$/)
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(230)
        expect(checkFileName(name)).toBe(name)
      }),
    )
  })

  it('end in the encoded attribute, which globs match, when that has up to 100 bytes', () => {
    const role = fc.stringMatching(/^[A-Za-z0-9:/=_-]{1,30}$/)
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), role, (dn, value) => {
        const name = proxyFileName(dn, value)

        expect(name.endsWith(encodeName(value))).toBe(true)
        expect(matchesGlob(`*${encodeName(value)}`)(name)).toBe(true)
      }),
    )
  })
})
