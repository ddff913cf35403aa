import { describe, expect, it } from 'vitest'
import { answerDelegation, credentialFromDelegation } from '../../../src/gsi/delegation.js'
import { systemRandom } from '../../../src/node/ports/random.js'
import type { Credential } from '../../../src/proxy/credential.js'
import { CertificateCache } from '../../../src/x509/certificate-cache.js'
import { keysMatch } from '../../../src/x509/private-key.js'
import { createRequest } from '../../../src/x509/request.js'
import { failureOf } from '../../support/failure.js'
import { addProxies, addProxy, realNow, TestAuthority, testKey } from '../../support/pki.js'

const ca = new TestAuthority()
const alice = ca.issueUser('alice')
const now = realNow()
const HOUR = 3600

const answer = (signer: Credential, privateKey = testKey(), lifetimeSeconds = 12 * HOUR) => ({
  privateKey,
  certificates: answerDelegation({
    request: createRequest(privateKey),
    signer,
    lifetimeSeconds,
    now,
    random: systemRandom,
  }),
})
const der = (certificates: readonly { der: Uint8Array }[]) => certificates.map((one) => one.der)

describe('answerDelegation', () => {
  it('signs a proxy of 12 h for the key of the request and sends the chain along', () => {
    const { privateKey, certificates } = answer(alice)
    expect(certificates).toHaveLength(2)
    const [proxy, endEntity] = certificates
    expect(proxy && keysMatch(privateKey, proxy.publicKey)).toBe(true)
    expect(proxy?.notAfter).toBe(now + 12 * HOUR)
    expect(endEntity?.der).toEqual(alice.chain[0]?.der)
  })

  it('ends with the signer where that ends first', () => {
    const signer = addProxy(alice, { hours: 2, now })
    expect(answer(signer).certificates[0]?.notAfter).toBe(now + 2 * HOUR)
  })

  it('stays limited below a limited proxy', () => {
    const { privateKey, certificates } = answer(addProxy(alice, { policy: 'limited' }))
    const credential = credentialFromDelegation(privateKey, der(certificates))
    expect(credential.chain).toHaveLength(3)
    expect(credential.chain[0]?.subject.oneLine).toMatch(/\/CN=\d+\/CN=\d+$/)
  })

  it('refuses a request that is not signed by its key', () => {
    const request = Buffer.from(createRequest(testKey()))
    request.writeUInt8(request.readUInt8(request.length - 1) ^ 1, request.length - 1)
    const failure = failureOf(() =>
      answerDelegation({
        request,
        signer: alice,
        lifetimeSeconds: HOUR,
        now,
        random: systemRandom,
      }),
    )
    expect(['SIGNATURE_INVALID', 'REQUEST_MALFORMED']).toContain(failure.code)
  })
})

describe('credentialFromDelegation', () => {
  it('takes a chain of 5 in the order it came', () => {
    const { privateKey, certificates } = answer(addProxies(alice, 3))
    const credential = credentialFromDelegation(privateKey, der(certificates))
    expect(der(credential.chain)).toEqual(der(certificates))
    expect(credential.privateKey).toBe(privateKey)
  })

  it('knows what stands above a fresh proxy from the delegation before, and reads the proxy anew', () => {
    const { parse } = new CertificateCache()
    const signer = addProxy(alice)
    const [one, other] = [answer(signer), answer(signer)].map(
      ({ privateKey, certificates }) =>
        credentialFromDelegation(privateKey, der(certificates), parse).chain,
    )
    expect(one?.length).toBe(3)
    expect(one?.slice(1).map((each, at) => each === other?.[at + 1])).toEqual([true, true])
    expect(one?.[0]).not.toBe(other?.[0])
  })

  it('refuses a proxy for a key that is not ours', () => {
    const { certificates } = answer(alice)
    const failure = failureOf(() => credentialFromDelegation(testKey(), der(certificates)))
    expect(failure.code).toBe('PROXY_KEY_MISMATCH')
    expect(failure.data.subject).toBe(certificates[0]?.subject.oneLine)
  })

  it.each([
    ['the proxy alone', (all: Uint8Array[]) => all.slice(0, 1)],
    ['a gap', (all: Uint8Array[]) => [...all.slice(0, 1), ...all.slice(2)]],
    ['a stray', (all: Uint8Array[]) => [...all, ...der(ca.issueUser('eve').chain)]],
  ])('refuses %s as a broken chain', (_what, change) => {
    const { privateKey, certificates } = answer(addProxy(alice))
    const failure = failureOf(() => credentialFromDelegation(privateKey, change(der(certificates))))
    expect(failure.code).toBe('CHAIN_BROKEN')
  })

  it('refuses bytes that are no certificate', () => {
    const failure = failureOf(() => credentialFromDelegation(testKey(), [Buffer.from([0x30, 0])]))
    expect(failure.code).toBe('CERTIFICATE_MALFORMED')
  })

  it('takes an empty list for a programming error', () => {
    expect(() => credentialFromDelegation(testKey(), [])).toThrow(TypeError)
  })
})
