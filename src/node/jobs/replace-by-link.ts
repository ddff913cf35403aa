/** A file that becomes a link to another, so that whoever opens its path finds one or the other. */
import { randomBytes } from 'node:crypto'
import { promises as disk } from 'node:fs'
import { dirname, join } from 'node:path'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import { type FileFacts, TEMPORARY_PREFIX } from '../../ports/files.js'
import { fileError } from '../ports/file-errors.js'
import { syncDirectory } from '../ports/file-replace.js'
import { nodeFiles } from '../ports/files.js'

/**
 * The directory must be our own, unwritable for others: there is no looking and renaming at once.
 *
 * @param seen what was at `path` when its content was taken over; anything else stays.
 * @throws VoboxError `FILE_UNSAFE` when `path` has changed since; `FILE_UNWRITABLE`; and then
 *   nothing has changed.
 */
export async function replaceByLink(path: string, target: string, seen: FileFacts): Promise<void> {
  const temporary = join(dirname(path), `${TEMPORARY_PREFIX}${randomBytes(12).toString('hex')}`)
  try {
    await disk.symlink(target, temporary)
    await refuseChanged(path, seen)
    await disk.rename(temporary, path)
    await syncDirectory(disk, dirname(path))
  } catch (error) {
    await disk.unlink(temporary).catch(() => undefined)
    throw isVoboxError(error) ? error : fileError(error, path, 'write')
  }
}

async function refuseChanged(path: string, seen: FileFacts): Promise<void> {
  const now = await nodeFiles.facts(path)
  if (now?.inode === seen.inode && now.changedMs === seen.changedMs) return
  throw new VoboxError('FILE_UNSAFE', `${printable(path)} changed while it was taken over`, {
    hint: 'See with pgrep -l glite-proxy-renewd that none is left, and call again',
    data: { path, reason: 'changed' },
  })
}

/** Where a link leads, as it is written; undefined: nothing is there, or no link. */
export async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await disk.readlink(path)
  } catch {
    return undefined
  }
}
