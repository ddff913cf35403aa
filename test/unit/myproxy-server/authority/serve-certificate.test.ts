import { describe, expect, it } from 'vitest'
import { mayBeIssued } from '../../../../src/myproxy/server/authority/serve-certificate.js'
import { ANONYMOUS, plainDn } from '../../../../src/myproxy/server/policy/dn-pattern.js'
import type { MyProxyPolicy } from '../../../../src/myproxy/server/policy/policy.js'

const PORTAL = '/DC=org/OU=Hosts/CN=portal'
const trusted: MyProxyPolicy = { trustedRetrievers: [PORTAL], defaultTrustedRetrievers: ['*'] }

describe('mayBeIssued', () => {
  it.each<[string, string, MyProxyPolicy, boolean]>([
    ['a trusted retriever', PORTAL, { ...trusted, authorizedRetrievers: ['*'] }, true],
    ['a trusted one that may retrieve nothing', PORTAL, trusted, false],
    ['a renewer', PORTAL, { authorizedRenewers: ['*'] }, true],
    ['a retriever whom a pass phrase would serve', PORTAL, { authorizedRetrievers: ['*'] }, false],
    ['a client without a certificate', ANONYMOUS, { authorizedRenewers: ['*'] }, false],
  ])('decides for %s, before it is said which names there are', (_who, dn, policy, may) => {
    const client = { dn, forms: plainDn(dn), address: '192.0.2.1' }
    expect(mayBeIssued(policy, client)).toBe(may)
  })
})
