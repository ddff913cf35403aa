/** Two of Debian's `myproxy-server`: a primary, and a copy that is behind it. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { storedCredentialOf } from '../../src/registry/stored-credential.js'
import { registerProxy } from '../../src/renewal/registering/register.js'
import { renewOne } from '../../src/renewal/renew-one.js'
import { addProxy, realNow } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import {
  type AnotherServer,
  MYPROXY_PROGRAMS,
  type RealGrid,
  startRealGrid,
} from '../support/real-peers.js'
import { type RealRegistering, realRegistering } from '../support/real-registering.js'
import { DAY, HOUR } from '../support/time.js'

const label = ({ server }: AnotherServer) => `${server.host}:${server.port}`

describeWithPrograms('renewal from two of Debian’s myproxy-server', MYPROXY_PROGRAMS, () => {
  let grid: RealGrid
  let registering: RealRegistering
  let secondary: AnotherServer

  beforeAll(async () => {
    grid = await startRealGrid()
    secondary = await grid.another()
    registering = await realRegistering(grid)
  })
  afterAll(() => grid?.stop())
  beforeEach(() =>
    registering.login(addProxy(grid.users.alice.credential, { key: 'rsa2048', hours: 24 })),
  )

  const upload = (hours: number, { server }: Pick<AnotherServer, 'server'>) =>
    grid.upload({
      as: grid.users.alice,
      options: ['-d', '-n', '-A', '-t', '48', '-c', String(hours), '-p', String(server.port)],
    })
  const register = (...servers: AnotherServer[]) =>
    registerProxy(registering.context, {
      ...registering.request,
      servers: servers.map(label),
      lifetimeSeconds: 48 * HOUR,
      force: true,
    })
  const renew = (fileName: string) => renewOne(registering.context, fileName, { force: true })

  it('takes a good proxy of 48 h from a copy that is 3 weeks behind, and says so until the primary is back', async () => {
    const primary = await grid.another()
    await upload(7 * 24, secondary)
    await upload(28 * 24, primary)
    const { registration, stored } = await register(primary, secondary)
    expect(stored).toMatchObject({ server: label(primary), from: 'info' })
    const { fileName } = registration
    await primary.stop()
    const outcome = await renew(fileName)
    expect(outcome).toMatchObject({
      kind: 'renewed',
      server: label(secondary),
      behind: { server: label(secondary), ahead: { server: label(primary), end: stored?.end } },
    })
    if (outcome.kind !== 'renewed') throw new Error(outcome.kind)
    expect(outcome.end - realNow()).toBeGreaterThan(47.9 * HOUR)
    expect((outcome.behind?.end ?? 0) - realNow()).toBeLessThan(7 * DAY + HOUR)
    const state = await registering.context.registry.state(fileName)
    expect(storedCredentialOf(state)).toMatchObject({ kind: 'seen', end: stored?.end })
  })

  it('takes an empty copy for a failure that passes, while the primary is away', async () => {
    const primary = await grid.another()
    await upload(28 * 24, primary)
    for (const name of await readdir(secondary.storeDirectory)) {
      await rm(join(secondary.storeDirectory, name))
    }
    const { registration } = await register(primary, secondary)
    await primary.stop()
    const outcome = await renew(registration.fileName)
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { persistence: 'transient', data: { standsInFor: label(primary) } },
    })
    const state = await registering.context.registry.state(registration.fileName)
    expect(storedCredentialOf(state).kind).toBe('seen')
  })
})
