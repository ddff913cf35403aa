import { chmod, readFile, rename, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { MapFile } from '../../../../src/myproxy/server/policy/map-file.js'
import { nodeFiles } from '../../../../src/node/ports/files.js'
import { rejectionOf } from '../../../support/failure.js'
import { temporaryDirectory } from '../../../support/temporary-directory.js'

let path: string
let parsed: string[]
let map: MapFile<string>

beforeEach(async () => {
  path = join(await temporaryDirectory(), 'map')
  await writeFile(path, '"/CN=a" one\n', { mode: 0o600 })
  parsed = []
  const place = { files: nodeFiles, path, owners: [process.getuid?.() ?? 0] }
  map = new MapFile(place, (text) => {
    parsed.push(text)
    return text
  })
})

describe('MapFile', () => {
  it('parses once what is asked for 20 times at once and 20 times in a row', async () => {
    await map.read()
    await Promise.all(Array.from({ length: 20 }, () => map.read()))
    for (let time = 0; time < 20; time += 1) expect(await map.read()).toBe('"/CN=a" one\n')
    expect(parsed).toHaveLength(1)
  })

  it('sees a change of 1 letter at the same size, inode and time, within the same tick', async () => {
    const then = new Date(1_700_000_000_000)
    await utimes(path, then, then)
    expect(await map.read()).toBe('"/CN=a" one\n')
    await writeFile(path, '"/CN=b" one\n')
    await utimes(path, then, then)
    expect(await map.read()).toBe('"/CN=b" one\n')
    expect(parsed).toHaveLength(2)
  })

  it('sees another file that is renamed into its place, or that a link comes to name', async () => {
    await map.read()
    await writeFile(`${path}.new`, 'renamed', { mode: 0o600 })
    await rename(`${path}.new`, path)
    expect(await map.read()).toBe('renamed')
    await writeFile(`${path}.linked`, 'linked', { mode: 0o600 })
    await unlink(path)
    await symlink(`${path}.linked`, path)
    expect(await map.read()).toBe('linked')
  })

  it('does not answer from memory when it is gone, or everybody may write it', async () => {
    await map.read()
    await chmod(path, 0o666)
    expect((await rejectionOf(map.read())).code).toBe('FILE_UNSAFE')
    await unlink(path)
    expect((await rejectionOf(map.read())).code).toBe('FILE_MISSING')
    await writeFile(path, '"/CN=a" one\n', { mode: 0o600 })
    expect(await map.read()).toBe(await readFile(path, 'utf8'))
    expect(parsed).toHaveLength(1)
  })
})
