import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { encodeCredential } from '../../../src/proxy/credential.js'
import { unregisterProxy } from '../../../src/renewal/registering/unregister.js'
import { rejectionOf } from '../../support/failure.js'
import { ALICE, ALICE_FILE, registeringWorld } from './fixtures.js'

async function registered() {
  const world = await registeringWorld()
  const proxy = await world.login()
  await world.register()
  return {
    ...world,
    proxy,
    unregister: () => unregisterProxy(world.context, { fileName: ALICE_FILE }),
  }
}

describe('unregisterProxy', () => {
  it('removes file, registration, state and alerts, and writes it into events.log', async () => {
    const { unregister, registrations, inRepository, context, forgotten, events } =
      await registered()
    expect(await unregister()).toMatchObject({
      registration: { identity: ALICE },
      file: `/var/lib/vobox/alice/proxy_repository/${ALICE_FILE}`,
      fileRemoved: true,
    })
    expect(await registrations()).toEqual([])
    expect(inRepository(ALICE_FILE)).toBe('')
    expect(await context.registry.state(ALICE_FILE)).toEqual({ failures: 0 })
    expect(forgotten).toEqual([ALICE_FILE])
    expect(events('unregistered')).toEqual([`unregistered dn="${ALICE}" file=${ALICE_FILE}`])
  })

  it('refuses what is not registered', async () => {
    const { unregister } = await registered()
    await unregister()
    const error = await rejectionOf(unregister())
    expect(error).toMatchObject({ code: 'NOT_REGISTERED', data: { fileName: ALICE_FILE } })
  })

  it('ends a registration whose file is gone already', async () => {
    const { unregister, context, registrations } = await registered()
    await context.repository.remove(ALICE_FILE)
    expect(await unregister()).toMatchObject({ fileRemoved: false })
    expect(await registrations()).toEqual([])
  })

  it('puts the file back when the registry cannot be written', async () => {
    const { unregister, files, registrations, inRepository, proxy } = await registered()
    files.refuse = (operation, path) =>
      operation === 'replace' && path.endsWith('registry.json')
        ? new VoboxError('FILE_UNWRITABLE', 'the disk is full')
        : undefined
    expect((await rejectionOf(unregister())).code).toBe('FILE_UNWRITABLE')
    expect(await registrations()).toHaveLength(1)
    expect(inRepository(ALICE_FILE)).toBe(encodeCredential(proxy).toString())
  })

  it('leaves another registration as it is', async () => {
    const { unregister, store, login, register, ca, registrations } = await registered()
    store('bob')
    await login({}, ca.issueUser('bob'))
    await register()
    await unregister()
    expect((await registrations()).map(({ identity }) => identity)).toEqual([
      ALICE.replace('alice', 'bob'),
    ])
  })

  it('waits for a renewal that is under way', async () => {
    const { unregister, context, clock, registrations } = await registered()
    const lease = await context.registry.lease(ALICE_FILE, 1000)
    const ending = unregister()
    await clock.advanceSeconds(2)
    expect(await registrations()).toHaveLength(1)
    await lease.release()
    await clock.advanceSeconds(2)
    await ending
    expect(await registrations()).toEqual([])
  })
})
