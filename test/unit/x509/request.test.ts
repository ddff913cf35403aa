import { createPublicKey } from 'node:crypto'
import 'reflect-metadata'
import { Pkcs10CertificateRequest } from '@peculiar/x509'
import { describe, expect, it } from 'vitest'
import { buildName } from '../../../src/x509/name.js'
import { createRequest, parseRequest } from '../../../src/x509/request.js'
import { failureOf } from '../../support/failure.js'
import { testKey } from '../../support/pki.js'

describe('certification requests', () => {
  it.each([
    ['RSA-2048', testKey('rsa2048')],
    ['P-256', testKey('p256')],
  ])('of a key of kind %s come back with that key and an empty subject', async (_name, key) => {
    const der = createRequest(key)
    const { subject, publicKey } = parseRequest(der)
    expect(subject.oneLine).toBe('')
    expect(publicKey.equals(createPublicKey(key))).toBe(true)
    // An independent reader agrees.
    expect(await new Pkcs10CertificateRequest(der).verify()).toBe(true)
  })

  it('carry the subject that was given', () => {
    const subject = buildName([['CN', 'Grüße', 'bmp']])
    expect(parseRequest(createRequest(testKey('p256'), subject)).subject.der).toEqual(subject.der)
  })

  it('prove that the sender holds the key: one flipped bit is SIGNATURE_INVALID', () => {
    const der = Buffer.from(createRequest(testKey('p256'), buildName([['CN', 'alice']])))
    der[der.indexOf('alice')] = 'A'.charCodeAt(0)
    expect(failureOf(() => parseRequest(der))).toMatchObject({
      code: 'SIGNATURE_INVALID',
      data: { algorithm: 'ecdsa-with-SHA256' },
    })
  })

  it.each([
    ['no bytes', () => new Uint8Array()],
    ['trailing bytes', () => Buffer.concat([createRequest(testKey('p256')), Buffer.of(0)])],
    ['half of them', () => createRequest(testKey('p256')).subarray(0, 60)],
    ['a point on no curve', () => Buffer.from(createRequest(testKey('p256'))).fill(1, 40, 90)],
  ])('are refused when they are %s', (_name, der) => {
    expect(failureOf(() => parseRequest(der())).code).toBe('REQUEST_MALFORMED')
  })
})
