import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import * as promises from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { nodeFiles as files, makeFiles } from '../../../src/node/ports/files.js'
import { execFileSync } from '../../support/bounded.js'
import { faultyDisk, systemError } from '../../support/faulty-disk.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const anybody = { maxBytes: 1000 }
const uid = process.getuid?.() ?? 0
const bytes = (text: string) => Buffer.from(text)
const modeOf = (path: string) => statSync(path).mode & 0o7777

/** Runs the rest of the test with this umask. */
function withUmask(mask: number): void {
  const before = process.umask(mask)
  onTestFinished(() => {
    process.umask(before)
  })
}

/** Calls `before` once, between the look at the open file and the first read. */
async function readCounting(path: string, before: () => void) {
  let reads = 0
  const open = async (...args: Parameters<typeof promises.open>) => {
    const handle = await promises.open(...args)
    const read = handle.read.bind(handle) as (...args: unknown[]) => Promise<unknown>
    const counted = async (...args: unknown[]) => {
      reads += 1
      if (reads === 1) before()
      return read(...args)
    }
    return Object.assign(handle, { read: counted })
  }
  const { bytes } = await makeFiles({ ...promises, open }).read(path, anybody)
  return { content: bytes.toString(), reads }
}

describe('Files.read', () => {
  it('returns content and facts of a file', async () => {
    const path = join(await temporaryDirectory(), 'proxy')
    writeFileSync(path, 'content', { mode: 0o600 })
    const { bytes: content, facts } = await files.read(path, { ...anybody, owners: [uid] })

    expect(content.toString()).toBe('content')
    expect(facts).toMatchObject({ kind: 'file', sizeBytes: 7, uid, mode: 0o600 })
    expect(facts.inode).toBe(statSync(path).ino)
  })

  it('reads a file of exactly the largest size and refuses one byte more', async () => {
    const path = join(await temporaryDirectory(), 'proxy')
    writeFileSync(path, 'x'.repeat(1000))
    expect((await files.read(path, anybody)).bytes.length).toBe(1000)
    writeFileSync(path, 'x'.repeat(1001))

    await expect(files.read(path, anybody)).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
      data: { path, maxBytes: 1000 },
    })
  })

  it('reads a file whose size is said to be 0, and caps it while reading', async () => {
    const content = (await files.read('/proc/self/status', { maxBytes: 100_000 })).bytes
    expect(content.toString()).toMatch(/^Name:/)

    await expect(files.read('/proc/self/status', { maxBytes: 100 })).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
    })
  })

  it('reads a file of 7 bytes in one call, and one that grows by 5 meanwhile to its end', async () => {
    const path = join(await temporaryDirectory(), 'proxy')
    writeFileSync(path, 'content')
    const whole = await readCounting(path, () => undefined)
    expect(whole).toEqual({ content: 'content', reads: 1 })

    const grown = await readCounting(path, () => appendFileSync(path, ' more'))
    expect(grown).toEqual({ content: 'content more', reads: 3 })
    await expect(
      readCounting(path, () => appendFileSync(path, 'x'.repeat(1000))),
    ).rejects.toMatchObject({ code: 'FILE_TOO_LARGE', data: { maxBytes: 1000 } })
  })

  it('says that a file is missing, also below something that is no directory', async () => {
    const directory = await temporaryDirectory()
    writeFileSync(join(directory, 'file'), '')

    for (const path of [join(directory, 'none'), join(directory, 'file', 'below')]) {
      await expect(files.read(path, anybody)).rejects.toMatchObject({
        code: 'FILE_MISSING',
        data: { path },
      })
    }
  })

  it('refuses a file of another owner, naming both', async () => {
    const path = join(await temporaryDirectory(), 'proxy')
    writeFileSync(path, '')

    await expect(files.read(path, { ...anybody, owners: [uid + 1] })).rejects.toMatchObject({
      code: 'FILE_UNSAFE',
      data: { reason: 'owner', uid, owners: [uid + 1] },
    })
  })

  it.each([0o640, 0o604, 0o620, 0o601])(
    'refuses a key with mode %o and says the chmod',
    async (mode) => {
      const path = join(await temporaryDirectory(), 'key')
      writeFileSync(path, '')
      chmodSync(path, mode)

      await expect(files.read(path, { ...anybody, forbiddenMode: 0o077 })).rejects.toMatchObject({
        code: 'FILE_UNSAFE',
        hint: `chmod 0600 ${path}`,
        data: { path, reason: 'mode', mode },
      })
    },
  )

  it('refuses a symlink, and follows it only where the rules allow', async () => {
    const directory = await temporaryDirectory()
    const link = join(directory, 'link')
    writeFileSync(join(directory, 'target'), 'behind')
    symlinkSync('target', link)

    await expect(files.read(link, anybody)).rejects.toMatchObject({
      code: 'FILE_UNSAFE',
      data: { path: link, reason: 'symlink', errno: 'ELOOP' },
    })
    const followed = await files.read(link, { ...anybody, followLinks: true })
    expect(followed.bytes.toString()).toBe('behind')
  })
})

describe('Files.replace', () => {
  it('creates a file with the mode asked for, whatever the umask is', async () => {
    const directory = await temporaryDirectory()
    withUmask(0o077)
    await files.replace(join(directory, 'open'), bytes('a'), { mode: 0o644 })
    process.umask(0)
    await files.replace(join(directory, 'closed'), bytes('b'), { mode: 0o400 })

    expect(modeOf(join(directory, 'open'))).toBe(0o644)
    expect(modeOf(join(directory, 'closed'))).toBe(0o400)
  })

  it('puts a new inode in place, so that an open reader keeps the old content', async () => {
    const directory = await temporaryDirectory()
    const path = join(directory, 'proxy')
    await files.replace(path, bytes('old'), { mode: 0o600 })
    linkSync(path, join(directory, 'reader'))
    await files.replace(path, bytes('new'), { mode: 0o600 })

    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(readFileSync(join(directory, 'reader'), 'utf8')).toBe('old')
  })

  it('keeps the previous content under the second name at each of 3 replacements', async () => {
    const directory = await temporaryDirectory()
    const path = join(directory, 'registry.json')
    const keepPreviousAs = `${path}.previous`
    await files.replace(path, bytes('1'), { mode: 0o600, keepPreviousAs })
    expect(readdirSync(directory)).toEqual(['registry.json'])

    for (const [content, previous] of [
      ['2', '1'],
      ['3', '2'],
    ] as const) {
      await files.replace(path, bytes(content), { mode: 0o600, keepPreviousAs })
      expect(readFileSync(path, 'utf8')).toBe(content)
      expect(readFileSync(keepPreviousAs, 'utf8')).toBe(previous)
    }
    expect(readdirSync(directory).length).toBe(2)
  })

  it('leaves no temporary when both names were one file already', async () => {
    const directory = await temporaryDirectory()
    const path = join(directory, 'registry.json')
    const keepPreviousAs = `${path}.previous`
    writeFileSync(path, 'after a crash')
    linkSync(path, keepPreviousAs)
    await files.replace(path, bytes('new'), { mode: 0o600, keepPreviousAs })

    expect(readFileSync(keepPreviousAs, 'utf8')).toBe('after a crash')
    expect(readdirSync(directory).sort()).toEqual(['registry.json', 'registry.json.previous'])
  })

  it('replaces a planted symlink itself and leaves what it points to alone', async () => {
    const directory = await temporaryDirectory()
    const [path, victim] = [join(directory, 'proxy'), join(directory, 'victim')]
    writeFileSync(victim, 'precious')
    symlinkSync(victim, path)
    await files.replace(path, bytes('secret'), { mode: 0o600, keepPreviousAs: `${path}.old` })

    expect(readFileSync(victim, 'utf8')).toBe('precious')
    expect(readFileSync(path, 'utf8')).toBe('secret')
    expect(readdirSync(directory).sort()).toEqual(['proxy', 'victim'])
  })

  it.runIf(uid === 0)('gives the new file to uid 12345 and gid 23456 when root asks', async () => {
    const path = join(await temporaryDirectory(), 'renewal-proxy.pem')
    await files.replace(path, bytes('secret'), { mode: 0o400, uid: 12345, gid: 23456 })

    expect(statSync(path)).toMatchObject({ uid: 12345, gid: 23456 })
    expect(modeOf(path)).toBe(0o400)
  })

  it('takes a file name of 255 bytes', async () => {
    const path = join(await temporaryDirectory(), 'n'.repeat(255))
    await files.replace(path, bytes('x'), { mode: 0o600 })

    expect(readFileSync(path, 'utf8')).toBe('x')
  })
})

describe('Files.append', () => {
  it('creates with the mode asked for, then appends whole records', async () => {
    const path = join(await temporaryDirectory(), 'events.log')
    withUmask(0o077)
    await files.append(path, bytes('one\n'), 0o640)
    await files.append(path, bytes('two\n'), 0o600)

    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n')
    expect(modeOf(path)).toBe(0o640)
  })

  it('loses none of 50 records appended at once to a file that is not there yet', async () => {
    const path = join(await temporaryDirectory(), 'events.log')
    const records = Array.from({ length: 50 }, (_, i) => `record ${i}`)
    await Promise.all(records.map((record) => files.append(path, bytes(`${record}\n`), 0o600)))

    expect(readFileSync(path, 'utf8').trim().split('\n').sort()).toEqual([...records].sort())
  })

  it.each([
    ['write', 'a part of it', 'ENOSPC'],
    ['datasync', 'all of it', 'EIO'],
  ])(
    'cuts off what a failed %s left, %s, where nobody else appends',
    async (name, _what, errno) => {
      const path = join(await temporaryDirectory(), 'jobs.journal')
      await files.append(path, bytes('one\n'), 0o600)
      const failing = makeFiles(
        faultyDisk((step) => {
          if (step.name !== name) return
          if (name === 'write') appendFileSync(path, 'tw')
          throw systemError(errno)
        }),
      )
      await expect(
        failing.append(path, bytes('two\n'), 0o600, { sync: true, expectedBytes: 4 }),
      ).rejects.toMatchObject({ code: 'FILE_UNWRITABLE', data: { errno } })
      expect(readFileSync(path, 'utf8')).toBe('one\n')
    },
  )

  it.each([
    [4, 'is not there', undefined, false],
    [0, 'is not there', undefined, false],
    [4, 'has 3 bytes', 'one', false],
    [4, 'has 5 bytes', 'one\n\n', false],
    [4, 'has 4 bytes', 'one\n', true],
  ])('where %i bytes are expected and the file %s', async (expectedBytes, _what, text, appends) => {
    const path = join(await temporaryDirectory(), 'jobs.journal')
    if (text !== undefined) writeFileSync(path, text)
    const two = bytes('two\n')
    expect(await files.append(path, two, 0o600, { sync: true, expectedBytes })).toBe(appends)
    const found = existsSync(path) ? readFileSync(path, 'utf8') : undefined
    expect(found).toBe(appends ? `${text}two\n` : text)
  })

  it('follows no symlink', async () => {
    const directory = await temporaryDirectory()
    symlinkSync(join(directory, 'elsewhere'), join(directory, 'events.log'))

    await expect(
      files.append(join(directory, 'events.log'), bytes('x'), 0o600),
    ).rejects.toMatchObject({ code: 'FILE_UNSAFE', data: { reason: 'symlink' } })
    expect(readdirSync(directory)).toEqual(['events.log'])
  })
})

describe('Files.remove, list, facts, makeDirectory, probeWritable', () => {
  it('says whether something was there to remove', async () => {
    const path = join(await temporaryDirectory(), 'file')
    writeFileSync(path, '')

    expect(await files.remove(path)).toBe(true)
    expect(await files.remove(path)).toBe(false)
  })

  it('syncs the directory of what was removed, if that is wished', async () => {
    const path = join(await temporaryDirectory(), 'file')
    const steps: string[] = []
    const watched = makeFiles(faultyDisk(({ name }) => void steps.push(name)))
    for (const [options, expected] of [
      [{ sync: true }, ['unlink', 'open', 'sync', 'close']],
      [{}, ['unlink']],
    ] as const) {
      writeFileSync(path, '')
      steps.length = 0
      expect(await watched.remove(path, options)).toBe(true)
      expect(steps).toEqual(expected)
    }
  })

  it('removes no directory', async () => {
    const directory = await temporaryDirectory()

    await expect(files.remove(directory)).rejects.toMatchObject({
      code: 'FILE_UNWRITABLE',
      data: { path: directory },
    })
  })

  it('lists names, and says that a directory is missing', async () => {
    const directory = await temporaryDirectory()
    writeFileSync(join(directory, 'b'), '')
    writeFileSync(join(directory, '.a'), '')

    expect((await files.list(directory)).sort()).toEqual(['.a', 'b'])
    await expect(files.list(join(directory, 'none'))).rejects.toMatchObject({
      code: 'FILE_MISSING',
    })
  })

  it('tells file, directory, symlink, FIFO and nothing apart', async () => {
    const directory = await temporaryDirectory()
    writeFileSync(join(directory, 'file'), '')
    symlinkSync('nowhere', join(directory, 'symlink'))
    execFileSync('mkfifo', [join(directory, 'fifo')])

    const kindOf = async (name: string) => (await files.facts(join(directory, name)))?.kind
    expect(await kindOf('file')).toBe('file')
    expect(await kindOf('.')).toBe('directory')
    expect(await kindOf('symlink')).toBe('symlink')
    expect(await kindOf('fifo')).toBe('other')
    expect(await kindOf('nothing')).toBeUndefined()
  })

  it('opens a directory that is asked afresh, and says the same of it as without', async () => {
    const directory = await temporaryDirectory()
    writeFileSync(join(directory, 'file'), '')

    const fresh = await files.facts(directory, { fresh: true })
    expect(fresh).toMatchObject({ kind: 'directory', inode: statSync(directory).ino })
    expect(fresh).toEqual(await files.facts(directory))
    for (const name of ['file', 'nothing']) {
      expect(await files.facts(join(directory, name), { fresh: true })).toBeUndefined()
    }
  })

  it('makes a directory with its mode despite the umask, and changes none', async () => {
    const directory = join(await temporaryDirectory(), 'state')
    withUmask(0o077)
    await files.makeDirectory(directory, 0o750)
    expect(modeOf(directory)).toBe(0o750)
    await files.makeDirectory(directory, 0o700)

    expect(modeOf(directory)).toBe(0o750)
  })

  it('refuses a file or a symlink where a directory is to be', async () => {
    const parent = await temporaryDirectory()
    writeFileSync(join(parent, 'file'), '')
    mkdirSync(join(parent, 'real'))
    symlinkSync('real', join(parent, 'link'))

    for (const name of ['file', 'link']) {
      await expect(files.makeDirectory(join(parent, name), 0o700)).rejects.toMatchObject({
        code: 'FILE_UNSAFE',
        data: { reason: 'not-a-directory' },
      })
    }
  })

  it('probes a directory and leaves nothing in it', async () => {
    const directory = await temporaryDirectory()
    await files.probeWritable(directory)
    expect(readdirSync(directory)).toEqual([])

    await expect(files.probeWritable(join(directory, 'none'))).rejects.toMatchObject({
      code: 'FILE_UNWRITABLE',
      persistence: 'transient',
      data: { path: join(directory, 'none'), errno: 'ENOENT' },
    })
  })
})
