import { describe, expect, it } from 'vitest'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import { parseCredential } from '../../../src/proxy/credential.js'
import { attributesOfChain } from '../../../src/voms/chain-attributes.js'
import { showFqan } from '../../../src/voms/fqan.js'
import { addAttributes, vomsTrustOf } from '../../support/ac.js'
import { rejectionOf } from '../../support/failure.js'
import { addProxy } from '../../support/pki.js'
import { vomsDown } from '../../support/scripted-voms-source.js'
import { HOUR } from '../../support/time.js'
import { ALICE, ALICE_FILE, type RegisteringWorld, registeringWorld, UPLOAD } from './fixtures.js'

const ROLE = 'alice:/alice/Role=lcgadmin'
const BARE = ALICE_FILE.replace(/proxy$/, '')
const ROLE_FILE = `${BARE}proxy-voms+20alice+3a+2falice+2fRole+3dlcgadmin`

/** Alice with a login proxy that carries these FQANs; none: a plain one. */
async function worldOf(...fqans: string[]) {
  const world = await registeringWorld()
  if (fqans.length === 0) await world.login()
  else await world.putLogin(world.voms.login(world.user, fqans))
  return { ...world, registerIt: (request = {}) => world.register({ noVoms: false, ...request }) }
}

function inFile(world: RegisteringWorld, fileName: string): string[] {
  const { chain } = parseCredential(Buffer.from(world.inRepository(fileName)))
  const { outermost } = attributesOfChain(describeChain(chain))
  return outermost.flatMap(({ fqans }) => fqans.map(showFqan))
}

describe('registerProxy, with the attributes of the login proxy', () => {
  it('registers all that it carries, in order, under a name that ends in the role', async () => {
    const world = await worldOf('/alice/Role=lcgadmin', '/alice', '/alice/team')
    const result = await world.registerIt()
    expect(result).toMatchObject({
      outcome: 'registered',
      proxy: 'login-proxy',
      proxyEnd: world.clock.now() + 24 * HOUR,
      warnings: [],
      registration: {
        fileName: ROLE_FILE,
        voms: [ROLE, 'alice', 'alice:/alice/team'],
        allowPartial: false,
      },
    })
    expect(world.voms.asked).toMatchObject([{ requests: [ROLE, 'alice', 'alice:/alice/team'] }])
  })

  it.each([
    ['the root group', ['/alice'], `${BARE}proxy-voms+20alice`],
    ['a group', ['/alice/team'], `${BARE}proxy-voms+20alice+3a+2falice+2fteam`],
  ])('names the file of %s after it', async (_what, fqans, fileName) => {
    const { registration } = await (await worldOf(...fqans)).registerIt()
    expect(registration.fileName).toBe(fileName)
  })

  it('refuses attributes that cannot be believed, and says why and what to do', async () => {
    const world = await worldOf('/alice/Role=lcgadmin')
    world.voms.trust = vomsTrustOf()
    const error = await rejectionOf(world.registerIt())
    expect(error.code).toBe('VOMS_TRUST_MISSING')
    expect(error.message).toContain('of the login proxy cannot be believed')
    // The lines of a .lsc file, to be copied, and nothing glued to the last of them.
    expect(error.hint).toMatch(/:\n(\/[^\n]+\n){2}Name the attributes with --voms VO:FQAN; /)
    expect(await world.registrations()).toEqual([])
  })

  it('takes what is said to be plain, whatever it carries, and asks no VOMS server', async () => {
    const world = await worldOf('/alice/Role=lcgadmin')
    world.voms.trust = vomsTrustOf()
    const { registration, warnings } = await world.registerIt({ noVoms: true })
    expect([registration.voms, registration.fileName]).toEqual([[], ALICE_FILE])
    expect([warnings, world.voms.asked]).toEqual([[], []])
  })
})

describe('registerProxy, of a plain login proxy', () => {
  it('wants to hear --voms or --no-voms', async () => {
    const world = await worldOf()
    const error = await rejectionOf(world.registerIt())
    expect(error).toMatchObject({ code: 'ATTRIBUTES_MISSING', data: { registered: [] } })
    expect(error.hint).toMatch(/--voms alice:\/alice\/Role=lcgadmin; or --no-voms/)
    expect([world.myproxy.infos, await world.registrations()]).toEqual([[], []])
  })

  it('stores the fresh proxy of the trial renewal, with the role that was named', async () => {
    const world = await worldOf()
    const result = await world.registerIt({ voms: [ROLE], lifetimeSeconds: 12 * HOUR })
    expect(result).toMatchObject({
      proxy: 'renewed',
      proxyEnd: world.clock.now() + 12 * HOUR,
      warnings: [],
      registration: { fileName: ROLE_FILE, voms: [ROLE] },
    })
    expect(inFile(world, ROLE_FILE)[0]).toBe('/alice/Role=lcgadmin')
  })

  it('with --no-check stores it as it is, and says that its attributes come later', async () => {
    const world = await worldOf()
    const { proxy, warnings } = await world.registerIt({ voms: [ROLE], noCheck: true })
    expect([proxy, warnings.map(({ code }) => code)]).toEqual([
      'login-proxy',
      ['not-checked', 'attributes-later'],
    ])
    expect(inFile(world, ROLE_FILE)).toEqual([])
  })

  it('keeps an old one with the role rather than one that lacks it', async () => {
    const world = await worldOf('/alice/Role=lcgadmin')
    await world.registerIt({ voms: [ROLE] })
    await world.login({ hours: 48 })
    const again = await world.registerIt({ voms: [ROLE], noCheck: true })
    expect(again).toMatchObject({ proxy: 'kept', proxyEnd: world.clock.now() + 24 * HOUR })
    expect(inFile(world, ROLE_FILE)[0]).toBe('/alice/Role=lcgadmin')
  })

  it('replaces an old one without the role, though that lives longer', async () => {
    const world = await worldOf()
    await world.login({ hours: 48 })
    await world.registerIt({ voms: [ROLE], noCheck: true })
    await world.putLogin(world.voms.login(world.user, ['/alice/Role=lcgadmin'], 12))
    expect(await world.registerIt({ voms: [ROLE] })).toMatchObject({ proxy: 'login-proxy' })
  })
})

describe('registerProxy, when VOMS is rehearsed', () => {
  it('names a file after --voms as it was written', async () => {
    const world = await worldOf()
    const voms = ['alice:/alice/Role=lcgadmin/Capability=NULL']
    const { registration } = await world.registerIt({ voms })
    expect(registration.voms).toEqual([ROLE])
    expect(registration.fileName).toBe(`${ROLE_FILE}+2fCapability+3dNULL`)
  })

  it('says at once that a role is not granted, in the words of the server', async () => {
    const world = await worldOf()
    const error = await rejectionOf(world.registerIt({ voms: ['alice:/alice/Role=production'] }))
    expect(error).toMatchObject({
      code: 'VOMS_ATTRIBUTE_NOT_GRANTED',
      message: expect.stringContaining('does not grant /alice/Role=production'),
      hint: 'Ask the administrators of the VO for it, or ask for less',
    })
    expect(await world.registrations()).toEqual([])
  })

  it('says at once that no VOMS server answers', async () => {
    const world = await worldOf('/alice/Role=lcgadmin')
    world.voms.behave = async () => {
      throw vomsDown()
    }
    expect((await rejectionOf(world.registerIt())).code).toBe('VOMS_SERVERS_FAILED')
  })

  it('takes one of two with allowPartial, and says which is missing', async () => {
    const world = await worldOf()
    const missing = 'alice:/alice/Role=production'
    const voms = [ROLE, missing]
    const { registration, warnings, stored } = await world.registerIt({ voms, allowPartial: true })
    expect(registration).toMatchObject({ voms, allowPartial: true })
    expect(warnings).toMatchObject([{ code: 'attributes-partial', data: { missing: [missing] } }])
    expect(stored?.missingAttributes).toEqual([missing])
    const state = await world.context.registry.state(registration.fileName)
    expect(state.missingAttributes).toEqual([missing])
  })

  it.each([
    ['with a role', { voms: [ROLE] }],
    ['plain', { noVoms: true }],
  ])(
    'names a credential that was uploaded with VOMS, and the upload that cures it, %s',
    async (_how, request) => {
      const world = await worldOf()
      const { clock, user, voms } = world
      const ac = voms.grant('alice', [{ group: '/alice' }], user, 12 * HOUR)
      const stored = addAttributes(user, [ac], { now: clock.now(), hours: 24 * 7 })
      world.myproxy.falsify = () => addProxy(stored, { now: clock.now(), hours: 12 })
      const error = await rejectionOf(world.registerIt(request))
      expect(error.code).toBe('CREDENTIAL_CARRIES_ATTRIBUTES')
      expect(error.hint).toContain(UPLOAD)
    },
  )

  it.each([
    [{ voms: ['alice:alice'] }, 'FQAN_INVALID'],
    [{ voms: [ROLE], noVoms: true }, 'REGISTRATION_INVALID'],
  ])('refuses %j before it asks anybody', async (request, code) => {
    const world = await worldOf()
    expect((await rejectionOf(world.registerIt(request))).code).toBe(code)
    expect(world.myproxy.infos).toEqual([])
  })

  it('asks for an end when the CA directory does not answer within 30 s', async () => {
    const world = await worldOf()
    world.context.anchors = () => new Promise(() => {})
    const refused = rejectionOf(world.registerIt({ noVoms: true }))
    for (let second = 0; second < 31; second++) await world.clock.advanceSeconds(1)
    expect((await refused).code).toBe('TRUST_ANCHORS_UNREADABLE')
  })
})

describe('registerProxy, again with attributes', () => {
  it('finds the registration by identity and primary attribute, and changes the others', async () => {
    const world = await worldOf('/alice/Role=lcgadmin', '/alice')
    await world.registerIt({ email: 'alice@example.org' })
    const again = await world.registerIt({ voms: [ROLE, 'alice:/alice/team'] })
    expect(again).toMatchObject({
      outcome: 'updated',
      registration: {
        fileName: ROLE_FILE,
        voms: [ROLE, 'alice:/alice/team'],
        email: 'alice@example.org',
      },
    })
  })

  it('keeps what is registered where a plain login proxy says nothing', async () => {
    const world = await worldOf()
    await world.registerIt({ voms: [ROLE], allowPartial: true })
    const again = await world.registerIt({ proxySafeSeconds: 7200 })
    expect(again).toMatchObject({
      outcome: 'updated',
      registration: { voms: [ROLE], allowPartial: true, proxySafeSeconds: 7200 },
    })
    expect(await world.registerIt({ allowPartial: false })).toMatchObject({
      registration: { allowPartial: false },
    })
  })

  it('makes of a plain registration and one with a role two, each with a file, and says so', async () => {
    const world = await worldOf()
    await world.registerIt({ noVoms: true })
    const second = await world.registerIt({ voms: [ROLE] })
    expect(second).toMatchObject({ outcome: 'registered', registration: { fileName: ROLE_FILE } })
    expect(second.warnings).toMatchObject([
      { code: 'registered-otherwise', data: { fileNames: [ALICE_FILE] } },
    ])
    const third = await world.registerIt({ noVoms: true })
    expect(third).toMatchObject({ outcome: 'updated', registration: { fileName: ALICE_FILE } })
    expect(third.warnings.map(({ code }) => code)).not.toContain('registered-otherwise')
    expect(await world.registrations()).toHaveLength(2)
    expect((await rejectionOf(world.registerIt())).data.registered).toHaveLength(2)
  })

  it('carries a role over to a new DN, with its file', async () => {
    const world = await worldOf('/alice/Role=lcgadmin')
    const old = await world.registerIt({ email: 'alice@example.org' })
    const renamed = world.store('alice new')
    await world.putLogin(addProxy(renamed, { now: world.clock.now(), hours: 24 }))
    const result = await world.registerIt({ replaces: ALICE })
    expect(result).toMatchObject({
      outcome: 'replaced',
      proxy: 'renewed',
      registration: {
        fileName: ROLE_FILE,
        voms: old.registration.voms,
        email: 'alice@example.org',
      },
    })
    const again = await world.registerIt({ voms: [ROLE] })
    expect(again).toMatchObject({ outcome: 'updated', registration: { fileName: ROLE_FILE } })
  })
})
