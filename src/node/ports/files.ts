/** The disk with the safety rules of `ports/files.ts`. */
import { constants } from 'node:fs'
import * as promises from 'node:fs/promises'
import { dirname } from 'node:path'
import { printable, VoboxError } from '../../errors.js'
import type { AppendOptions, Files } from '../../ports/files.js'
import { errnoOf, fileError, unsafe } from './file-errors.js'
import { setMode, withHandle } from './file-handle.js'
import { lockFile, tryLockFile } from './file-lock.js'
import { readFacts, readFileSafely } from './file-read.js'
import { probeWritable, replaceFile, syncDirectory } from './file-replace.js'
import { watchPath } from './file-watch.js'

/** The calls of the system that we make; tests pass some that fail or stop half-way. */
export type Disk = Pick<
  typeof promises,
  'open' | 'rename' | 'link' | 'unlink' | 'lstat' | 'mkdir' | 'readdir'
>

const APPEND_FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK

export function makeFiles(disk: Disk): Files {
  return {
    read: (path, rules) => readFileSafely(disk, path, rules),
    replace: (path, bytes, options) => replaceFile(disk, path, bytes, options),
    append: (path, bytes, mode, options) => append(disk, path, bytes, mode, options),
    remove: (path, options) => remove(disk, path, options?.sync),
    list: (directory) => list(disk, directory),
    facts: (path, options) => readFacts(disk, path, options),
    makeDirectory: (path, mode) => makeDirectory(disk, path, mode),
    probeWritable: (directory) => probeWritable(disk, directory),
    lock: (path, deadlineMs, signal) => lockFile(disk, path, deadlineMs, signal),
    tryLock: (path) => tryLockFile(disk, path),
    watch: watchPath,
  }
}

export const nodeFiles: Files = makeFiles(promises)

async function append(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  mode: number,
  { sync = false, expectedBytes }: AppendOptions = {},
): Promise<boolean> {
  const alone = expectedBytes !== undefined
  try {
    const opening = alone ? disk.open(path, APPEND_FLAGS) : openForAppend(disk, path, mode)
    return await withHandle(opening, async (handle) => {
      const before = await handle.stat()
      if (!before.isFile()) throw unsafe(path, 'not-regular', 'is not a regular file')
      if (alone && before.size !== expectedBytes) return false
      try {
        await writeRecord(handle, path, bytes)
        if (sync) await handle.datasync()
      } catch (error) {
        // Takes no room, so a full disk lets it be.
        if (alone) await handle.truncate(before.size).catch(() => undefined)
        throw error
      }
      return true
    })
  } catch (error) {
    if (alone && errnoOf(error) === 'ENOENT') return false
    throw fileError(error, path, 'write')
  }
}

async function writeRecord(
  handle: promises.FileHandle,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const { bytesWritten } = await handle.write(bytes)
  if (bytesWritten === bytes.length) return
  throw new VoboxError('FILE_UNWRITABLE', `${printable(path)} took only a part of a record`, {
    data: { path, bytesWritten, expectedBytes: bytes.length },
  })
}

/** Creation apart from opening, so that only who created the file sets its mode. */
async function openForAppend(disk: Disk, path: string, mode: number): Promise<promises.FileHandle> {
  for (;;) {
    try {
      return await disk.open(path, APPEND_FLAGS)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
    }
    try {
      const created = constants.O_CREAT | constants.O_EXCL
      const handle = await disk.open(path, APPEND_FLAGS | created, mode)
      await setMode(handle, mode)
      return handle
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
    }
  }
}

async function remove(disk: Disk, path: string, sync = false): Promise<boolean> {
  try {
    await disk.unlink(path)
    if (sync) await syncDirectory(disk, dirname(path))
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw fileError(error, path, 'write')
  }
}

async function list(disk: Disk, directory: string): Promise<string[]> {
  try {
    return await disk.readdir(directory)
  } catch (error) {
    throw fileError(error, directory, 'read')
  }
}

async function makeDirectory(disk: Disk, path: string, mode: number): Promise<void> {
  try {
    await disk.mkdir(path, mode)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw fileError(error, path, 'write')
    const found = await readFacts(disk, path)
    if (found?.kind === 'directory') return
    throw unsafe(path, 'not-a-directory', 'is in the way of a directory of that name')
  }
  // The umask may have narrowed the mode; by descriptor, so that no link is followed.
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
  try {
    await withHandle(disk.open(path, flags), (handle) => setMode(handle, mode))
  } catch (error) {
    throw fileError(error, path, 'write')
  }
}
