import { chmodSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { nodeFiles } from '../../../src/node/ports/files.js'
import type { Files } from '../../../src/ports/files.js'
import {
  emptyRegistry,
  registration,
  registryBelow,
  registryOfTwo,
} from '../../support/registry.js'

const alice = registration('alice')

const namesIn = async (registry: { all(): Promise<ReadonlyMap<string, unknown>> }) =>
  [...(await registry.all()).keys()].sort()

describe('JsonRegistry.update', () => {
  it('registers, changes and removes one registration that another process reads', async () => {
    const { registry, another } = await registryOfTwo()
    expect(await another().get('alice')).toEqual(alice)

    const changed = await registry.update('alice', (current) => ({
      ...(current ?? alice),
      lifetimeSeconds: 172_800,
    }))
    expect(changed?.lifetimeSeconds).toBe(172_800)
    expect((await another().get('alice'))?.lifetimeSeconds).toBe(172_800)

    expect(await registry.update('alice', () => undefined)).toBeUndefined()
    expect(await namesIn(another())).toEqual(['bob'])
  })

  it('writes registry.json, 0600, one registration a line, and keeps the copy before', async () => {
    const { paths } = await registryOfTwo()
    const lines = readFileSync(paths.registry, 'utf8').split('\n')

    expect(statSync(paths.registry).mode & 0o777).toBe(0o600)
    expect(lines[0]).toBe('{"version":1,"registrations":{')
    expect(lines.slice(1, 3).map((line) => line.slice(0, 8))).toEqual(['"alice":', '"bob":{"'])
    expect(
      Object.keys(JSON.parse(readFileSync(paths.registryPrevious, 'utf8')).registrations),
    ).toEqual(['alice'])
  })

  it('sees what another process wrote a moment ago', async () => {
    const { registry, another } = await registryOfTwo()
    await registry.all()
    await another().update('carol', () => registration('carol'))
    await registry.update('dave', () => registration('dave'))

    expect(await namesIn(registry)).toEqual(['alice', 'bob', 'carol', 'dave'])
  })

  it('loses none of 40 changes made at once through 2 registries', async () => {
    const { registry, another } = await registryOfTwo()
    const second = another()
    const names = Array.from({ length: 40 }, (_, i) => `user${i}`)
    await Promise.all(
      names.map((name, i) =>
        (i % 2 === 0 ? registry : second).update(name, () => registration(name)),
      ),
    )

    expect(await namesIn(another())).toEqual([...names, 'alice', 'bob'].sort())
  })

  it('writes nothing when the change returns what was there', async () => {
    const { registry, paths } = await registryOfTwo()
    const before = statSync(paths.registry).ino

    expect(await registry.update('alice', (current) => current)).toEqual(alice)
    expect(await registry.update('nobody', (current) => current)).toBeUndefined()
    expect(statSync(paths.registry).ino).toBe(before)
  })

  it.each([
    ['../alice', { fileName: '../alice' }, 'fileName'],
    ['.alice', { fileName: '.alice' }, 'fileName'],
    ['alice', { fileName: 'bob' }, "fileName is 'bob'"],
    ['alice', { servers: [] }, 'servers'],
    ['alice', { lifetimeSeconds: 0 }, 'lifetimeSeconds'],
    ['alice', { lifetimeSeconds: 1.5 }, 'lifetimeSeconds'],
    ['alice', { identityDer: 'not base64!' }, 'identityDer'],
  ])('refuses to write %s with %j and changes nothing', async (name, changes, problem) => {
    const { registry, paths } = await registryOfTwo()
    const before = readFileSync(paths.registry)

    await expect(registry.update(name, () => registration('alice', changes))).rejects.toMatchObject(
      {
        code: 'REGISTRATION_INVALID',
        data: { fileName: name, problem: expect.stringContaining(problem) },
      },
    )
    expect(readFileSync(paths.registry)).toEqual(before)
  })

  it('changes nothing and frees the lock when the change throws', async () => {
    const { registry, another } = await registryOfTwo()
    const problem = new Error('thought better of it')
    const failing = registry.update('alice', () => {
      throw problem
    })

    await expect(failing).rejects.toBe(problem)
    await another().update('carol', () => registration('carol'))
    expect(await namesIn(registry)).toEqual(['alice', 'bob', 'carol'])
  })

  it('stops waiting for the lock when the signal aborts', async () => {
    const { registry, paths } = await registryOfTwo()
    const lock = await nodeFiles.lock(paths.registryLock, 1000)
    const reason = new Error('going down')
    const waiting = registry.update('alice', () => undefined, AbortSignal.timeout(30))
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' })
    await expect(registry.update('alice', () => undefined, AbortSignal.abort(reason))).rejects.toBe(
      reason,
    )
    await lock.release()

    expect(await registry.get('alice')).toEqual(alice)
  })
})

describe('JsonRegistry.all', () => {
  it('is empty when nothing was ever registered, and says nothing', async () => {
    const { registry } = await emptyRegistry()

    expect((await registry.all()).size).toBe(0)
    expect(registry.takeWarnings()).toEqual([])
  })

  it('reads the file once for 100 calls while nothing changes', async () => {
    const { root } = await registryOfTwo()
    const read = vi.fn(nodeFiles.read)
    const { registry } = registryBelow(root, { ...nodeFiles, read })
    for (let i = 0; i < 100; i++) await registry.all()

    expect(read).toHaveBeenCalledTimes(1)
  })

  it('does not read again after its own change', async () => {
    const { root } = await registryOfTwo()
    const read = vi.fn(nodeFiles.read)
    const { registry } = registryBelow(root, { ...nodeFiles, read })
    await registry.update('carol', () => registration('carol'))
    read.mockClear()

    expect(await namesIn(registry)).toEqual(['alice', 'bob', 'carol'])
    expect(read).not.toHaveBeenCalled()
  })

  it('refuses a registry that others can write, with the chmod that cures it', async () => {
    const { paths, another } = await registryOfTwo()
    chmodSync(paths.registry, 0o666)

    await expect(another().all()).rejects.toMatchObject({
      code: 'FILE_UNSAFE',
      hint: `chmod 0644 ${paths.registry}`,
    })
  })
})

describe('a registry that does not parse', () => {
  it.each([
    ['cut in the middle', (text: string) => text.slice(0, text.length / 2)],
    ['empty', () => ''],
    ['binary', () => '\u0000\u0001\u00ff'],
    ['JSON but no registry', () => '[1,2]'],
    ['without a version', (text: string) => text.replace('"version":1,', '')],
    ['with registrations as a list', () => '{"version":1,"registrations":[]}'],
  ])(
    'is set aside when it is %s, and the copy before it is used and said',
    async (_name, damage) => {
      const { paths, another, clock } = await registryOfTwo()
      const damaged = damage(readFileSync(paths.registry, 'utf8'))
      writeFileSync(paths.registry, damaged)
      const aside = `${paths.registry}.damaged-${clock.now()}`
      const registry = another()

      expect(await namesIn(registry)).toEqual(['alice'])
      expect(registry.takeWarnings()).toEqual([
        expect.stringMatching(/is damaged: .*; it was set aside as .* and the copy from before/),
      ])
      expect(registry.takeWarnings()).toEqual([])
      expect(readFileSync(aside, 'utf8')).toBe(damaged)
      expect(await namesIn(another())).toEqual(['alice'])
    },
  )

  it('is repaired by a change too, which is not lost', async () => {
    const { paths, registry } = await registryOfTwo()
    writeFileSync(paths.registry, '{')
    await registry.update('carol', () => registration('carol'))

    expect(await namesIn(registry)).toEqual(['alice', 'carol'])
    expect(registry.takeWarnings().length).toBe(1)
  })

  it('is undone by the copy when registry.json alone was deleted', async () => {
    const { paths, another } = await registryOfTwo()
    unlinkSync(paths.registry)
    const registry = another()

    expect(await namesIn(registry)).toEqual(['alice'])
    expect(registry.takeWarnings()).toEqual([expect.stringContaining('is missing')])
    expect(readdirSync(paths.directory).some((name) => name.includes('damaged'))).toBe(false)
  })

  it('is left as it is when there is no good copy, with a cure', async () => {
    const { paths, registry } = await registryOfTwo()
    writeFileSync(paths.registry, '{"version":')
    writeFileSync(paths.registryPrevious, 'rubbish')
    const before = readdirSync(paths.directory).sort()

    for (const action of [
      () => registry.all(),
      () => registry.update('carol', () => registration('carol')),
    ]) {
      await expect(action()).rejects.toMatchObject({
        code: 'REGISTRY_MALFORMED',
        hint: expect.stringContaining('Restore'),
        data: { path: paths.registry },
      })
    }
    expect(readFileSync(paths.registry, 'utf8')).toBe('{"version":')
    expect(readdirSync(paths.directory).sort()).toEqual(before)
  })

  it('still yields the copy when the disk takes no repair, and says it once in 3', async () => {
    const { paths, root } = await registryOfTwo()
    writeFileSync(paths.registry, '{')
    const files: Files = {
      ...nodeFiles,
      replace: (path) =>
        nodeFiles.replace(join(path, 'not-a-directory'), new Uint8Array(), { mode: 0o600 }),
    }
    const { registry } = registryBelow(root, files)
    for (let i = 0; i < 3; i++) expect(await namesIn(registry)).toEqual(['alice'])

    expect(registry.takeWarnings()).toEqual([expect.stringContaining('is used, but')])
    expect(readFileSync(paths.registry, 'utf8')).toBe('{')
  })
})

describe('a registry of a newer version', () => {
  it('is refused for reading and changing, and not overwritten', async () => {
    const { paths, registry } = await registryOfTwo()
    const newer = '{"version":3,"registrations":{},"tenants":{}}'
    writeFileSync(paths.registry, newer)

    for (const action of [() => registry.all(), () => registry.update('alice', () => undefined)]) {
      await expect(action()).rejects.toMatchObject({
        code: 'REGISTRY_VERSION_UNKNOWN',
        data: { path: paths.registry, version: 3 },
      })
    }
    expect(readFileSync(paths.registry, 'utf8')).toBe(newer)
    expect(readdirSync(paths.directory).some((name) => name.includes('damaged'))).toBe(false)
  })
})

describe('an invalid registration among valid ones', () => {
  async function withMistyped() {
    const made = await registryOfTwo()
    const file = JSON.parse(readFileSync(made.paths.registry, 'utf8'))
    file.registrations.alice.servers = 'not-a-list.example.org'
    writeFileSync(made.paths.registry, JSON.stringify(file, null, 2))
    return { ...made, registry: made.another(), mistyped: file.registrations.alice }
  }

  it('is reported once with its field, and the others are read', async () => {
    const { registry, paths } = await withMistyped()

    expect(await namesIn(registry)).toEqual(['bob'])
    const [warning, ...more] = registry.takeWarnings()
    expect(warning).toContain("'alice' is not a valid registration and is left alone (servers:")
    expect(more).toEqual([])
    writeFileSync(paths.registry, `${readFileSync(paths.registry, 'utf8')}\n`)
    await registry.all()
    expect(registry.takeWarnings()).toEqual([])
  })

  it('survives the change of another as it is', async () => {
    const { registry, paths, mistyped } = await withMistyped()
    await registry.update('carol', () => registration('carol'))
    const file = JSON.parse(readFileSync(paths.registry, 'utf8'))

    expect(file.registrations.alice).toEqual(mistyped)
    expect(Object.keys(file.registrations)).toEqual(['alice', 'bob', 'carol'])
  })

  it('survives its own unregistering, and is cured by registering it again', async () => {
    const { registry, paths, mistyped } = await withMistyped()
    await registry.update('alice', () => undefined)
    expect(JSON.parse(readFileSync(paths.registry, 'utf8')).registrations.alice).toEqual(mistyped)
    await registry.update('alice', () => alice)

    expect(await registry.get('alice')).toEqual(alice)
  })
})
