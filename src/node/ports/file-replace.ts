/**
 * Writing so that a reader, a crash or a full disk sees the old content or the new, never a part.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ReplaceOptions, TEMPORARY_PREFIX } from '../../ports/files.js'
import { errnoOf, fileError } from './file-errors.js'
import { setMode, withHandle } from './file-handle.js'
import type { Disk } from './files.js'

const CREATE_FLAGS =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/** About the size of the largest proxy file: what a probe must be able to write. */
const PROBE_BYTES = 16 * 1024

/**
 * Replaces or creates `path`.
 *
 * The kept copy takes its place before the new content does: a crash between the two leaves the old
 * content under both names, which loses nothing.
 */
export function replaceFile(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  options: ReplaceOptions,
): Promise<void> {
  const work = replace(disk, path, bytes, options)
  underWay.add(work)
  const done = () => underWay.delete(work)
  work.then(done, done)
  return work
}

const underWay = new Set<Promise<void>>()

/** Resolves when no file is being replaced: a process that ends before would leave a temporary. */
export async function replacementsSettled(): Promise<void> {
  while (underWay.size > 0) await Promise.allSettled(underWay)
}

async function replace(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  options: ReplaceOptions,
): Promise<void> {
  const temporary = temporaryBeside(path)
  try {
    await createFile(disk, temporary, bytes, options)
    if (options.keepPreviousAs !== undefined) {
      await keepPrevious(disk, path, options.keepPreviousAs)
    }
    await disk.rename(temporary, path)
    await syncDirectory(disk, dirname(path))
  } catch (error) {
    await removeQuietly(disk, temporary)
    throw fileError(error, path, 'write')
  }
}

/** Whether a file as large as a proxy can be created, synced and removed in `directory`. */
export async function probeWritable(disk: Disk, directory: string): Promise<void> {
  const temporary = temporaryBeside(join(directory, 'probe'))
  try {
    await createFile(disk, temporary, new Uint8Array(PROBE_BYTES), { mode: 0o600 })
    await disk.unlink(temporary)
  } catch (error) {
    await removeQuietly(disk, temporary)
    throw fileError(error, directory, 'write')
  }
}

/** Owner before mode before content: at no moment can anybody else read what is inside. */
async function createFile(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  options: ReplaceOptions,
): Promise<void> {
  await withHandle(disk.open(path, CREATE_FLAGS, options.mode), async (handle) => {
    if (options.uid !== undefined || options.gid !== undefined) {
      await handle.chown(options.uid ?? -1, options.gid ?? -1)
    }
    await setMode(handle, options.mode)
    await handle.writeFile(bytes)
    await handle.sync()
  })
}

async function keepPrevious(disk: Disk, path: string, keepAs: string): Promise<void> {
  const old = await disk.lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (old === undefined || !old.isFile()) return
  const link = temporaryBeside(keepAs)
  await disk.link(path, link)
  try {
    await disk.rename(link, keepAs)
  } finally {
    // Still there after a failure, and after success when both names were links to one file
    // already: rename(2) then does nothing.
    await removeQuietly(disk, link)
  }
}

/** So that a rename or a removal survives a crash too. */
export function syncDirectory(disk: Disk, directory: string): Promise<void> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY
  return withHandle(disk.open(directory, flags), async (handle) => {
    try {
      await handle.sync()
    } catch (error) {
      // Some network file systems cannot sync a directory; they commit a rename when it is made.
      const errno = errnoOf(error)
      if (errno !== 'EINVAL' && errno !== 'ENOTSUP') throw error
    }
  })
}

/** Not made from the file's own name, which may be as long as a name can be. */
function temporaryBeside(path: string): string {
  return join(dirname(path), `${TEMPORARY_PREFIX}${randomBytes(12).toString('hex')}`)
}

async function removeQuietly(disk: Disk, path: string): Promise<void> {
  await disk.unlink(path).catch(() => undefined)
}
