import { describe, expect, it } from 'vitest'
import { isSignedBy } from '../../../src/x509/certificate.js'
import { CertificateCache } from '../../../src/x509/certificate-cache.js'
import { failureOf } from '../../support/failure.js'
import { TestAuthority } from '../../support/pki.js'

const authority = new TestAuthority()
const certificateOf = (name: string) => authority.issueUser(name).chain[0]?.der ?? new Uint8Array()
const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(certificateOf) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
]

describe('CertificateCache', () => {
  it('gives the same object for the same bytes, wherever they lie', () => {
    const cache = new CertificateCache()
    expect(cache.parse(Buffer.from(alice))).toBe(cache.parse(alice))
    expect(cache.parse(alice)).not.toBe(cache.parse(bob))
  })

  it('is not fooled when whoever lent the bytes writes over them', () => {
    const cache = new CertificateCache()
    const lent = Buffer.from(alice)
    const certificate = cache.parse(lent)
    lent.fill(0)
    expect(Buffer.from(certificate.der)).toEqual(Buffer.from(alice))
    expect(isSignedBy(certificate, authority.certificate.publicKey)).toBe(true)
    expect(cache.parse(alice)).toBe(certificate)
  })

  it('forgets what was not used for longest when a third one comes and 2 are kept', () => {
    const cache = new CertificateCache(2)
    const [first, second] = [cache.parse(alice), cache.parse(bob)]
    expect(cache.parse(alice)).toBe(first)
    cache.parse(carol)
    expect(cache.parse(alice)).toBe(first)
    expect(cache.parse(bob)).not.toBe(second)
  })

  it('keeps nothing of bytes that are no certificate', () => {
    const cache = new CertificateCache()
    for (const attempt of [1, 2]) {
      const error = failureOf(() => cache.parse(Buffer.from('no certificate')))
      expect(error, `attempt ${attempt}`).toMatchObject({ code: 'CERTIFICATE_MALFORMED' })
    }
  })
})

describe('isSignedBy', () => {
  it('answers for each key apart, however often it is asked', () => {
    const certificate = new CertificateCache().parse(alice)
    const other = new TestAuthority().certificate.publicKey
    for (const attempt of [1, 2]) {
      expect(isSignedBy(certificate, other), `attempt ${attempt}`).toBe(false)
      expect(isSignedBy(certificate, authority.certificate.publicKey)).toBe(true)
    }
  })
})
