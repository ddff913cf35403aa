import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import type { RegistrationState } from '../../../src/registry/registration.js'
import {
  emptyRegistry,
  registration,
  registryBelow,
  registryOfTwo,
} from '../../support/registry.js'

const namesIn = async (registry: { all(): Promise<ReadonlyMap<string, unknown>> }) =>
  [...(await registry.all()).keys()].sort()

describe('state of a registration', () => {
  const state: RegistrationState = {
    failures: 2,
    attemptedAt: asUnixSeconds(100),
    retryAt: asUnixSeconds(220),
    lastFailure: {
      at: asUnixSeconds(100),
      code: 'MYPROXY_REFUSED',
      message: 'no',
      persistence: 'transient',
    },
    storedEnd: { at: asUnixSeconds(9000), learnedAt: asUnixSeconds(50), from: 'info' },
  }

  it('is empty at first, and then what was written, 0600 in a directory 0700', async () => {
    const { registry, paths } = await emptyRegistry()
    expect(await registry.state('alice')).toEqual({ failures: 0 })
    await registry.writeState('+2fCN+3dalice', state)

    expect(await registry.state('+2fCN+3dalice')).toEqual(state)
    const [file] = readdirSync(paths.state).filter((name) => name.endsWith('.json'))
    expect(file).toBe('+2fCN+3dalice.json')
    expect(statSync(join(paths.state, file ?? '')).mode & 0o777).toBe(0o600)
    expect(statSync(paths.state).mode & 0o777).toBe(0o700)
  })

  it('never takes the place of another file, whatever the name is', async () => {
    const { registry, paths } = await emptyRegistry()
    await registry.writeState('service', state)

    expect(await registry.state('service')).toEqual(state)
    expect(existsSync(paths.serviceStatus)).toBe(false)
  })

  it('is kept for a name of 255 characters too, which is as long as a name can be', async () => {
    const { registry } = await emptyRegistry()
    const name = 'a'.repeat(255)
    await registry.writeState(name, state)
    expect(await registry.state(name)).toEqual(state)
    expect(await registry.state('a'.repeat(254))).toEqual({ failures: 0 })
  })

  it.each(['', '{', '[]', '{"failures":-1}', '{"failures":0,"retryAt":"soon"}'])(
    'is empty when its file holds %j',
    async (content) => {
      const { registry, paths } = await emptyRegistry()
      await registry.writeState('alice', state)
      const [file = ''] = readdirSync(paths.state).filter((name) => name.endsWith('.json'))
      writeFileSync(join(paths.state, file), content)

      expect(await registry.state('alice')).toEqual({ failures: 0 })
    },
  )

  it('goes with its registration, and so does its lock', async () => {
    const { registry, paths } = await registryOfTwo()
    await registry.writeState('alice', state)
    await (await registry.lease('alice', 100)).release()
    await registry.update('alice', () => undefined)

    expect(readdirSync(paths.state)).toEqual(['locks'])
    expect(readdirSync(paths.locks)).toEqual([])
  })

  it('costs no look at the registry', async () => {
    const { root, registry: first } = await registryOfTwo()
    await first.writeState('alice', state)
    const touched: string[] = []
    const { registry, paths } = registryBelow(root, {
      ...nodeFiles,
      read: (path, rules) => {
        touched.push(path)
        return nodeFiles.read(path, rules)
      },
      replace: (path, bytes, options) => {
        touched.push(path)
        return nodeFiles.replace(path, bytes, options)
      },
    })
    await registry.writeState('alice', state)
    await registry.state('alice')
    await (await registry.lease('alice', 100)).release()

    expect(touched.length).toBe(2)
    expect(touched.every((path) => path.startsWith(paths.state))).toBe(true)
  })
})

describe('lease', () => {
  it('excludes a second holder of the same name and no holder of another', async () => {
    const { registry, another } = await registryOfTwo()
    const lease = await registry.lease('alice', 100)

    await expect(another().lease('alice', 30)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' })
    await (await another().lease('bob', 30)).release()
    await lease.release()
    await (await another().lease('alice', 30)).release()
  })
})

describe('watch', () => {
  it('calls within a second after another registry changed', async () => {
    const { registry, another } = await registryOfTwo()
    const onChange = vi.fn()
    const watcher = registry.watch(onChange)
    await another().update('carol', () => registration('carol'))
    await vi.waitUntil(() => onChange.mock.calls.length > 0, { timeout: 60_000 })
    watcher.close()

    expect(await namesIn(registry)).toEqual(['alice', 'bob', 'carol'])
  })
})
