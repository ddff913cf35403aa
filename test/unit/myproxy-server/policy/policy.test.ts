import { describe, expect, it } from 'vitest'
import {
  decideDelegation,
  type Wanted,
} from '../../../../src/myproxy/server/exchanges/decide-delegation.js'
import { ANONYMOUS, plainDn } from '../../../../src/myproxy/server/policy/dn-pattern.js'
import {
  decideAccess,
  isNamedToStore,
  type MyProxyPolicy,
  mayStore,
} from '../../../../src/myproxy/server/policy/policy.js'
import { buildName } from '../../../../src/x509/name.js'

const ALICE = '/DC=org/CN=alice'
const VOBOX = '/DC=org/OU=Hosts/CN=vobox'
const PORTAL = '/DC=org/OU=Hosts/CN=portal'

/**
 * As sites configure it: hosts may renew what users allow, anybody retrieves with a pass phrase.
 */
const site: MyProxyPolicy = {
  acceptedCredentials: ['/DC=org/*'],
  authorizedRetrievers: ['*'],
  authorizedRenewers: ['/DC=org/OU=Hosts/*'],
  defaultRenewers: ['none'],
}

describe('decideAccess', () => {
  it('lets the server refuse before anything a credential says', () => {
    expect(decideAccess(site, 'authorized_renewers', plainDn(ALICE), { renewer: '*' })).toEqual({
      allowed: false,
      reason: `"${ALICE}" not authorized by server's authorized_renewers policy`,
    })
  })

  it('lets a credential narrow what the server allows', () => {
    const wanted = { renewer: '*/CN=vobox' }
    expect(decideAccess(site, 'authorized_renewers', plainDn(VOBOX), wanted)).toEqual({
      allowed: true,
    })
    expect(decideAccess(site, 'authorized_renewers', plainDn(PORTAL), wanted)).toEqual({
      allowed: false,
      reason: `"${PORTAL}" not authorized by credential's authorized_renewers policy`,
    })
  })

  it('falls back on the default where a credential names nobody', () => {
    expect(decideAccess(site, 'authorized_renewers', plainDn(VOBOX), {})).toEqual({
      allowed: false,
      reason: `"${VOBOX}" not authorized by server's default authorized_renewers policy`,
    })
    expect(decideAccess(site, 'authorized_retrievers', plainDn(VOBOX), {})).toEqual({
      allowed: true,
    })
  })

  it('trusts nobody by default to retrieve without a pass phrase', () => {
    const open = { ...site, trustedRetrievers: ['*'] }
    expect(decideAccess(open, 'trusted_retrievers', plainDn(PORTAL), {})).toMatchObject({
      allowed: false,
    })
    expect(
      decideAccess(open, 'trusted_retrievers', plainDn(PORTAL), { trustedRetriever: PORTAL }),
    ).toEqual({
      allowed: true,
    })
  })

  it.each(['/DC=org/CN=host/*', '/DC=org/CN=host\\\\/*', '*host/vobox.org'])(
    'knows a host called host/vobox.org by %s, whichever OpenSSL the pattern is from',
    (pattern) => {
      const dn = buildName([
        ['DC', 'org'],
        ['CN', 'host/vobox.org'],
      ])
      expect(dn.oneLine).toBe('/DC=org/CN=host\\/vobox.org')
      const policy = { authorizedRenewers: [pattern], acceptedCredentials: [pattern] }
      expect(mayStore(policy, dn)).toBe(true)
      for (const own of [{ renewer: pattern }, {}]) {
        expect(decideAccess(policy, 'authorized_renewers', dn, own)).toEqual({ allowed: true })
      }
      expect(decideAccess(policy, 'authorized_renewers', dn, { renewer: '*/CN=other' })).toEqual({
        allowed: false,
        reason: `"${dn.oneLine}" not authorized by credential's authorized_renewers policy`,
      })
      expect(mayStore(policy, plainDn('/DC=org/CN=hostess/vobox.org/x'))).toBe(false)
    },
  )

  it('lets nobody do anything when no line allows it', () => {
    expect(mayStore({}, plainDn(ALICE))).toBe(false)
    for (const access of ['trusted_retrievers', 'authorized_retrievers', 'authorized_renewers']) {
      const decision = decideAccess({}, access as 'authorized_renewers', plainDn(ALICE), {
        renewer: '*',
      })
      expect(decision).toMatchObject({ allowed: false })
    }
  })
})

describe('decideDelegation', () => {
  const forRenewal: Wanted = { identity: ALICE, renewer: '*', isProtected: false }
  const byPassPhrase: Wanted = { identity: ALICE, isProtected: true }
  const ask = (dn: string, passPhrase = '') => ({
    dn: plainDn(dn),
    hasPassPhrase: passPhrase !== '',
  })

  it.each([
    ['challenges a renewer', site, ask(VOBOX), forRenewal, { action: 'challenge' }],
    [
      'checks the pass phrase of somebody without a certificate',
      site,
      ask(ANONYMOUS, 'secret'),
      byPassPhrase,
      { action: 'check-pass-phrase' },
    ],
    [
      'asks a renewer for the pass phrase of what was stored with one',
      site,
      ask(VOBOX),
      { ...forRenewal, isProtected: true },
      { action: 'refuse', because: 'pass-phrase' },
    ],
    [
      'asks for a pass phrase where only retrieval is open',
      site,
      ask(PORTAL),
      byPassPhrase,
      { action: 'refuse', because: 'pass-phrase' },
    ],
    [
      'does not let a client without a certificate renew, though every renewer is welcome',
      { ...site, authorizedRenewers: ['*'] },
      ask(ANONYMOUS),
      forRenewal,
      { action: 'refuse', because: 'policy', really: 'policy' },
    ],
    [
      'does not let a proxy renew itself',
      { authorizedRenewers: ['*'] },
      ask(ALICE),
      forRenewal,
      { action: 'refuse', because: 'policy' },
    ],
    [
      'lets a proxy renew itself where that is configured',
      { authorizedRenewers: ['*'], allowSelfAuthorization: true },
      ask(ALICE),
      forRenewal,
      { action: 'challenge' },
    ],
    [
      'gives a trusted retriever what it wants at once',
      { authorizedRetrievers: ['*'], trustedRetrievers: [PORTAL] },
      ask(PORTAL),
      { identity: ALICE, trustedRetriever: PORTAL, isProtected: false },
      { action: 'trust' },
    ],
    [
      'tells a renewer that nothing is stored',
      site,
      ask(VOBOX),
      undefined,
      { action: 'refuse', because: 'not-stored' },
    ],
    [
      'does not tell somebody without a certificate that nothing is stored',
      site,
      ask(ANONYMOUS, 'secret'),
      undefined,
      { action: 'refuse', because: 'wrong-pass-phrase', really: 'not-stored' },
    ],
    [
      'does not tell somebody whom no line admits that nothing is stored',
      { authorizedRenewers: ['none'] },
      ask(VOBOX),
      undefined,
      { action: 'refuse', because: 'policy' },
    ],
  ])('%s', (_name, policy, asker, wanted, decision) => {
    expect(decideDelegation(policy, asker, wanted)).toMatchObject(decision)
  })

  it('says why somebody who is listed may not renew', () => {
    const open = { authorizedRenewers: ['*'] }
    const reason = (dn: string) => {
      const decision = decideDelegation(open, ask(dn), forRenewal)
      return 'reasons' in decision ? decision.reasons.at(-1) : decision
    }
    expect(reason(ALICE)).toBe(
      `"${ALICE}" not authorized by server's authorized_renewers policy (self-authz not allowed)`,
    )
    expect(reason(ANONYMOUS)).toMatch(/authorized_renewers policy \(a certificate is needed\)$/)
  })

  const stored: readonly [what: string, wanted: Wanted | undefined][] = [
    ['nothing', undefined],
    ['what names another retriever', { ...byPassPhrase, retriever: PORTAL }],
    ['what names no retriever', byPassPhrase],
    ['what has no pass phrase', { ...forRenewal, retriever: PORTAL }],
    ['what names a renewer and a trusted retriever', { ...forRenewal, trustedRetriever: '*' }],
  ]
  const closed = { authorizedRetrievers: ['*'], defaultRetrievers: ['none'] }

  it.each([
    ['without a certificate', site, ANONYMOUS],
    ['whom no line lets renew', site, ALICE],
    ['of a server whose default admits nobody', closed, PORTAL + 2],
    ['whom no line admits at all', { authorizedRetrievers: [VOBOX] }, ALICE],
    ['without a certificate where all may renew', { authorizedRenewers: ['*'] }, ANONYMOUS],
  ])('says to a client %s the same, whatever is stored', (_who, policy, dn) => {
    for (const passPhrase of ['', 'secret']) {
      const told = stored.flatMap(([what, wanted]) => {
        const decision = decideDelegation(policy, ask(dn, passPhrase), wanted)
        if (decision.action !== 'refuse') return []
        const { really, ...rest } = decision
        expect(really, what).toBeDefined()
        return [rest]
      })
      expect(told.length).toBeGreaterThan(2)
      expect(told).toEqual(told.map(() => told[0]))
    }
  })

  it('says to a machine that no line lets renew which lines those are, whatever is stored', () => {
    const decisions = stored.map(([, wanted]) => decideDelegation(site, ask(ALICE), wanted))
    const reasons = [
      `"${ALICE}" not authorized by server's trusted_retrievers policy`,
      `"${ALICE}" not authorized by server's authorized_renewers policy`,
      'invalid credential passphrase',
    ]
    expect(decisions.map((decision) => 'reasons' in decision && decision.reasons)).toEqual(
      stored.map(() => reasons),
    )
  })

  it('tells a renewer and a trusted retriever what is in the way, and who comes with both lines', () => {
    const other = { ...forRenewal, renewer: PORTAL, retriever: PORTAL }
    const trusting = { trustedRetrievers: ['*'], authorizedRetrievers: ['*'] }
    for (const policy of [site, trusting]) {
      expect(decideDelegation(policy, ask(VOBOX), undefined)).toEqual({
        ...{ action: 'refuse', because: 'not-stored' },
      })
      expect(decideDelegation(policy, ask(VOBOX), other)).toMatchObject({ because: 'policy' })
    }
    const half = { trustedRetrievers: ['*'] }
    expect(decideDelegation(half, ask(VOBOX), undefined)).toMatchObject({ really: 'not-stored' })
  })

  it('names each policy that was looked at, as the C server does', () => {
    const decision = decideDelegation({}, ask(VOBOX), forRenewal)
    expect(decision).toEqual({
      action: 'refuse',
      because: 'policy',
      really: 'policy',
      reasons: [
        `"${VOBOX}" not authorized by server's trusted_retrievers policy`,
        `"${VOBOX}" not authorized by server's authorized_retrievers policy`,
        `"${VOBOX}" not authorized by server's authorized_renewers policy`,
      ],
    })
  })
})

describe('isNamedToStore', () => {
  it.each([
    ['the DN itself', '/DC=org/CN=host/px.example.org', true],
    ['the DN itself as a subject', 'subject:/DC=org/CN=host/px.example.org', true],
    ['a pattern that matches it', '/DC=org/CN=host/*', false],
    ['another DN', '/DC=org/CN=host/py.example.org', false],
  ])('knows whether a server names a primary: by %s', (_name, accepted, named) => {
    const dn = {
      oneLine: '/DC=org/CN=host\\/px.example.org',
      classicOneLine: '/DC=org/CN=host/px.example.org',
    }
    expect(isNamedToStore({ acceptedCredentials: ['/none', accepted] }, dn)).toBe(named)
  })

  it('is true of nobody where nobody may store', () => {
    expect(isNamedToStore({}, plainDn('/CN=a'))).toBe(false)
  })
})
