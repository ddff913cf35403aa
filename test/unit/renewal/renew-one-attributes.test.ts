import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import { renewOne } from '../../../src/renewal/renew-one.js'
import { attributesOfChain } from '../../../src/voms/chain-attributes.js'
import { showFqan } from '../../../src/voms/fqan.js'
import { addAttributes, TestVoms, vomsTrustOf } from '../../support/ac.js'
import { addProxy, TestAuthority } from '../../support/pki.js'
import { type RenewalWorld, renewalWorld, unreachable } from '../../support/renewal-world.js'
import { vomsDown } from '../../support/scripted-voms-source.js'
import { HOUR } from '../../support/time.js'

const ROLE = 'alice:/alice/Role=lcgadmin'

async function worldWithRole(changes: Parameters<RenewalWorld['register']>[1] = {}) {
  const world = renewalWorld()
  await world.putMachineProxy()
  await world.register('alice', { voms: [ROLE], ...changes })
  await world.clock.advanceSeconds(HOUR)
  const before = await world.end('alice')
  return { world, before, state: () => world.context.registry.state('alice') }
}

async function fqansOf(world: RenewalWorld): Promise<string[]> {
  const facts = describeChain((await world.context.repository.read('alice')).chain)
  return attributesOfChain(facts).outermost.flatMap(({ fqans }) => fqans.map(showFqan))
}

describe('renewOne, with VOMS attributes', () => {
  it('dresses the fresh proxy for as long as its chain lives, the role first', async () => {
    const { world } = await worldWithRole()
    const now = world.clock.now()
    expect(await renewOne(world.context, 'alice')).toEqual({
      kind: 'renewed',
      end: now + 48 * HOUR,
      server: 'px.example.org:7512',
    })
    expect(world.voms.asked).toMatchObject([{ requests: [ROLE], lifetimeSeconds: 48 * HOUR }])
    expect(await fqansOf(world)).toEqual(['/alice/Role=lcgadmin', '/alice', '/alice/team'])
  })

  it('keeps the order of two VOs and three FQANs', async () => {
    const voms = ['bob', 'alice:/alice/team', ROLE]
    const { world } = await worldWithRole({ voms })
    expect((await renewOne(world.context, 'alice')).kind).toBe('renewed')
    expect(await fqansOf(world)).toEqual(['/bob', '/alice/team', '/alice/Role=lcgadmin', '/alice'])
  })

  it('asks no VOMS server for a plain registration', async () => {
    const { world } = await worldWithRole({ voms: [] })
    await renewOne(world.context, 'alice')
    expect(world.voms.asked).toEqual([])
    expect(await fqansOf(world)).toEqual([])
  })

  it('asks no VOMS server when the MyProxy server gives nothing longer', async () => {
    const { world } = await worldWithRole({ storedDays: 1.5, hours: 37 })
    expect((await renewOne(world.context, 'alice')).kind).toBe('capped')
    expect(world.voms.asked).toEqual([])
  })

  it('gives attributes to a proxy of 48 h that lacks them, though the fresh one lives for 12 h', async () => {
    const { world } = await worldWithRole({ plainLogin: true, maxHours: 12 })
    expect((await renewOne(world.context, 'alice')).kind).toBe('renewed')
    expect((await fqansOf(world))[0]).toBe('/alice/Role=lcgadmin')
  })

  it('ends with attributes of 24 h in a proxy of 48 h, and says why', async () => {
    const { world, state } = await worldWithRole()
    world.voms.capSeconds = 24 * HOUR
    await world.clock.advanceSeconds(24 * HOUR)
    const now = world.clock.now()
    const shortGrant = {
      askedSeconds: 48 * HOUR,
      grantedSeconds: 24 * HOUR,
      limit: 'attributes' as const,
    }
    expect(await renewOne(world.context, 'alice')).toMatchObject({
      kind: 'renewed',
      end: now + 24 * HOUR,
      shortGrant,
    })
    expect(await world.end('alice')).toBe(now + 24 * HOUR)
    expect((await state()).shortGrant).toEqual(shortGrant)
    expect(world.events('warning')[0]).toContain('because VOMS gives its attributes for no longer')
    // The MyProxy server has not been blamed, nor probed.
    expect(world.myproxy.asked).toHaveLength(1)
  })

  it('renews one whose attributes have expired 6 h ago, while its chain lives', async () => {
    const world = renewalWorld()
    await world.putMachineProxy()
    world.voms.capSeconds = 12 * HOUR
    await world.register('alice', { voms: [ROLE] })
    await world.clock.advanceSeconds(18 * HOUR)
    expect((await renewOne(world.context, 'alice')).kind).toBe('renewed')
  })
})

describe('renewOne, when VOMS does not give what is registered', () => {
  it('keeps the old proxy when a role is revoked, and tells that half apart', async () => {
    const { world, before, state } = await worldWithRole()
    world.voms.granted.delete('/alice/Role=lcgadmin')
    expect(await renewOne(world.context, 'alice')).toMatchObject({
      kind: 'failed',
      error: { code: 'VOMS_ATTRIBUTE_NOT_GRANTED', persistence: 'permanent' },
    })
    expect(await world.end('alice')).toBe(before)
    expect(await state()).toMatchObject({
      failures: 1,
      lastFailure: {
        code: 'VOMS_ATTRIBUTE_NOT_GRANTED',
        stage: 'attributes',
        message: expect.stringContaining('does not grant /alice/Role=lcgadmin'),
      },
    })
    expect(world.events('renewal-failed')[0]).toContain(
      ' code=VOMS_ATTRIBUTE_NOT_GRANTED stage=attributes persistence=permanent ',
    )
  })

  it('tells a MyProxy server that is down from that, by the absence of a stage', async () => {
    const { world, state } = await worldWithRole()
    world.myproxy.behave = async () => {
      throw unreachable()
    }
    await renewOne(world.context, 'alice')
    expect((await state()).lastFailure).not.toHaveProperty('stage')
    expect(world.events('renewal-failed')[0]).not.toContain('stage=')
  })

  it('tries again after a minute when no VOMS server answers, and heals', async () => {
    const { world, before, state } = await worldWithRole()
    world.voms.behave = async () => {
      throw vomsDown()
    }
    const retryAt = world.clock.now() + 60
    expect(await renewOne(world.context, 'alice')).toMatchObject({ kind: 'failed', retryAt })
    expect(await world.end('alice')).toBe(before)
    expect((await state()).lastFailure).toMatchObject({ stage: 'attributes' })
    world.voms.behave = async () => {}
    await world.clock.advanceSeconds(60)
    expect((await renewOne(world.context, 'alice')).kind).toBe('renewed')
    expect(await state()).not.toHaveProperty('lastFailure')
  })

  it('goes on without one of two FQANs with allowPartial, and says so once', async () => {
    const { world, state } = await worldWithRole({
      voms: [ROLE, 'alice:/alice/team'],
      allowPartial: true,
    })
    world.voms.granted.delete('/alice/Role=lcgadmin')
    const outcome = await renewOne(world.context, 'alice')
    expect(outcome).toMatchObject({ kind: 'renewed', missingAttributes: [ROLE] })
    expect((await state()).missingAttributes).toEqual([ROLE])
    expect((await fqansOf(world))[0]).toBe('/alice/team')
    await world.clock.advanceSeconds(HOUR)
    await renewOne(world.context, 'alice')
    expect(world.events('warning')).toHaveLength(1)
    expect(world.events('renewed')[1]).toContain(` without="${ROLE}"`)
    world.voms.granted.add('/alice/Role=lcgadmin')
    await world.clock.advanceSeconds(HOUR)
    await renewOne(world.context, 'alice')
    expect(await state()).not.toHaveProperty('missingAttributes')
  })

  it('keeps the old proxy with allowPartial when nothing at all is granted', async () => {
    const { world, before } = await worldWithRole({ allowPartial: true })
    world.voms.granted.delete('/alice/Role=lcgadmin')
    expect((await renewOne(world.context, 'alice')).kind).toBe('failed')
    expect(await world.end('alice')).toBe(before)
  })
})

describe('renewOne, offered attributes that are not to be believed', () => {
  it.each<[string, (world: RenewalWorld) => void, string]>([
    [
      'granted to somebody else',
      ({ voms, ca }) => {
        voms.falsify = () => ({ holder: ca.issueUser('eve') })
      },
      'VOMS_AC_HOLDER_DIFFERS',
    ],
    [
      'that expired a minute ago',
      ({ voms, clock }) => {
        voms.falsify = () => ({ notBefore: clock.now() - 120, notAfter: clock.now() - 60 })
      },
      'VOMS_AC_EXPIRED',
    ],
    [
      'with the role behind the group',
      ({ voms }) => {
        voms.falsify = () => ({ fqans: ['/alice', '/alice/Role=lcgadmin'] })
      },
      'RENEWED_ATTRIBUTES_DIFFER',
    ],
    [
      'without the role',
      ({ voms }) => {
        voms.falsify = () => ({ fqans: ['/alice', '/alice/team'] })
      },
      'RENEWED_ATTRIBUTES_DIFFER',
    ],
    [
      'of the server of another VO',
      ({ voms }) => {
        const { bob } = voms.servers
        voms.falsify = () => (bob === undefined ? {} : { server: bob, vo: 'alice' })
      },
      'VOMS_TRUST_MISSING',
    ],
    [
      'of another VO',
      ({ voms }) => {
        const { bob } = voms.servers
        voms.falsify = () => (bob === undefined ? {} : { server: bob, fqans: ['/bob'] })
      },
      'RENEWED_ATTRIBUTES_DIFFER',
    ],
    [
      'of a server that no .lsc file names',
      ({ voms }) => {
        voms.trust = vomsTrustOf()
      },
      'VOMS_TRUST_MISSING',
    ],
    [
      'of a server of an unknown CA with the same names',
      ({ voms }) => {
        voms.falsify = () => ({ server: new TestVoms(new TestAuthority()) })
      },
      'SIGNATURE_INVALID',
    ],
    [
      'whose signature does not fit',
      ({ voms }) => {
        voms.falsify = () => ({
          after: (tbs) => Buffer.from(tbs.toString('latin1').replace('/alice', '/alIce'), 'latin1'),
        })
      },
      'VOMS_AC_UNTRUSTED',
    ],
  ])('keeps the old proxy for attributes %s', async (_name, spoil, code) => {
    const { world, before, state } = await worldWithRole()
    spoil(world)
    expect(await renewOne(world.context, 'alice')).toMatchObject({
      kind: 'failed',
      error: { code },
    })
    expect(await world.end('alice')).toBe(before)
    expect((await state()).lastFailure).toMatchObject({ code, stage: 'attributes' })
  })

  it.each([
    ['with a role', [ROLE]],
    ['plain', []],
  ])('names a stored credential that was uploaded with VOMS, registered %s', async (_how, voms) => {
    const { world, before, state } = await worldWithRole({ voms })
    world.myproxy.falsify = (fresh) => {
      const user = world.users.get('alice') ?? fresh
      const ac = world.voms.grant('alice', [{ group: '/alice' }], user, 12 * HOUR)
      const stored = addAttributes(user, [ac], { now: world.clock.now(), hours: 24 * 7 })
      return addProxy(stored, { now: world.clock.now(), hours: 48 })
    }
    expect(await renewOne(world.context, 'alice')).toMatchObject({
      kind: 'failed',
      error: { code: 'CREDENTIAL_CARRIES_ATTRIBUTES', persistence: 'permanent' },
    })
    expect(await world.end('alice')).toBe(before)
    const { lastFailure } = await state()
    expect(lastFailure?.message).toContain('uploaded with VOMS attributes (/alice, /alice/team)')
    expect(lastFailure?.hint).toMatch(
      /without VOMS.*: vobox-proxy myproxy init --for-vobox -s px\.example\.org$/,
    )
    expect(world.voms.asked).toEqual([])
  })

  it('shows no VOMS server a proxy that is of somebody else', async () => {
    const { world } = await worldWithRole()
    world.myproxy.falsify = () =>
      addProxy(world.ca.issueUser('eve'), { now: world.clock.now(), hours: 48 })
    expect(await renewOne(world.context, 'alice')).toMatchObject({
      error: { code: 'RENEWED_IDENTITY_DIFFERS' },
    })
    expect(world.voms.asked).toEqual([])
  })
})

describe('renewOne, with trust directories that do not answer', () => {
  it.each([
    ['the CA directory', 'anchors', 'TRUST_ANCHORS_UNREADABLE'],
    ['the vomsdir', 'vomsTrust', 'VOMS_TRUST_MISSING'],
  ] as const)('gives %s 30 s, and the lease back', async (_what, member, code) => {
    const { world, before } = await worldWithRole()
    const context = { ...world.context, [member]: () => new Promise<never>(() => {}) }
    const outcome = renewOne(context, 'alice')
    for (let second = 0; second < 31; second++) await world.clock.advanceSeconds(1)
    expect(await outcome).toMatchObject({
      kind: 'failed',
      error: { code, persistence: 'transient', data: { deadlineMs: 30_000 } },
    })
    expect(await world.end('alice')).toBe(before)
    await world.clock.advanceSeconds(HOUR)
    expect((await renewOne(world.context, 'alice')).kind).toBe('renewed')
  })

  it('says cancelled, and notes no failure, when it is stopped while VOMS is asked', async () => {
    const { world, state } = await worldWithRole()
    const stop = new AbortController()
    world.voms.behave = async () => {
      stop.abort(new VoboxError('CANCELLED', 'stopped'))
      throw vomsDown()
    }
    const options = { signal: stop.signal }
    expect(await renewOne(world.context, 'alice', options)).toEqual({ kind: 'cancelled' })
    expect((await state()).failures).toBe(0)
  })
})

describe('a VOMS outage that lasts longer than the proxy', () => {
  async function afterHoursOfOutage(hours: number, error = vomsDown()) {
    const scene = await worldWithRole()
    const { world } = scene
    world.voms.behave = async () => {
      throw error
    }
    await world.clock.advanceSeconds(hours * HOUR)
    const outcome = await renewOne(world.context, 'alice', { evenIfBackingOff: true })
    expect(outcome).toMatchObject({ kind: 'failed', error: { data: { stage: 'attributes' } } })
    return scene
  }
  /** Attributes that end after 24 h, in a chain of 48 h. */
  const shortAttributes = async (world: RenewalWorld) => {
    world.voms.capSeconds = 24 * HOUR
    await renewOne(world.context, 'alice', { force: true })
  }
  const carriesNone = async (world: RenewalWorld) => (await fqansOf(world)).length === 0

  it('costs no registration: with 15 h left a plain proxy of 48 h keeps its place, and is said', async () => {
    const world = renewalWorld()
    await world.putMachineProxy()
    await world.register('alice', { voms: [ROLE] })
    await shortAttributes(world)
    world.voms.behave = async () => {
      throw vomsDown()
    }
    await world.clock.advanceSeconds(31 * HOUR)
    await renewOne(world.context, 'alice', { evenIfBackingOff: true })
    expect(await carriesNone(world)).toBe(false)
    await world.clock.advanceSeconds(2 * HOUR)
    await renewOne(world.context, 'alice', { evenIfBackingOff: true })
    expect(await carriesNone(world)).toBe(true)
    expect(await world.end('alice')).toBe(world.clock.now() + 48 * HOUR)
    expect(world.events('warning').slice(1)).toEqual([
      expect.stringContaining('a plain proxy keeps it renewable'),
    ])

    world.voms.behave = async () => {}
    await world.clock.advanceSeconds(HOUR)
    const outcome = await renewOne(world.context, 'alice', { evenIfBackingOff: true })
    expect(outcome).toMatchObject({ kind: 'renewed' })
    expect(await carriesNone(world)).toBe(false)
  })

  it('leaves attributes that still live where they are, 2 h before their end', async () => {
    const { world, before } = await afterHoursOfOutage(45)
    expect(await world.end('alice')).toBe(before)
    expect(await carriesNone(world)).toBe(false)
  })

  it('takes nothing for an outage that is a refusal: the old proxy stays to its end', async () => {
    const world = renewalWorld()
    await world.putMachineProxy()
    await world.register('alice', { voms: [ROLE] })
    await shortAttributes(world)
    world.voms.granted.delete('/alice/Role=lcgadmin')
    await world.clock.advanceSeconds(40 * HOUR)
    expect(await renewOne(world.context, 'alice', { evenIfBackingOff: true })).toMatchObject({
      kind: 'failed',
      error: { persistence: 'permanent' },
    })
    expect(await carriesNone(world)).toBe(false)
  })
})
