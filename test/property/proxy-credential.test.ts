import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../src/errors.js'
import { encodeCredential, parseCredential } from '../../src/proxy/credential.js'
import { inspectCredential } from '../../src/proxy/inspect.js'
import {
  encodeProxyCertInfo,
  type ProxyCertInfo,
  parseProxyCertInfo,
} from '../../src/proxy/proxy-cert-info.js'
import { encodePem, parsePem } from '../../src/x509/pem.js'
import { addProxies, anchorsOf, realNow, TestAuthority } from '../support/pki.js'

const ca = new TestAuthority()
const credential = addProxies(ca.issueUser('alice'), 2)
const anchors = anchorsOf(ca)
const encoded = encodeCredential(credential)
const blocks = parsePem(encoded)

/** Runs a parser on hostile input: it may refuse, in our own way only. */
function parseOrRefuse<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof VoboxError) return undefined
    throw error
  }
}

const original = credential.chain.map(({ fingerprintSha256 }) => fingerprintSha256)

/** Parses, describes and validates; whatever passes must be what we made, certificate by certificate. */
function expectRefusedOrUnchanged(bytes: Uint8Array): void {
  const options = { now: realNow(), allowLegacyProxies: true, maxDelegationDepth: 10 }
  const { verdict, certificates } = inspectCredential(bytes, anchors, options).report
  if (!verdict.valid) return
  expect(certificates.map(({ fingerprintSha256 }) => fingerprintSha256)).toEqual(original)
}

describe('parseCredential', () => {
  it('throws nothing but VoboxError on random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), expectRefusedOrUnchanged))
  })

  it('validates no file with up to 8 bytes changed, unless it says the same', () => {
    const change = fc.record({ at: fc.nat(encoded.length - 1), to: fc.nat(255) })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const bytes = Buffer.from(encoded)
        for (const { at, to } of changes) bytes[at] = to
        expectRefusedOrUnchanged(bytes)
      }),
      { numRuns: 400 },
    )
  })

  it('validates no certificate with up to 4 bytes changed inside, and throws nothing odd', () => {
    const change = fc.record({
      block: fc.nat(blocks.length - 1),
      at: fc.nat(2000),
      to: fc.nat(255),
    })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const contents = blocks.map(({ bytes }) => Buffer.from(bytes))
        for (const { block, at, to } of changes) {
          const content = contents[block]
          if (content !== undefined) content[at % content.length] = to
        }
        const pem = blocks.map(({ label }, index) =>
          encodePem(label, contents[index] ?? Buffer.alloc(0)),
        )
        expectRefusedOrUnchanged(Buffer.from(pem.join('')))
      }),
      { numRuns: 400 },
    )
  })

  it('refuses a file cut at any byte before its last block ends', () => {
    const lastBlockEnd = encoded.length - '\n'.length
    fc.assert(
      fc.property(fc.nat(lastBlockEnd - 1), (end) => {
        const whole = parseOrRefuse(() => parseCredential(encoded.subarray(0, end)))
        // What is cut between two blocks is a shorter chain, still of the same leaf.
        expect(whole?.chain.length ?? 0).toBeLessThan(credential.chain.length)
      }),
    )
  })

  it('gives the same credential for blocks in any order, duplicates included', () => {
    const order = fc.shuffledSubarray(
      blocks.map((_, index) => index),
      { minLength: blocks.length },
    )
    fc.assert(
      fc.property(order, fc.nat(3), fc.string(), (indexes, doubled, remark) => {
        const pem = indexes.flatMap((index) => {
          const block = blocks[index]
          if (block === undefined) return []
          const text = encodePem(block.label, block.bytes)
          return index === doubled && block.label === 'CERTIFICATE' ? [text, text] : [text]
        })
        const between = `\n${remark.replace(/[-\0]/g, '')}\n`
        expect(encodeCredential(parseCredential(Buffer.from(pem.join(between))))).toEqual(encoded)
      }),
    )
  })
})

describe('ProxyCertInfo', () => {
  const oid = fc
    .array(fc.nat(2 ** 31), { minLength: 1, maxLength: 8 })
    .map((arcs) => `1.3.${arcs.join('.')}`)
  const info: fc.Arbitrary<ProxyCertInfo> = fc.record(
    {
      policyLanguage: oid,
      pathLength: fc.nat(2 ** 31 - 1),
      policy: fc.uint8Array({ maxLength: 40 }),
    },
    { requiredKeys: ['policyLanguage'] },
  )

  it.each(['rfc3820', 'draft'] as const)('comes back from its encoding as %s', (kind) => {
    fc.assert(
      fc.property(info, (given) => {
        const parsed = parseProxyCertInfo(encodeProxyCertInfo(given, kind), kind)
        expect({ ...parsed, policy: parsed.policy && [...parsed.policy] }).toEqual({
          ...given,
          policy: given.policy && [...given.policy],
        })
      }),
    )
  })

  it.each(['rfc3820', 'draft'] as const)('throws only VoboxError on random bytes as %s', (kind) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        parseOrRefuse(() => parseProxyCertInfo(bytes, kind))
      }),
    )
  })
})
