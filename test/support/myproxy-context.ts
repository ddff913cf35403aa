/** What the MyProxy client needs, for tests: real sockets and time, names of ours. */
import { VoboxError } from '../../src/errors.js'
import type { MyProxyContext } from '../../src/myproxy/client.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeDialer } from '../../src/node/ports/dialer.js'
import type { Address, Dialer } from '../../src/ports/dialer.js'
import { silentJournal } from '../../src/ports/journal.js'
import type { KeyGenerator } from '../../src/ports/key-generator.js'
import { makeTrustAnchors } from '../../src/x509/trust-anchors.js'
import { realNow, type TestAuthority, testKey } from './pki.js'

/** Resolves the names it was given and no others; connects for real. */
export function dialerWithNames(names: Readonly<Record<string, readonly string[]>>): Dialer {
  return {
    connect: nodeDialer.connect,
    async resolve(host) {
      const found = names[host]
      if (found === undefined) throw new VoboxError('NAME_NOT_RESOLVED', `no ${host}`)
      return found.map((ip): Address => ({ ip, family: ip.includes(':') ? 6 : 4 }))
    },
  }
}

/** Fresh P-256 keys, counted. */
export class CountingKeys implements KeyGenerator {
  made = 0

  async generate() {
    this.made += 1
    return testKey('p256')
  }
}

/** Deadlines that no busy machine misses; `px.example.org` is 127.0.0.1. */
export function myproxyContext(
  authority: TestAuthority,
  changes: Partial<MyProxyContext> = {},
): MyProxyContext {
  const anchors = makeTrustAnchors(
    { certificates: [authority.certificate] },
    { allowMissingSigningPolicy: true, now: realNow },
  )
  return {
    clock: systemClock,
    dialer: dialerWithNames({ 'px.example.org': ['127.0.0.1'] }),
    journal: silentJournal,
    anchors: async () => anchors,
    connectMs: 10_000,
    answerMs: 10_000,
    tlsMaxVersion: 'TLSv1.2',
    maxDelegationDepth: 10,
    allowLegacyProxies: false,
    keys: new CountingKeys(),
    keyKind: 'p256',
    allowSha1Challenge: false,
    serverDn: null,
    ...changes,
  }
}
