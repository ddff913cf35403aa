import { describe, expect, it } from 'vitest'
import { chainWeaknesses } from '../../../src/proxy/weaknesses.js'
import { addProxy, TestAuthority } from '../../support/pki.js'
import { resignWithSha1 } from '../../support/pki-broken.js'

describe('chainWeaknesses', () => {
  const ca = new TestAuthority({ key: 'rsa2048' })

  it('finds nothing in P-256 and RSA-2048 with SHA-256', () => {
    const alice = ca.issueUser('alice', { key: 'rsa2048' })
    expect(chainWeaknesses(addProxy(alice).chain)).toEqual([])
  })

  it('names the certificate with an RSA key of 1024 bits', () => {
    const old = addProxy(ca.issueUser('alice'), { key: 'rsa1024', commonName: '1' })
    expect(chainWeaknesses(old.chain)).toEqual([
      {
        kind: 'small-key',
        certificate: old.chain[0],
        message: '/DC=org/DC=example/OU=Users/CN=alice/CN=1 has an RSA key of only 1024 bits',
      },
    ])
  })

  it('names the certificate that is signed with SHA-1, and not what stands below it', () => {
    const old = resignWithSha1(ca.issueUser('alice', { key: 'rsa2048' }), ca.privateKey)
    expect(chainWeaknesses(addProxy(old).chain)).toEqual([
      {
        kind: 'weak-signature',
        certificate: old.chain[0],
        message: '/DC=org/DC=example/OU=Users/CN=alice is signed with sha1WithRSAEncryption',
      },
    ])
  })
})
