/** Whether root may follow a path: only where nobody else could have changed a step of it. */
import { printable, VoboxError } from '../../errors.js'
import { stepOpenToOthers } from '../ports/guarded-path.js'

const ROOT = 0

/**
 * Refuses, with `FILE_UNSAFE`, a path on which anything is not root's or stands where others can
 * write.
 *
 * @param itself whether `path` is a directory that something is to be written into, so that nobody
 *   else may write it either; default false.
 */
export function requireRootOnly(path: string, itself = false): void {
  const absolute = path.startsWith('/') ? path : `${process.cwd()}/${path}`
  const at = stepOpenToOthers(absolute, { owners: [ROOT], itself })
  if (at === undefined) return
  throw new VoboxError(
    'FILE_UNSAFE',
    `root does not touch ${printable(path)}: others than root can change ${printable(at)}`,
    {
      hint: 'Run this as the owner, or keep the file where only root can write',
      data: { path, at },
    },
  )
}
