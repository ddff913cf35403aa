/** Serial numbers of a CA in several processes, of which some are killed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { spawnSync } from '../support/bounded.js'
import { bundleScript } from '../support/bundled-script.js'
import { makeTemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.js'

const DEADLINE_MS = 60_000

let script: string
let scripts: { path: string; remove(): Promise<void> }
beforeAll(async () => {
  scripts = await makeTemporaryDirectory()
  script = await bundleScript('serials-in-process.ts', scripts.path)
})
afterAll(() => scripts.remove())

let path: string
beforeEach(async () => {
  path = join(await temporaryDirectory(), 'serial')
  await writeFile(path, '01\n', { mode: 0o600 })
})

const numbersIn = (output: string) => output.split('\n').filter((line) => line !== '')

it('killed before each change of the disk for its second number, a CA gives none twice', () => {
  const take = (count: number, killAt: number) => {
    const args = [script, path, String(count), '1', String(killAt)]
    return spawnSync(process.execPath, args, { encoding: 'utf8' })
  }
  const first = take(1, 0)
  const calls = Number(first.stderr)
  // Lock, temporary file, write, sync, rename, sync of the directory, and closing each.
  expect(calls).toBeGreaterThan(6)
  const given = numbersIn(String(first.stdout))
  for (let killAt = calls + 1; killAt <= 2 * calls; killAt++) {
    const { stdout, signal } = take(2, killAt)
    expect(signal).toBe('SIGKILL')
    given.push(...numbersIn(String(stdout)))
  }
  expect(new Set(given).size).toBe(given.length)
  expect(given.length).toBeGreaterThan(calls)
}, 120_000)

it('4 processes, 2 of them killed at work, give no number twice, and the others go on', async () => {
  const start = () =>
    spawn(process.execPath, [script, path, '25', '1', '0'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: DEADLINE_MS,
    })
  const children = [start(), start(), start(), start()]
  const outputs = children.map((child) => text(child.stdout))
  // Listened for at once: what the second one says while the first is waited for comes only once.
  const doomed = children.slice(0, 2)
  await Promise.all(
    doomed.map(async (child) => {
      await once(child.stdout, 'data')
      child.kill('SIGKILL')
    }),
  )
  const given = (await Promise.all(outputs)).map(numbersIn)
  expect(given.slice(2).map(({ length }) => length)).toEqual([25, 25])
  const all = given.flat()
  expect(new Set(all).size).toBe(all.length)
  const next = Number.parseInt(await readFile(path, 'utf8'), 16)
  expect(next).toBeGreaterThan(Math.max(...all.map((hex) => Number.parseInt(hex, 16))))
})

it('2 CAs with a skip of 2 share no number, though both are killed again and again', async () => {
  const other = `${path}-other`
  await writeFile(other, '02\n', { mode: 0o600 })
  const given: string[] = []
  for (const killAt of [4, 8, 0]) {
    for (const file of [path, other]) {
      const args = [script, file, '2', '2', String(killAt)]
      given.push(
        ...numbersIn(String(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout)),
      )
    }
  }
  expect(new Set(given).size).toBe(given.length)
  expect(given.filter((hex) => Number.parseInt(hex, 16) % 2 === 0).length).toBeGreaterThan(1)
  expect(given.filter((hex) => Number.parseInt(hex, 16) % 2 === 1).length).toBeGreaterThan(1)
})
