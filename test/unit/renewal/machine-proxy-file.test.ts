import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { encodeCredential } from '../../../src/proxy/credential.js'
import { MachineProxyFile } from '../../../src/renewal/machine-proxy-file.js'
import { rejectionOf } from '../../support/failure.js'
import { renewalWorld } from '../../support/renewal-world.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { HOUR } from '../../support/time.js'

const CURE = 'As root: /etc/init.d/alice-box-proxyrenewal proxy'

describe('MachineProxyFile', () => {
  it('is read once for a hundred renewals, and again when cron has replaced it', async () => {
    const world = renewalWorld()
    await world.putMachineProxy(24)
    const { machineProxyFile } = world.context
    const first = await machineProxyFile.read()
    world.files.counts.read = 0
    for (let count = 0; count < 100; count++) expect(await machineProxyFile.read()).toBe(first)
    expect(world.files.counts.read).toBe(0)
    await world.putMachineProxy(24)
    expect(await machineProxyFile.read()).not.toBe(first)
  })

  it('is missing with the command that makes one', async () => {
    const world = renewalWorld()
    const failure = await rejectionOf(world.context.machineProxyFile.read())
    expect(failure).toMatchObject({
      code: 'MACHINE_PROXY_MISSING',
      hint: CURE,
      data: { path: world.paths.machineProxy },
    })
  })

  it('has expired on the second of its end, with the same command', async () => {
    const world = renewalWorld()
    await world.putMachineProxy(1)
    await world.clock.advanceSeconds(HOUR - 1)
    await world.context.machineProxyFile.read()
    await world.clock.advanceSeconds(1)
    const failure = await rejectionOf(world.context.machineProxyFile.read())
    expect(failure).toMatchObject({
      code: 'MACHINE_PROXY_EXPIRED',
      hint: CURE,
      data: { end: world.clock.now() },
    })
  })

  it('counts as missing when it is garbage, and says why', async () => {
    const world = renewalWorld()
    await world.files.replace(world.paths.machineProxy, Buffer.from('?'), { mode: 0o400 })
    const failure = await rejectionOf(world.context.machineProxyFile.read())
    expect(failure).toMatchObject({
      code: 'MACHINE_PROXY_MISSING',
      data: { reason: 'no-key' },
    })
    expect(await world.context.machineProxyFile.observe()).toMatchObject({
      problem: expect.stringContaining('holds no private key'),
    })
  })

  it('is refused by the real disk when others can read it', async () => {
    const world = renewalWorld()
    const path = join(await temporaryDirectory(), 'renewal-proxy.pem')
    const proxy = world.ca.issueHost('h.example.org')
    writeFileSync(path, encodeCredential(proxy), { mode: 0o440 })
    const owners = [process.getuid?.() ?? 0]
    const file = new MachineProxyFile({
      files: nodeFiles,
      clock: world.clock,
      vo: 'alice',
      path,
      owners,
    })
    const failure = await rejectionOf(file.read())
    expect(failure).toMatchObject({ code: 'MACHINE_PROXY_MISSING', data: { path } })
    expect(failure.cause).toMatchObject({ code: 'FILE_UNSAFE' })
  })
})
