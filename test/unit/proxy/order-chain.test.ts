import { describe, expect, it } from 'vitest'
import { orderChain, withoutDuplicates } from '../../../src/proxy/order-chain.js'
import { type Certificate, parseCertificate } from '../../../src/x509/certificate.js'
import { buildName } from '../../../src/x509/name.js'
import { failureOf } from '../../support/failure.js'
import { addProxies, TestAuthority } from '../../support/pki.js'
import { resign } from '../../support/pki-broken.js'

const root = new TestAuthority({ key: 'rsa2048' })
const middle = new TestAuthority({ name: buildName([['CN', 'Middle CA']]), parent: root })
const alice = middle.issueUser('alice')
const chain = addProxies(alice, 2, { commonName: '1' }).chain
const aliceDn = '/DC=org/DC=example/OU=Users/CN=alice'

const order = (certificates: readonly Certificate[]) => {
  const [leaf, ...others] = certificates
  if (leaf === undefined) throw new Error('a chain has a leaf')
  return orderChain(leaf, others)
}

const again = ({ der }: Certificate) => parseCertificate(Uint8Array.from(der))

describe('orderChain', () => {
  it('orders 4 certificates that came backwards behind their leaf', () => {
    const [leaf, ...above] = chain
    if (leaf === undefined) throw new Error('a chain has a leaf')
    expect(order([leaf, ...above.toReversed()])).toEqual(chain)
  })

  it('drops the root, and one whose own signature is MD5', () => {
    expect(order([...chain, root.certificate])).toEqual(chain)
    const old = resign(root.certificate, root.privateKey, 'md5')
    expect(old.signatureAlgorithm.name).toBe('md5WithRSAEncryption')
    expect(order([...chain, old])).toEqual(chain)
  })

  it('drops copies of its certificates, the leaf included', () => {
    expect(order([...chain, ...chain.map(again)])).toEqual(chain)
  })

  it('keeps a self-signed leaf', () => {
    expect(order([root.certificate])).toEqual([root.certificate])
  })

  it('refuses a chain with a gap and names both sides of it', () => {
    const failure = failureOf(() => order(chain.toSpliced(1, 1)))
    expect(failure.code).toBe('CHAIN_BROKEN')
    expect(failure.data).toEqual({
      reason: 'unconnected',
      subject: `${aliceDn}/CN=1/CN=1`,
      strays: [aliceDn, '/CN=Middle CA'],
    })
    expect(failure.hint).toContain(`${aliceDn}/CN=1 is missing`)
  })

  it('refuses an issuer of the right name that did not sign', () => {
    const namesake = new TestAuthority({ name: middle.name, parent: root })
    const failure = failureOf(() => order([...alice.chain.slice(0, 1), namesake.certificate]))
    expect(failure).toMatchObject({ code: 'CHAIN_BROKEN', data: { reason: 'unconnected' } })
  })

  it('refuses two certificates of one CA with one key, either of which could be meant', () => {
    const renewed = new TestAuthority({
      name: middle.name,
      parent: root,
      key: middle.privateKey,
    })
    const failure = failureOf(() => order([...alice.chain, renewed.certificate]))
    expect(failure.code).toBe('CHAIN_BROKEN')
    expect(failure.data).toEqual({ reason: 'ambiguous-issuer', subject: aliceDn })
  })
})

describe('withoutDuplicates', () => {
  it('keeps the first of each, in order', () => {
    expect(withoutDuplicates([...chain, ...chain.map(again)])).toEqual(chain)
  })
})
