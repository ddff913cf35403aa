/** Whether a hook is there, and may be run. */
import { accessSync, constants, lstatSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import { isRoot } from '../compose/become-owner.js'
import { requireRootOnly } from '../compose/root-only.js'

export type HookName = 'renewed' | 'alert'

const WRITABLE_BY_OTHERS = 0o022

/**
 * The path of a hook, or undefined when there is none.
 *
 * The service runs as the VO admin, and so does the hook; but what it runs is root's decision: file,
 * directory, and every step and link on the way must be root's and unwritable for anybody else.
 *
 * @throws VoboxError `HOOK_FAILED` when something is there that must not be run.
 */
export function findHook(directory: string, name: HookName): string | undefined {
  const path = join(directory, name)
  if (!isThere(path)) return undefined
  if (isRoot()) throw refused(path, 'root runs no hooks: give the VO directory to a VO admin')
  try {
    requireRootOnly(path)
  } catch (error) {
    if (isVoboxError(error, 'FILE_MISSING')) throw refused(path, 'it is a link that leads nowhere')
    if (!isVoboxError(error, 'FILE_UNSAFE')) throw refused(path, String(error))
    throw refused(path, `others than root can change ${printable(String(error.data.at))}`)
  }
  const stats = statSync(path)
  if (!stats.isFile()) throw refused(path, 'it is no regular file')
  if ((stats.mode & WRITABLE_BY_OTHERS) !== 0) throw refused(path, 'others than root can write it')
  try {
    accessSync(path, constants.X_OK)
  } catch {
    throw refused(path, 'the VO admin may not execute it: chmod 0755')
  }
  return path
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    throw refused(path, 'the VO admin cannot look at it: its directories need 0755')
  }
}

function refused(path: string, why: string): VoboxError {
  return new VoboxError('HOOK_FAILED', `${printable(path)} is not run: ${why}`, {
    hint: `ls -ld ${printable(path)}`,
    data: { path },
  })
}
