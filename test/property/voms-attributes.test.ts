import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isVoboxError } from '../../src/errors.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { encodeAcSequence, parseAcSequence } from '../../src/voms/ac-sequence.js'
import {
  type AttributeCertificate,
  parseAttributeCertificate,
} from '../../src/voms/attribute-certificate.js'
import {
  type AttributeRequest,
  parseAttributeRequest,
  showAttributeRequest,
} from '../../src/voms/attribute-request.js'
import { type Fqan, parseFqan, sameFqan, showFqan, showFullFqan } from '../../src/voms/fqan.js'
import { parseLsc } from '../../src/voms/lsc.js'
import { judgeAttributes } from '../../src/voms/verify-attributes.js'
import { addAttributes, TestVoms, vomsTrustOf } from '../support/ac.js'
import { cpuSecondsOf } from '../support/cpu-time.js'
import { anchorsOf, realNow, TestAuthority } from '../support/pki.js'

const ca = new TestAuthority()
const voms = new TestVoms(ca)
const user = ca.issueUser('alice')
const acs = [
  voms.grant(user, { targets: ['vobox.example.org'], targetForm: 'java' }),
  voms.grant(user, { genericAttributes: [['nickname', 'alice', 'alice']] }),
]
const sequence = Buffer.from(encodeAcSequence(acs))
const dressed = describeChain(addAttributes(user, acs).chain)
const rules = {
  trust: vomsTrustOf(voms),
  anchors: anchorsOf(ca),
  now: realNow(),
  host: 'vobox.example.org',
}

/** Parses and judges; what is verified afterwards must be one of those that the server signed. */
function expectRefusedOrUnchanged(value: Uint8Array): void {
  try {
    parseAcSequence(value)
  } catch (error) {
    if (!isVoboxError(error, 'VOMS_AC_MALFORMED')) throw error
  }
  for (const judged of judgeAttributes({ ...dressed, acBytes: value }, rules)) {
    if (!('verified' in judged)) continue
    const { der } = judged.verified.ac
    expect(acs.some((signed) => Buffer.compare(signed, der) === 0)).toBe(true)
  }
}

describe('the attributes of a proxy', () => {
  it('are verified as they were made', () => {
    const judged = judgeAttributes(dressed, rules)
    expect(judged.map((one) => 'verified' in one)).toEqual([true, true])
  })

  it('throw nothing but VOMS_AC_MALFORMED on random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), expectRefusedOrUnchanged))
  })

  it('are refused or what the server signed, with up to 4 bytes changed', () => {
    const change = fc.record({ at: fc.nat(sequence.length - 1), to: fc.nat(255) })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Buffer.from(sequence)
        for (const { at, to } of changes) bytes[at] = to
        expectRefusedOrUnchanged(bytes)
      }),
      { numRuns: 500 },
    )
  })

  it('are refused with a piece cut out, doubled or put elsewhere', () => {
    const piece = fc.record({
      from: fc.nat(sequence.length),
      length: fc.nat(300),
      to: fc.nat(sequence.length),
      keep: fc.boolean(),
    })
    fc.assert(
      fc.property(piece, ({ from, length, to, keep }) => {
        const cut = sequence.subarray(from, from + length)
        const rest = keep
          ? sequence
          : Buffer.concat([sequence.subarray(0, from), sequence.subarray(from + length)])
        const parts = [rest.subarray(0, to), cut, rest.subarray(to)]
        expectRefusedOrUnchanged(Buffer.concat(parts))
      }),
      { numRuns: 300 },
    )
  })

  it('cost no more than their length when they are nested as deep as 60 kB go', () => {
    const shells: fc.Arbitrary<number[]> = fc.constantFrom(
      [0x30, 0x80],
      [0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
      [0xa0, 0x03],
      [0x31, 0x82, 0xff, 0xff],
    )
    fc.assert(
      fc.property(shells, (shell) => {
        const bytes = Buffer.from(Array.from({ length: 15_000 }, () => shell).flat())
        const refuse = () => expectRefusedOrUnchanged(bytes.subarray(0, 60_000))
        expect(cpuSecondsOf(refuse)).toBeLessThan(5)
      }),
      { numRuns: 8 },
    )
  })

  it('keep every list of FQANs in its order', () => {
    const user0 = user.chain[0]
    if (user0 === undefined) throw new TypeError('no certificate')
    const groups = fc.array(fc.stringMatching(/^\/alice(\/[\w.-]{1,8}){0,3}$/), {
      minLength: 1,
      maxLength: 20,
    })
    fc.assert(
      fc.property(groups, (fqans) => {
        const ac: AttributeCertificate = parseAttributeCertificate(voms.grant(user0, { fqans }))
        expect(ac.fqans.map(showFqan)).toEqual(fqans)
      }),
      { numRuns: 50 },
    )
  })
})

const word = fc.stringMatching(/^[\w.-]{1,12}$/).filter((text) => text !== 'NULL')
const fqan: fc.Arbitrary<Fqan> = fc
  .record(
    {
      groups: fc.array(word, { minLength: 1, maxLength: 5 }),
      role: word,
      capability: word,
    },
    { requiredKeys: ['groups'] },
  )
  .map(({ groups, ...parts }) => ({ group: `/${groups.join('/')}`, ...parts }))

describe('FQANs', () => {
  it('come back from their short and from their full text', () => {
    fc.assert(
      fc.property(fqan, (given) => {
        expect(parseFqan(showFqan(given))).toEqual(given)
        expect(parseFqan(showFullFqan(given))).toEqual(given)
      }),
    )
  })

  it('are the same when their full texts are, and only then', () => {
    const alike = fc.tuple(fqan, fc.boolean(), fqan).map(([a, same, b]) => [a, same ? a : b])
    fc.assert(
      fc.property(alike, ([a, b]) => {
        if (a === undefined || b === undefined) return
        expect(sameFqan(a, b)).toBe(showFullFqan(a) === showFullFqan(b))
        expect(sameFqan(b, a)).toBe(sameFqan(a, b))
      }),
    )
  })

  it('and requests throw nothing but FQAN_INVALID for any text', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[/\w=:. -]{0,60}$/))
    fc.assert(
      fc.property(text, (given) => {
        for (const parse of [parseFqan, parseAttributeRequest]) {
          try {
            parse(given)
          } catch (error) {
            if (!isVoboxError(error, 'FQAN_INVALID')) throw error
          }
        }
      }),
    )
  })

  it('with a VO make a request that comes back from its text', () => {
    const request: fc.Arbitrary<AttributeRequest> = fc.record(
      { vo: word, fqan },
      { requiredKeys: ['vo'] },
    )
    fc.assert(
      fc.property(request, (given) => {
        expect(parseAttributeRequest(showAttributeRequest(given))).toEqual(given)
      }),
    )
  })
})

describe('.lsc files', () => {
  it('throw nothing but VOMS_TRUST_MISSING for any text', () => {
    const line = fc.constantFrom('/CN=a', '', '# x', '-----', '------ NEXT CHAIN ------', 'x')
    const text = fc.oneof(
      fc.string(),
      fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n')),
    )
    fc.assert(
      fc.property(text, (given) => {
        try {
          const { chains } = parseLsc(given, '/vomsdir/alice/x.lsc')
          expect(chains.every((pairs) => pairs.length > 0)).toBe(true)
        } catch (error) {
          if (!isVoboxError(error, 'VOMS_TRUST_MISSING')) throw error
        }
      }),
    )
  })
})
