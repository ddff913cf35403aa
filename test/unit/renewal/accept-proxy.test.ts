import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/config/read-config.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import { acceptProxy } from '../../../src/renewal/accept-proxy.js'
import { addProxy, anchorsOf, realNow, TestAuthority } from '../../support/pki.js'
import { HOUR } from '../../support/time.js'

const ca = new TestAuthority()
const alice = ca.issueUser('alice')
const now = realNow()
const ending = (seconds: number) => addProxy(alice, { now, notAfter: now + seconds })

describe('acceptProxy', () => {
  it.each([
    ['accepts one that ends a second later', 12 * HOUR - 1, 12 * HOUR, 'accepted'],
    ['accepts the second of two full grants within one second', 12 * HOUR, 12 * HOUR, 'accepted'],
    ['accepts it though a second was lost on the way', 12 * HOUR - 1, 12 * HOUR - 1, 'accepted'],
    ['keeps the old one where both end with what they come from', 6 * HOUR, 6 * HOUR, 'capped'],
    ['keeps the old one that ends a second later', 12 * HOUR + 1, 12 * HOUR, 'capped'],
  ])('%s, 12 h being asked for', (_name, oldSeconds, freshSeconds, verdict) => {
    const current = describeChain(ending(oldSeconds).chain)
    const identityDer = Buffer.from(current.identity.der).toString('base64')
    const judged = acceptProxy(ending(freshSeconds), {
      current,
      registration: { identityDer, lifetimeSeconds: 12 * HOUR },
      anchors: anchorsOf(ca),
      now,
      config: readConfig({}),
    })
    expect(judged).toMatchObject({
      verdict,
      end: now + freshSeconds,
      grantedSeconds: freshSeconds,
      chainSeconds: freshSeconds,
    })
  })
})
