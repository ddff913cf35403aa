import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DerReader,
  derGeneralizedTime,
  derInteger,
  derOid,
  derSequence,
  derTime,
  encodeDer,
} from '../../src/asn1/der.js'
import { isVoboxError } from '../../src/errors.js'
import { asUnixSeconds } from '../../src/ports/clock.js'

/** Every reading method once, as a careless caller might use them. */
function readEverything(bytes: Uint8Array, depth = 0): void {
  for (const read of [
    (reader: DerReader) => reader.readOid(),
    (reader: DerReader) => reader.readTime(),
    (reader: DerReader) => reader.readSmallInteger(),
    (reader: DerReader) => reader.readBoolean(),
    (reader: DerReader) => reader.readBitString(),
    (reader: DerReader) => reader.readNull(),
    (reader: DerReader) => reader.readOptionalContext(0),
  ]) {
    onlyOurs(() => read(new DerReader(bytes, depth)))
  }
  onlyOurs(() => {
    const reader = new DerReader(bytes, depth)
    while (!reader.atEnd()) readEverything(reader.readElement().content, depth + 1)
  })
}

function onlyOurs(action: () => void): void {
  try {
    action()
  } catch (error) {
    if (!isVoboxError(error, 'ASN1_MALFORMED')) throw error
  }
}

describe('the DER reader', () => {
  it('answers any bytes with a value or ASN1_MALFORMED', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => readEverything(bytes)),
      { numRuns: 2000 },
    )
  })

  it('reads back any tree of elements byte for byte', () => {
    const { tree } = fc.letrec<{ tree: Uint8Array }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.uint8Array({ maxLength: 300 }).map((content) => encodeDer(0x04, content)),
        fc.array(tie('tree'), { maxLength: 4 }).map((inner) => derSequence(...inner)),
      ),
    }))
    const rebuild = (reader: DerReader): Uint8Array => {
      const parts: Uint8Array[] = []
      while (!reader.atEnd()) {
        if (reader.peekTag() === 0x30) parts.push(derSequence(rebuild(reader.readSequence())))
        else parts.push(encodeDer(0x04, reader.readOctetString()))
      }
      return Buffer.concat(parts)
    }
    fc.assert(
      fc.property(tree, (bytes) => {
        expect(rebuild(new DerReader(bytes))).toEqual(bytes)
      }),
    )
  })

  it('takes exactly one encoding of a length: none but the shortest', () => {
    fc.assert(
      fc.property(fc.nat(70_000), fc.integer({ min: 1, max: 4 }), (length, octets) => {
        fc.pre(length < 256 ** octets)
        const long = Array.from({ length: octets }, (_, at) => (length >>> (8 * at)) & 0xff)
        const header = Uint8Array.of(0x04, 0x80 | octets, ...long.reverse())
        const bytes = Buffer.concat([header, new Uint8Array(length)])
        const minimal = length >= 0x80 && length >= 256 ** (octets - 1)
        if (minimal) expect(new DerReader(bytes).readOctetString()).toHaveLength(length)
        else expect(() => new DerReader(bytes).readOctetString()).toThrow()
      }),
    )
  })
})

describe('encode and parse are inverse', () => {
  it('for integers from 0 to 2^31 - 1', () => {
    const integer = fc.integer({ min: 0, max: 2 ** 31 - 1 })
    fc.assert(
      fc.property(integer, (value) => {
        expect(new DerReader(derInteger(value)).readSmallInteger()).toBe(value)
      }),
    )
  })

  it('for object identifiers with arcs up to 128 bits', () => {
    const arc = fc.bigInt({ min: 0n, max: 2n ** 128n })
    const first = fc.oneof(
      fc.tuple(fc.constantFrom(0n, 1n), fc.bigInt({ min: 0n, max: 39n })),
      fc.tuple(fc.constant(2n), arc),
    )
    const oid = fc.tuple(first, fc.array(arc, { maxLength: 2 }))
    fc.assert(
      fc.property(oid, ([root, rest]) => {
        const dotted = [...root, ...rest].join('.')
        expect(new DerReader(derOid(dotted)).readOid()).toBe(dotted)
      }),
    )
  })

  it('for instants of the years 1950 to 9999 in both forms', () => {
    const instant = fc.integer({
      min: Date.UTC(1950, 0, 1) / 1000,
      max: Date.UTC(9999, 11, 31, 23, 59, 59) / 1000,
    })
    fc.assert(
      fc.property(instant, (value) => {
        const seconds = asUnixSeconds(value)
        expect(new DerReader(derTime(seconds)).readTime()).toBe(value)
        expect(new DerReader(derGeneralizedTime(seconds)).readTime()).toBe(value)
      }),
    )
  })
})
