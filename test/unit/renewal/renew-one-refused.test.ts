import { describe, expect, it } from 'vitest'
import { OID } from '../../../src/asn1/oids.js'
import { renewOne } from '../../../src/renewal/renew-one.js'
import { buildName } from '../../../src/x509/name.js'
import { encodeExtendedKeyUsage } from '../../../src/x509/sign-certificate.js'
import { addProxy, TestAuthority } from '../../support/pki.js'
import { type RenewalWorld, worldWithAlice } from '../../support/renewal-world.js'
import { HOUR } from '../../support/time.js'

describe('renewOne, offered what was not promised', () => {
  const lies: [string, string, (world: RenewalWorld) => void][] = [
    [
      'another user of the same CA',
      'RENEWED_IDENTITY_DIFFERS',
      (world) => {
        const eve = world.ca.issueUser('eve')
        world.myproxy.falsify = () => addProxy(eve, { now: world.clock.now() })
      },
    ],
    [
      'the same name from an unknown CA, and for ten times as long,',
      'CHAIN_UNTRUSTED',
      (world) => {
        const forger = new TestAuthority({ name: buildName([['CN', 'Forgers']]) })
        const alice = forger.issueUser('alice')
        world.myproxy.falsify = () => addProxy(alice, { now: world.clock.now(), hours: 480 })
      },
    ],
    [
      'the same name from a CA that calls itself like ours',
      'SIGNATURE_INVALID',
      (world) => {
        const alice = new TestAuthority().issueUser('alice')
        world.myproxy.falsify = () => addProxy(alice, { now: world.clock.now(), hours: 480 })
      },
    ],
    [
      'a limited proxy for a full one',
      'RENEWED_LIMITED',
      (world) => {
        world.myproxy.falsify = (fresh) =>
          addProxy(fresh, { policy: 'limited', now: world.clock.now(), hours: 47 })
      },
    ],
    [
      'an independent proxy',
      'RENEWED_LIMITED',
      (world) => {
        world.myproxy.falsify = (fresh) =>
          addProxy(fresh, { policy: 'independent', now: world.clock.now(), hours: 47 })
      },
    ],
    [
      'a proxy that can be delegated no further',
      'RENEWED_LIMITED',
      (world) => {
        world.myproxy.falsify = (fresh) =>
          addProxy(fresh, { pathLength: 0, now: world.clock.now(), hours: 47 })
      },
    ],
    [
      'a proxy for servers alone',
      'RENEWED_LIMITED',
      (world) => {
        const extensions = [encodeExtendedKeyUsage([OID.serverAuth])]
        world.myproxy.falsify = (fresh) =>
          addProxy(fresh, { extensions, now: world.clock.now(), hours: 47 })
      },
    ],
    [
      'a proxy of 700 kB, which could never be read again,',
      'FILE_TOO_LARGE',
      (world) => {
        const extensions = [{ oid: '1.2.3.4', critical: false, value: new Uint8Array(500_000) }]
        world.myproxy.falsify = (fresh) =>
          addProxy(fresh, { extensions, now: world.clock.now(), hours: 47.5 })
      },
    ],
    [
      'a legacy proxy',
      'PROXY_KIND_REFUSED',
      (world) => {
        const user = world.users.get('alice') as never
        world.myproxy.falsify = () => addProxy(user, { kind: 'legacy', now: world.clock.now() })
      },
    ],
    [
      'the end-entity certificate itself',
      'RENEWED_KIND_DIFFERS',
      (world) => {
        world.myproxy.falsify = () => world.users.get('alice') as never
      },
    ],
    [
      'a proxy for a key that is not ours',
      'PROXY_KEY_MISMATCH',
      (world) => {
        world.myproxy.falsify = (fresh) => ({
          ...fresh,
          privateKey: addProxy(fresh, {}).privateKey,
        })
      },
    ],
    [
      'eleven delegations, where ten are allowed',
      'PROXY_TOO_DEEP',
      (world) => {
        world.myproxy.falsify = (fresh) => {
          let deep = fresh
          for (let depth = 2; depth < 11; depth++) {
            deep = addProxy(deep, { now: world.clock.now(), hours: 47 })
          }
          return deep
        }
      },
    ],
    [
      'a proxy that ended an hour ago',
      'CHAIN_EXPIRED',
      (world) => {
        world.myproxy.falsify = (fresh) => addProxy(fresh, { now: world.clock.now(), hours: -1 })
      },
    ],
    [
      'a proxy that ends in 59 s',
      'PROXY_LIFE_TOO_SHORT',
      (world) => {
        world.myproxy.falsify = (fresh) =>
          addProxy(fresh, { now: world.clock.now(), notAfter: world.clock.now() + 59 })
      },
    ],
    [
      'a proxy whose signature was made by somebody else',
      'SIGNATURE_INVALID',
      (world) => {
        const eve = world.ca.issueUser('eve')
        world.myproxy.falsify = (fresh) =>
          addProxy(fresh, { now: world.clock.now(), signWith: eve.privateKey })
      },
    ],
  ]

  it.each(lies)(
    'refuses %s with %s, and keeps the old proxy byte for byte',
    async (_n, code, lie) => {
      const { world } = await worldWithAlice()
      const path = world.context.repository.path('alice')
      const text = world.files.text(path)
      await world.clock.advanceSeconds(HOUR)
      lie(world)
      for (const force of [false, true]) {
        const outcome = await renewOne(world.context, 'alice', { force })
        expect(outcome).toMatchObject({ kind: 'failed', error: { code } })
      }
      expect(world.files.text(path)).toBe(text)
    },
  )

  it('keeps 1000 characters of a lie of 300 kB: a larger state is not read again', async () => {
    const { world } = await worldWithAlice()
    await world.clock.advanceSeconds(HOUR)
    const eve = world.ca.issueUser('eve')
    world.myproxy.falsify = (fresh) =>
      addProxy(fresh, {
        commonName: 'x'.repeat(300_000),
        signWith: eve.privateKey,
        now: world.clock.now(),
        hours: 47,
      })
    expect((await renewOne(world.context, 'alice')).kind).toBe('failed')
    const { lastFailure } = await world.context.registry.state('alice')
    expect(lastFailure?.code).toBe('SIGNATURE_INVALID')
    expect(lastFailure?.message).toHaveLength(1000)
  })

  it('keeps a limited proxy limited where that was registered knowingly', async () => {
    const { world } = await worldWithAlice({ allowLimited: true })
    const current = await world.context.repository.read('alice')
    const limited = addProxy(current, { policy: 'limited', now: world.clock.now(), hours: 47 })
    await world.context.repository.replace('alice', limited)
    await world.clock.advanceSeconds(HOUR)
    world.myproxy.falsify = (fresh) =>
      addProxy(fresh, { policy: 'limited', now: world.clock.now(), hours: 47.5 })
    expect((await renewOne(world.context, 'alice')).kind).toBe('renewed')
  })
})
