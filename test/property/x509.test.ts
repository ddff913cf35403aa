import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isVoboxError } from '../../src/errors.js'
import { isSignedBy, parseCertificate } from '../../src/x509/certificate.js'
import { parseCrl } from '../../src/x509/crl.js'
import {
  type AttributeText,
  addedCommonName,
  buildName,
  nameHash,
  nameWithCommonName,
  parseName,
  sameName,
} from '../../src/x509/name.js'
import { encodePem, parsePem } from '../../src/x509/pem.js'
import { parsePrivateKey } from '../../src/x509/private-key.js'
import { createRequest, parseRequest } from '../../src/x509/request.js'
import { allowsSubject, parseSigningPolicy } from '../../src/x509/signing-policy.js'
import { TestAuthority, testKey } from '../support/pki.js'
import { makeCrl } from '../support/pki-files.js'

const ca = new TestAuthority()
const [certificate] = ca.issueHost('a.example.org', { ips: ['192.0.2.1'] }).chain
if (certificate === undefined) throw new TypeError('no certificate')

const encoding = fc.constantFrom('utf8', 'bmp', 'universal', 'ia5', 'printable', 't61', undefined)
const attribute: fc.Arbitrary<AttributeText> = fc
  .tuple(fc.constantFrom('CN', 'O', 'OU', 'UID'), fc.string({ maxLength: 20 }), encoding)
  .map(([type, text, how]) => (how === undefined ? [type, text] : [type, text, how]))
const part = fc.oneof(attribute, fc.array(attribute, { minLength: 1, maxLength: 3 }))
const parts = fc.array(part, { maxLength: 6 })

/** Changes up to three bytes, cuts, or repeats a piece. */
const mutation = fc.record({
  changes: fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(255)), {
    maxLength: 3,
  }),
  cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
})
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never

function mutate(bytes: Uint8Array, { changes, cut }: Mutation): Uint8Array {
  const mutated = Buffer.from(bytes)
  for (const [where, octet] of changes) mutated[Math.floor(where * mutated.length)] = octet
  return cut === null ? mutated : mutated.subarray(0, Math.floor(cut * mutated.length))
}

/** Runs `action`; only failures of ours with one of these codes may come out. */
function onlyOurs(action: () => unknown, ...codes: Parameters<typeof isVoboxError>[1][]): boolean {
  try {
    action()
    return true
  } catch (error) {
    if (!isVoboxError(error, ...codes)) throw error
    return false
  }
}

describe('names', () => {
  it('come back byte for byte, whatever is in them', () => {
    fc.assert(
      fc.property(parts, (texts) => {
        const name = buildName(texts)
        const again = parseName(Buffer.from(name.der))
        expect(sameName(name, again)).toBe(true)
        expect(again.oneLine).toBe(name.oneLine)
      }),
    )
  })

  it('show printable ASCII alone in their one-line form, one slash or more a part', () => {
    fc.assert(
      fc.property(parts, (texts) => {
        const { oneLine } = buildName(texts)
        expect(oneLine).toMatch(/^[\x20-\x7e]*$/)
        expect(oneLine.split('/').length - 1).toBeGreaterThanOrEqual(texts.length)
      }),
    )
  })

  it('know the one common name that was added, and only that way round', () => {
    fc.assert(
      fc.property(parts, fc.string(), (texts, added) => {
        const name = buildName(texts)
        const longer = nameWithCommonName(name, added)
        expect(addedCommonName(name, longer)).toBe(Buffer.from(added).toString())
        expect(addedCommonName(longer, name)).toBeUndefined()
        expect(addedCommonName(name, name)).toBeUndefined()
      }),
    )
  })

  it('have a hash that white space at the ends and case do not change', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme-ascii' }),
        fc.constantFrom('', ' ', '\t  '),
        (text, space) => {
          const plain = buildName([['CN', text, 'utf8']])
          const changed = buildName([['CN', `${space}${text.toUpperCase()}${space}`, 'utf8']])
          expect(nameHash(changed)).toBe(nameHash(plain))
        },
      ),
    )
  })
})

describe('damaged input', () => {
  it('of a certificate is refused with CERTIFICATE_MALFORMED or does not verify', () => {
    fc.assert(
      fc.property(mutation, (change) => {
        const damaged = mutate(certificate.der, change)
        const parsed = onlyOurs(() => {
          const read = parseCertificate(damaged)
          void read.publicKey
          expect(read.subject.oneLine).toMatch(/^[\x20-\x7e]*$/)
          const verified = isSignedBy(read, ca.certificate.publicKey)
          if (verified) expect(Buffer.compare(read.tbs, certificate.tbs)).toBe(0)
        }, 'CERTIFICATE_MALFORMED')
        if (damaged.length < certificate.der.length) expect(parsed).toBe(false)
      }),
      { numRuns: 3000 },
    )
  })

  it('of a CRL is refused with CRL_MALFORMED or does not verify', () => {
    const list = makeCrl(ca, { revoked: [certificate] })
    fc.assert(
      fc.property(mutation, (change) => {
        const damaged = mutate(list, change)
        onlyOurs(() => {
          const crl = parseCrl(damaged)
          crl.revokes(certificate.serialHex)
          if (crl.isSignedBy(ca.certificate.publicKey)) {
            expect(crl.revokes(certificate.serialHex)).toBe(true)
          }
        }, 'CRL_MALFORMED')
      }),
      { numRuns: 1000 },
    )
  })

  it('of a request is refused with REQUEST_MALFORMED or SIGNATURE_INVALID', () => {
    const request = createRequest(testKey('p256'), buildName([['CN', 'x']]))
    fc.assert(
      fc.property(mutation, (change) => {
        const damaged = mutate(request, change)
        onlyOurs(() => parseRequest(damaged), 'REQUEST_MALFORMED', 'SIGNATURE_INVALID')
      }),
      { numRuns: 1000 },
    )
  })

  it('of a PEM file is refused with PEM_MALFORMED', () => {
    const pem = Buffer.from(`text\n${encodePem('CERTIFICATE', certificate.der)}`)
    fc.assert(
      fc.property(mutation, (change) => {
        onlyOurs(() => parsePem(mutate(pem, change)), 'PEM_MALFORMED')
      }),
      { numRuns: 1000 },
    )
  })

  it('of a private key is refused with KEY_MALFORMED', () => {
    const bytes = testKey('p256').export({ type: 'pkcs8', format: 'der' })
    fc.assert(
      fc.property(mutation, (change) => {
        const block = { label: 'PRIVATE KEY', bytes: mutate(bytes, change), headers: new Map() }
        onlyOurs(() => parsePrivateKey(block), 'KEY_MALFORMED')
      }),
      { numRuns: 300 },
    )
  })
})

describe('PEM', () => {
  it('comes back with label and bytes, however many blocks there are', () => {
    const block = fc.tuple(
      fc.constantFrom('CERTIFICATE', 'PRIVATE KEY', 'X509 CRL'),
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
    )
    fc.assert(
      fc.property(fc.array(block, { maxLength: 5 }), (blocks) => {
        const text = blocks.map(([label, bytes]) => encodePem(label, bytes)).join('remark\n')
        const read = parsePem(text).map(({ label, bytes }) => [label, Uint8Array.from(bytes)])
        expect(read).toEqual(blocks)
      }),
    )
  })
})

describe('signing policies', () => {
  const issuer = buildName([['CN', 'CA']])
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "access_id_CA X509 '/CN=CA'",
      'pos_rights globus CA:sign',
      'neg_rights globus CA:sign',
      'cond_subjects globus \'"/CN=a*"\'',
      'cond_banned_subjects globus "*"',
      '# remark',
    ),
  )

  it('answer any text with a policy or SIGNING_POLICY_MALFORMED', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        onlyOurs(() => {
          allowsSubject(parseSigningPolicy(lines.join('\n')), issuer, issuer)
        }, 'SIGNING_POLICY_MALFORMED')
      }),
      { numRuns: 500 },
    )
  })

  it('never allow what their patterns do not name: no entry, no subject', () => {
    fc.assert(
      fc.property(parts, (texts) => {
        const policy = parseSigningPolicy(
          "access_id_CA X509 '/CN=CA'\npos_rights globus CA:sign\ncond_subjects globus '\"/DC=none/*\"'",
        )
        expect(allowsSubject(policy, issuer, buildName(texts))).toBe(false)
      }),
    )
  })
})
