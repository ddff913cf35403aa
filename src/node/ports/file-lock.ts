/**
 * Locks between processes: open file description locks, which belong to one open descriptor, so
 * that two holders within one process exclude each other too and the death of a process frees them.
 */
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { printable, VoboxError } from '../../errors.js'
import type { FileLock } from '../../ports/files.js'
import { fileError, unsafe } from './file-errors.js'
import { readFacts } from './file-read.js'
import type { Disk } from './files.js'

const LOCK_FLAGS =
  constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 40

/** Keeps held descriptors from the garbage collector, which would close them and free the lock. */
const held = new Set<FileHandle>()

type Attempt = FileLock | 'busy' | 'replaced'

export async function tryLockFile(disk: Disk, path: string): Promise<FileLock | undefined> {
  for (;;) {
    const handle = await openLockFile(disk, path)
    const attempt = await tryHandle(disk, path, handle).catch(async (error: unknown) => {
      await handle.close()
      throw error
    })
    if (typeof attempt !== 'string') return attempt
    await handle.close()
    if (attempt === 'busy') return undefined
  }
}

/** Polls, since a waiting lock call could neither be cancelled nor given a deadline. */
export async function lockFile(
  disk: Disk,
  path: string,
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<FileLock> {
  const end = performance.now() + deadlineMs
  signal?.throwIfAborted()
  let handle = await openLockFile(disk, path)
  try {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const attempt = await tryHandle(disk, path, handle)
      if (typeof attempt !== 'string') return attempt
      if (attempt === 'replaced') {
        await handle.close()
        handle = await openLockFile(disk, path)
        continue
      }
      const leftMs = end - performance.now()
      if (leftMs <= 0) throw lockTimeout(path, deadlineMs)
      await pause(Math.min(pauseMs * (0.5 + Math.random()), leftMs), signal)
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** After the lock is taken the name must still lead to this very file, or two could hold "it". */
async function tryHandle(disk: Disk, path: string, handle: FileHandle): Promise<Attempt> {
  const { tryLock } = await loadLocks()
  try {
    if (!tryLock(handle.fd)) return 'busy'
    const named = await readFacts(disk, path)
    if (named?.inode !== (await handle.stat()).ino) return 'replaced'
  } catch (error) {
    throw fileError(error, path, 'write')
  }
  held.add(handle)
  return { release: () => releaseHandle(handle) }
}

/** Closing the only descriptor of the description frees the lock. May be called twice. */
async function releaseHandle(handle: FileHandle): Promise<void> {
  if (held.delete(handle)) await handle.close()
}

async function openLockFile(disk: Disk, path: string): Promise<FileHandle> {
  let handle: FileHandle | undefined
  try {
    handle = await disk.open(path, LOCK_FLAGS, 0o600)
    if (!(await handle.stat()).isFile()) throw unsafe(path, 'not-regular', 'is not a regular file')
    return handle
  } catch (error) {
    await handle?.close()
    throw fileError(error, path, 'write')
  }
}

/** A native addon, so loaded only by who takes a lock. */
async function loadLocks(): Promise<typeof import('fs-native-extensions')> {
  try {
    return await import('fs-native-extensions')
  } catch (error) {
    throw new VoboxError('INTERNAL', 'The native file lock module cannot be loaded', {
      hint: `Reinstall the package on this machine (${process.platform} ${process.arch})`,
      cause: error,
    })
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : error
  }
}

function lockTimeout(path: string, deadlineMs: number): VoboxError {
  const seconds = deadlineMs / 1000
  return new VoboxError(
    'LOCK_TIMEOUT',
    `${printable(path)} was held by another process for ${seconds} s`,
    { data: { path, deadlineMs } },
  )
}
