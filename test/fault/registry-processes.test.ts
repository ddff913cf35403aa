import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { bundleScript } from '../support/bundled-script.js'
import { registration, registryBelow } from '../support/registry.js'
import { makeTemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.js'

const run = promisify(execFile)
let script: string
let scripts: { path: string; remove(): Promise<void> }

beforeAll(async () => {
  scripts = await makeTemporaryDirectory()
  script = await bundleScript('register-in-process.ts', scripts.path)
})
afterAll(() => scripts.remove())

const register = (root: string, name: string) => run(process.execPath, [script, root, name])

describe('many processes on one registry', () => {
  it('loses none of 50 registrations made at once beside a service that reads', async () => {
    const root = await temporaryDirectory()
    const { registry, paths } = registryBelow(root)
    await registry.update('first', () => registration('first'))
    const names = Array.from({ length: 50 }, (_, i) => `user${String(i).padStart(2, '0')}`)
    const seen = new Set<string>()
    const watcher = registry.watch(async () => {
      for (const name of (await registry.all()).keys()) seen.add(name)
    })

    const outputs = await Promise.all(names.map((name) => register(root, name)))
    expect(outputs.map(({ stdout }) => stdout.trim())).toEqual(names)
    await vi.waitUntil(() => seen.size === 51, { timeout: 60_000 })
    watcher.close()

    const file = JSON.parse(readFileSync(paths.registry, 'utf8'))
    expect(Object.keys(file.registrations).sort()).toEqual(['first', ...names])
    expect(registry.takeWarnings()).toEqual([])
    expect(readdirSync(paths.directory).sort()).toEqual([
      '.registry.lock',
      'registry.json',
      'registry.json.previous',
    ])
  }, 120_000)

  it('is noticed by a watching service after one registration', async () => {
    const root = await temporaryDirectory()
    const { registry } = registryBelow(root)
    await registry.all()
    const noticed = new Promise<void>((resolve) => {
      const watcher = registry.watch(resolve)
      onTestFinished(() => watcher.close())
    })
    await register(root, 'alice')
    await noticed

    expect([...(await registry.all()).keys()]).toEqual(['alice'])
  })
})
