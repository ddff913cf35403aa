/** Whether root may follow a path: only where nobody else could have changed a step of it. */
import { lstatSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { printable, VoboxError } from '../../errors.js'
import { fileError } from '../ports/file-errors.js'

const WRITABLE_BY_OTHERS = 0o022
const STICKY = 0o1000

/**
 * Refuses, with `FILE_UNSAFE`, a path below a directory that is not root's or that others can write.
 * In a sticky one, such as `/tmp`, others cannot replace what is root's, so that does no harm.
 *
 * @param itself whether `path` is a directory that something is to be written into, so that nobody
 *   else may write it either; default false.
 */
export function requireRootOnly(path: string, itself = false): void {
  const real = realPathOf(path)
  for (let at = real; ; at = dirname(at)) {
    const { uid, mode } = lstatSync(at)
    const open = (mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) === 0
    if (uid !== 0 || ((itself || at !== real) && open)) throw unsafe(path, at)
    if (at === '/') return
  }
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    throw fileError(error, path, 'read')
  }
}

function unsafe(path: string, at: string): VoboxError {
  return new VoboxError(
    'FILE_UNSAFE',
    `root does not touch ${printable(path)}: others than root can change ${printable(at)}`,
    {
      hint: 'Run this as the owner, or keep the file where only root can write',
      data: { path, at },
    },
  )
}
