import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { type Files, TEMPORARY_PREFIX } from '../../../src/ports/files.js'
import { type Credential, encodeCredential } from '../../../src/proxy/credential.js'
import { matchesGlob } from '../../../src/repository/name-glob.js'
import { removeOrphans } from '../../../src/repository/orphans.js'
import { proxyFileName } from '../../../src/repository/proxy-file-name.js'
import { ProxyRepository } from '../../../src/repository/proxy-repository.js'
import { cpuSecondsOf } from '../../support/cpu-time.js'
import { FakeClock } from '../../support/fake-clock.js'
import { addProxy, TestAuthority } from '../../support/pki.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const uid = process.getuid?.() ?? 0
const aliceFile = proxyFileName('/CN=alice', 'alice:/alice/Role=lcgadmin')
let first: Credential
let second: Credential

beforeAll(() => {
  const user = new TestAuthority().issueUser('alice')
  first = addProxy(user)
  second = addProxy(user)
})

/** One that counts its probes; they and writes fail when they are told to. */
async function probedRepository() {
  const clock = new FakeClock()
  const fail = { probe: false, write: false }
  let probes = 0
  const full = () => new VoboxError('FILE_UNWRITABLE', 'full')
  const files: Files = {
    ...nodeFiles,
    async probeWritable(directory) {
      probes += 1
      if (fail.probe) throw full()
      await nodeFiles.probeWritable(directory)
    },
    async replace(path, bytes, options) {
      if (fail.write) throw full()
      await nodeFiles.replace(path, bytes, options)
    },
  }
  const directory = await temporaryDirectory()
  const repository = new ProxyRepository({ files, clock, directory, owners: [uid] })
  return { repository, clock, fail, probes: () => probes }
}

async function emptyRepository(owners = [uid]) {
  const directory = await temporaryDirectory()
  return { directory, repository: new ProxyRepository({ files: nodeFiles, directory, owners }) }
}

/** Sets the time of the last change, in seconds. */
const touch = (path: string, seconds: number) => utimesSync(path, seconds, seconds)

describe('ProxyRepository', () => {
  it('stores a credential with mode 0600 and reads it back', async () => {
    const { repository, directory } = await emptyRepository()
    await repository.replace(aliceFile, first)
    const read = await repository.read(aliceFile)

    expect(encodeCredential(read)).toEqual(encodeCredential(first))
    expect(statSync(join(directory, aliceFile)).mode & 0o7777).toBe(0o600)
    expect(repository.path(aliceFile)).toBe(join(directory, aliceFile))
    expect(readdirSync(directory)).toEqual([aliceFile])
  })

  it('replaces by rename: who holds the old file keeps the old proxy, whole', async () => {
    const { repository, directory } = await emptyRepository()
    await repository.replace(aliceFile, first)
    linkSync(join(directory, aliceFile), join(directory, 'held'))
    await repository.replace(aliceFile, second)

    expect(readFileSync(join(directory, 'held'))).toEqual(encodeCredential(first))
    expect((await repository.readBytes(aliceFile)).bytes).toEqual(encodeCredential(second))
  })

  it('says whether there was a file to remove, and that a missing one is missing', async () => {
    const { repository, directory } = await emptyRepository()
    await repository.replace(aliceFile, first)

    expect(await repository.remove(aliceFile)).toBe(true)
    expect(await repository.remove(aliceFile)).toBe(false)
    await expect(repository.read(aliceFile)).rejects.toMatchObject({
      code: 'FILE_MISSING',
      data: { path: join(directory, aliceFile) },
    })
  })

  it.each(['../alice', 'a/b', '.hidden', '..', ''])(
    'refuses the name %j everywhere',
    async (name) => {
      const { repository } = await emptyRepository()
      const unsafe = expect.objectContaining({
        code: 'FILE_UNSAFE',
        data: { name, reason: 'name' },
      })

      expect(() => repository.path(name)).toThrow(unsafe)
      for (const action of [
        () => repository.read(name),
        () => repository.replace(name, first),
        () => repository.remove(name),
      ]) {
        await expect(action()).rejects.toEqual(unsafe)
      }
    },
  )

  it.each([0o644, 0o640, 0o700, 0o660])('does not believe a file of mode %o', async (mode) => {
    const { repository, directory } = await emptyRepository()
    await repository.replace(aliceFile, first)
    chmodSync(join(directory, aliceFile), mode)

    await expect(repository.read(aliceFile)).rejects.toMatchObject({
      code: 'FILE_UNSAFE',
      data: { path: join(directory, aliceFile), reason: 'mode', mode },
    })
  })

  it('believes a file of mode 0400', async () => {
    const { repository, directory } = await emptyRepository()
    await repository.replace(aliceFile, first)
    chmodSync(join(directory, aliceFile), 0o400)

    expect((await repository.read(aliceFile)).chain.length).toBe(2)
  })

  it('does not believe a file of somebody else', async () => {
    const { repository } = await emptyRepository([uid + 1])
    await repository.replace(aliceFile, first)

    await expect(repository.read(aliceFile)).rejects.toMatchObject({
      code: 'FILE_UNSAFE',
      data: { reason: 'owner', uid },
    })
  })

  it.each([
    ['cut in the middle', () => encodeCredential(first).subarray(0, 700), 'PROXY_FILE_MALFORMED'],
    ['empty', () => Buffer.alloc(0), 'PROXY_FILE_MALFORMED'],
    ['binary', () => Buffer.alloc(2000, 0x80), 'PROXY_FILE_MALFORMED'],
    ['of 600 kB', () => Buffer.alloc(600_000, 0x41), 'FILE_TOO_LARGE'],
  ])('names the path of a file that is %s', async (_name, content, code) => {
    const { repository, directory } = await emptyRepository()
    const path = join(directory, aliceFile)
    writeFileSync(path, content(), { mode: 0o600 })

    await expect(repository.read(aliceFile)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(path),
      data: { path },
    })
  })

  it('probes whether a renewed proxy could be stored', async () => {
    const { repository, directory } = await emptyRepository()
    await repository.probeWritable()
    expect(readdirSync(directory)).toEqual([])

    const gone = new ProxyRepository({ files: nodeFiles, directory: `${directory}/no`, owners: [] })
    await expect(gone.probeWritable()).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' })
  })

  it('probes once for all who ask within a second', async () => {
    const { repository, clock, probes } = await probedRepository()
    await Promise.all([repository.probeWritable(), repository.probeWritable()])
    await clock.advance(999)
    await repository.probeWritable()
    expect(probes()).toBe(1)

    await clock.advance(1)
    await repository.probeWritable()
    expect(probes()).toBe(2)
  })

  it('shares a failed probe with those who wait for it, and with nobody after', async () => {
    const { repository, probes, fail } = await probedRepository()
    fail.probe = true
    const both = await Promise.allSettled([repository.probeWritable(), repository.probeWritable()])
    expect(both).toMatchObject(Array(2).fill({ reason: { code: 'FILE_UNWRITABLE' } }))
    expect(probes()).toBe(1)

    fail.probe = false
    await repository.probeWritable()
    expect(probes()).toBe(2)
  })

  it('believes no probe from before a failed write', async () => {
    const { repository, probes, fail } = await probedRepository()
    await repository.probeWritable()
    fail.write = true
    await expect(repository.replace(aliceFile, first)).rejects.toThrow('full')
    await repository.probeWritable()
    expect(probes()).toBe(2)
  })
})

describe('ProxyRepository.list and newestFirst', () => {
  it('shows proxy files alone, not what is hidden, and no link or directory by time', async () => {
    const { repository, directory } = await emptyRepository()
    await repository.replace(aliceFile, first)
    writeFileSync(join(directory, `${TEMPORARY_PREFIX}0`), '')
    mkdirSync(join(directory, 'directory'))
    symlinkSync(aliceFile, join(directory, 'link'))

    expect((await repository.list()).sort()).toEqual([aliceFile, 'directory', 'link'])
    expect((await repository.newestFirst()).map(({ fileName }) => fileName)).toEqual([aliceFile])
  })

  it('lists 150 files as ls -t does: the last replaced first, equal times by name', async () => {
    const { repository, directory } = await emptyRepository()
    const names = Array.from({ length: 150 }, (_, i) => `file${String(i).padStart(3, '0')}`)
    for (const [i, name] of names.entries()) {
      writeFileSync(join(directory, name), '')
      touch(join(directory, name), 1_000_000 + Math.floor(i / 2))
    }
    const listed = (await repository.newestFirst()).map(({ fileName }) => fileName)

    expect(listed.slice(0, 4)).toEqual(['file148', 'file149', 'file146', 'file147'])
    expect(listed.length).toBe(150)
  })

  it('finds the newest proxy of a role as service scripts do', async () => {
    const { repository, directory } = await emptyRepository()
    const files = ['/CN=alice', '/CN=bob', '/CN=carol'].map((dn, i) =>
      proxyFileName(dn, i === 2 ? 'alice' : 'alice:/alice/Role=lcgadmin'),
    )
    for (const [i, name] of files.entries()) {
      await repository.replace(name, first)
      touch(join(directory, name), 1_000_000 + i)
    }

    const [newest, ...others] = await repository.newestFirst(matchesGlob('*lcgadmin'))
    expect(newest).toEqual({ fileName: files[1], modifiedMs: 1_000_001_000 })
    expect(others.map(({ fileName }) => fileName)).toEqual([files[0]])
  })
})

describe('removeOrphans', () => {
  it('removes a temporary of 11 minutes ago, and neither a young one nor a proxy', async () => {
    const { repository, directory } = await emptyRepository()
    const clock = new FakeClock()
    await repository.replace(aliceFile, first)
    for (const [name, age] of [
      [`${TEMPORARY_PREFIX}old`, 660],
      [`${TEMPORARY_PREFIX}young`, 540],
      ['.somebody-elses', 660],
      [aliceFile, 660],
    ] as const) {
      writeFileSync(join(directory, name), '')
      touch(join(directory, name), clock.now() - age)
    }

    expect(await removeOrphans(nodeFiles, clock, directory)).toBe(1)
    expect(readdirSync(directory).sort()).toEqual(
      [aliceFile, '.somebody-elses', `${TEMPORARY_PREFIX}young`].sort(),
    )
  })
})

describe('matchesGlob', () => {
  it.each([
    ['*lcgadmin', 'x+3dlcgadmin', true],
    ['*lcgadmin', 'lcgadmin', true],
    ['*lcgadmin', 'lcgadmin2', false],
    ['+2f*', '+2fCN', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['*a*b*', 'xaxbx', true],
    ['*a*b', 'bxa', false],
    ['', '', true],
    ['', 'a', false],
    ['**', '', true],
    ['a.c', 'abc', false],
    ['[ab]', 'a', false],
  ])('%s on %s is %s', (pattern, name, matches) => {
    expect(matchesGlob(pattern)(name)).toBe(matches)
  })

  it('takes no more than 10 s of computing for 100 stars on 10,000 characters that end otherwise', () => {
    const matches = matchesGlob(`${'*a'.repeat(100)}*b`)
    expect(cpuSecondsOf(() => expect(matches('a'.repeat(10_000))).toBe(false))).toBeLessThan(10)
  })
})
