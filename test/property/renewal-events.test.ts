import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printable } from '../../src/errors.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import { formatEvent } from '../../src/renewal/events.js'

/** A reader as somebody would write it from the description alone. */
function parseFields(line: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const [, name = '', quoted, bare] of line.matchAll(
    / (\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))/g,
  )) {
    fields.set(name, quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '')
  }
  return fields
}

describe('formatEvent, whatever a server or a DN holds', () => {
  it('writes one line, from which every value comes back as it may be printed', () => {
    const hostile = fc.string({ unit: 'binary', maxLength: 60 })
    fc.assert(
      fc.property(hostile, hostile, (dn, reason) => {
        const line = formatEvent(asUnixSeconds(0), 'renewal-failed', { dn, reason })
        expect(line.indexOf('\n')).toBe(line.length - 1)
        const fields = parseFields(line)
        expect(fields.get('dn')).toBe(printable(dn))
        expect(fields.get('reason')).toBe(printable(reason))
      }),
      { numRuns: 1000 },
    )
  })
})
