/** Certificates made to keep whoever looks at them busy: a peer chooses what it presents. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { isSignedBy, parseCertificate } from '../../../src/x509/certificate.js'
import { buildName } from '../../../src/x509/name.js'
import { signCertificate } from '../../../src/x509/sign-certificate.js'
import { cpuSecondsOf } from '../../support/cpu-time.js'
import { testKey } from '../../support/pki.js'

const name = buildName([['CN', 'busy']])
const certificateOf = (signer: KeyObject, oids: readonly string[] = []) =>
  signCertificate(
    {
      serial: Uint8Array.of(1),
      issuer: name,
      subject: name,
      notBefore: asUnixSeconds(1_700_000_000),
      notAfter: asUnixSeconds(2_600_000_000),
      publicKey: createPublicKey(signer),
      extensions: oids.map((oid) => ({ oid, critical: false, value: new Uint8Array() })),
    },
    signer,
  )

describe('a certificate that is expensive to look at', () => {
  it('with 60,000 extensions takes under 20 s of computing, not the minute of comparing each with each', () => {
    const oids = Array.from({ length: 60_000 }, (_, index) => `1.3.${index >> 8}.${index & 255}`)
    const der = certificateOf(testKey(), oids)
    const read = () => expect(parseCertificate(der).extensions).toHaveLength(60_000)
    expect(cpuSecondsOf(read)).toBeLessThan(20)
  })

  it('by an RSA key with an exponent of 33 bits proves nothing, though its signature is right', () => {
    const usual = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    expect(isSignedBy(parseCertificate(certificateOf(usual)), createPublicKey(usual))).toBe(true)
    const costly = withExponent(usual, 2n ** 32n + 15n)
    const certificate = parseCertificate(certificateOf(costly))
    expect(isSignedBy(certificate, certificate.publicKey)).toBe(false)
  })
})

/** The same primes with another public exponent, from the next odd one that has an inverse. */
function withExponent(key: KeyObject, least: bigint): KeyObject {
  const jwk = key.export({ format: 'jwk' })
  const number = (text = '') => BigInt(`0x${Buffer.from(text, 'base64url').toString('hex')}`)
  const text = (value: bigint) => {
    const hex = value.toString(16)
    return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url')
  }
  const [p, q] = [number(jwk.p), number(jwk.q)]
  const phi = (p - 1n) * (q - 1n)
  for (let e = least; ; e += 2n) {
    const d = inverse(e, phi)
    if (d === undefined) continue
    const [dp, dq] = [text(d % (p - 1n)), text(d % (q - 1n))]
    return createPrivateKey({ key: { ...jwk, e: text(e), d: text(d), dp, dq }, format: 'jwk' })
  }
}

/** By Euclid; undefined when the two have a common factor. */
function inverse(value: bigint, modulus: bigint): bigint | undefined {
  let [r0, r1, t0, t1] = [modulus, value, 0n, 1n]
  while (r1 !== 0n) {
    const quotient = r0 / r1
    ;[r0, r1] = [r1, r0 - quotient * r1]
    ;[t0, t1] = [t1, t0 - quotient * t1]
  }
  return r0 === 1n ? ((t0 % modulus) + modulus) % modulus : undefined
}
