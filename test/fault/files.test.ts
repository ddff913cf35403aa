import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { makeFiles, nodeFiles } from '../../src/node/ports/files.js'
import { TEMPORARY_PREFIX } from '../../src/ports/files.js'
import { execFileSync, spawnSync } from '../support/bounded.js'
import { bundleScript } from '../support/bundled-script.js'
import { type DiskStep, faultyDisk, systemError } from '../support/faulty-disk.js'
import { makeTemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.js'

const rules = { maxBytes: 1024 * 1024, forbiddenMode: 0o077 }

/** A directory with a file `proxy` and the copy kept before it. */
async function withOldContent() {
  const directory = await temporaryDirectory()
  const [path, keepPreviousAs] = [join(directory, 'proxy'), join(directory, 'previous')]
  writeFileSync(path, 'old content', { mode: 0o600 })
  writeFileSync(keepPreviousAs, 'older content', { mode: 0o600 })
  return { directory, path, keepPreviousAs }
}

describe('a file that was prepared against us', () => {
  it.each([
    ['a FIFO that nobody writes', 'not-regular', (path: string) => execFileSync('mkfifo', [path])],
    ['a directory', 'not-regular', (path: string) => mkdirSync(path)],
    ['a link to a secret', 'symlink', (path: string) => symlinkSync('/etc/shadow', path)],
    ['a link to nothing', 'symlink', (path: string) => symlinkSync('nothing', path)],
    [
      'a file that everybody can read',
      'mode',
      (path: string) => {
        writeFileSync(path, 'key')
        chmodSync(path, 0o644)
      },
    ],
  ])('is refused and not waited for when it is %s', async (_name, reason, prepare) => {
    const path = join(await temporaryDirectory(), 'proxy')
    prepare(path)

    await expect(nodeFiles.read(path, rules)).rejects.toMatchObject({
      code: 'FILE_UNSAFE',
      data: { path, reason },
    })
  })

  it('is refused when it is a socket or a device', async () => {
    const path = join(await temporaryDirectory(), 'socket')
    const server = createServer().listen(path)
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))

    for (const special of [path, '/dev/zero']) {
      await expect(nodeFiles.read(special, rules)).rejects.toMatchObject({
        code: 'FILE_UNSAFE',
        data: { path: special, reason: 'not-regular' },
      })
    }
  })

  it('is not read at all when it has 10 GB', async () => {
    const path = join(await temporaryDirectory(), 'proxy')
    writeFileSync(path, '', { mode: 0o600 })
    truncateSync(path, 10 * 1024 ** 3)
    const before = process.memoryUsage().rss

    await expect(nodeFiles.read(path, rules)).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
      data: { path, maxBytes: 1024 * 1024 },
    })
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
  })

  it.each(['append', 'lock'] as const)(
    'does not make %s wait when it is a FIFO',
    async (action) => {
      const path = join(await temporaryDirectory(), 'fifo')
      execFileSync('mkfifo', [path])
      const attempt =
        action === 'lock'
          ? nodeFiles.tryLock(path)
          : nodeFiles.append(path, Buffer.from('x'), 0o600)

      await expect(attempt).rejects.toMatchObject({
        code: 'FILE_UNSAFE',
        data: { path, reason: 'not-regular' },
      })
    },
  )
})

describe('a replacement that fails', () => {
  it.each([
    ['the disk is full while writing', 'writeFile', 'ENOSPC'],
    ['the quota is used up at the first sync', 'sync', 'EDQUOT'],
    ['the disk breaks while closing', 'close', 'EIO'],
    ['the copy cannot be linked', 'link', 'EMLINK'],
    ['the rename fails', 'rename', 'EIO'],
    ['no file can be created', 'open', 'EACCES'],
  ])('changes nothing and leaves no temporary when %s', async (_name, step, errno) => {
    const { directory, path, keepPreviousAs } = await withOldContent()
    const files = makeFiles(
      faultyDisk(({ name }) => {
        if (name === step) throw systemError(errno)
      }),
    )

    await expect(
      files.replace(path, Buffer.from('new content'), { mode: 0o600, keepPreviousAs }),
    ).rejects.toMatchObject({
      code: 'FILE_UNWRITABLE',
      persistence: 'transient',
      data: { path, errno },
    })
    expect(readdirSync(directory).sort()).toEqual(['previous', 'proxy'])
    expect(readFileSync(path, 'utf8')).toBe('old content')
    expect(readFileSync(keepPreviousAs, 'utf8')).toBe('older content')
  })

  it('keeps the old content when the last rename fails after the copy was made', async () => {
    const { directory, path, keepPreviousAs } = await withOldContent()
    const files = makeFiles(
      faultyDisk(({ name, path: from }) => {
        if (name === 'rename' && readFileSync(from ?? '', 'utf8') === 'new content') {
          throw systemError('EIO')
        }
      }),
    )

    await expect(
      files.replace(path, Buffer.from('new content'), { mode: 0o600, keepPreviousAs }),
    ).rejects.toMatchObject({ code: 'FILE_UNWRITABLE', data: { errno: 'EIO' } })
    expect(readdirSync(directory).sort()).toEqual(['previous', 'proxy'])
    expect(readFileSync(path, 'utf8')).toBe('old content')
    expect(readFileSync(keepPreviousAs, 'utf8')).toBe('old content')
  })

  it('is told apart from a disk that cannot sync a directory, which is no failure', async () => {
    const { path } = await withOldContent()
    let syncs = 0
    const files = makeFiles(
      faultyDisk(({ name }) => {
        if (name === 'sync' && ++syncs === 2) throw systemError('EINVAL')
      }),
    )
    await files.replace(path, Buffer.from('new content'), { mode: 0o600 })

    expect(syncs).toBe(2)
    expect(readFileSync(path, 'utf8')).toBe('new content')
  })

  it('changes nothing on a disk that is really full, and the probe says so first', async () => {
    const { directory, path, limited } = await onFullDisk()

    expect(limited('probe')).toMatchObject({ code: 'FILE_UNWRITABLE' })
    expect(limited('replace')).toMatchObject({ code: 'FILE_UNWRITABLE', errno: 'EFBIG' })
    expect(readFileSync(path, 'utf8')).toBe('old content')
    expect(readdirSync(directory).sort()).toEqual(['previous', 'proxy'])
  })

  /** Processes that may write no file over 4 kB: the kernel itself cuts the writing short. */
  async function onFullDisk() {
    const made = await withOldContent()
    const limited = (work: string) => {
      const command = `ulimit -f 4; exec "$0" "$@"`
      const args = ['-c', command, process.execPath, limitedScript, work, made.directory]
      return JSON.parse(spawnSync('/bin/bash', args, { encoding: 'utf8' }).stdout)
    }
    return { ...made, limited }
  }
})

let scripts: { path: string; remove(): Promise<void> }
let killedScript: string
let limitedScript: string

beforeAll(async () => {
  scripts = await makeTemporaryDirectory()
  killedScript = await bundleScript('killed-in-process.ts', scripts.path)
  limitedScript = await bundleScript('limited-in-process.ts', scripts.path)
})
afterAll(() => scripts.remove())

describe('a process that is killed', () => {
  it('before any step of a replacement leaves the old or the new content, whole', async () => {
    const seen = new Set<string>()
    for (let step = 1; ; step++) {
      const { directory, path, keepPreviousAs } = await withOldContent()
      const args = [killedScript, 'replace', directory, String(step)]
      const { stdout, signal } = spawnSync(process.execPath, args, { encoding: 'utf8' })
      seen.add(readFileSync(path, 'utf8'))

      expect(['old content', 'new content']).toContain(readFileSync(path, 'utf8'))
      expect(['older content', 'old content']).toContain(readFileSync(keepPreviousAs, 'utf8'))
      const others = readdirSync(directory).filter((name) => !['proxy', 'previous'].includes(name))
      expect(others.every((name) => name.startsWith(TEMPORARY_PREFIX))).toBe(true)
      if (stdout === 'done') break
      expect(signal).toBe('SIGKILL')
      expect(step).toBeLessThan(30)
    }
    expect([...seen].sort()).toEqual(['new content', 'old content'])
  }, 120_000)
})

describe('the order of a replacement', () => {
  it('is create, write, sync, close, copy, rename, sync of the directory', async () => {
    const { path, keepPreviousAs, directory } = await withOldContent()
    const steps: DiskStep[] = []
    const files = makeFiles(faultyDisk((step) => void steps.push(step)))
    await files.replace(path, Buffer.from('new content'), { mode: 0o600, keepPreviousAs })

    expect(steps.map(({ name }) => name)).toEqual([
      'open',
      'writeFile',
      'sync',
      'close',
      'link',
      'rename',
      'unlink',
      'rename',
      'open',
      'sync',
      'close',
    ])
    expect(steps[8]?.path).toBe(directory)
  })
})
