/** Working on one open file. */
import type { FileHandle } from 'node:fs/promises'

/**
 * Runs `work` on an open file and closes it whatever happens. A failure to close is a failure: some
 * network file systems say only then that the disk was full.
 */
export async function withHandle<T>(
  opening: Promise<FileHandle>,
  work: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await opening
  try {
    return await work(handle)
  } finally {
    await handle.close()
  }
}

/** The process' umask may have narrowed the mode at creation; it never widens it. */
export async function setMode(handle: FileHandle, mode: number): Promise<void> {
  const stats = await handle.stat()
  if ((stats.mode & 0o7777) !== mode) await handle.chmod(mode)
}
