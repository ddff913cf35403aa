/** Whether root may follow a path: only where nobody else could have changed a step of it. */
import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { printable, VoboxError } from '../../errors.js'
import { fileError } from '../ports/file-errors.js'

const WRITABLE_BY_OTHERS = 0o022
const STICKY = 0o1000

/** As many as Linux follows on one way (`path_resolution(7)`). */
const MAX_LINKS = 40

/**
 * Refuses, with `FILE_UNSAFE`, a path on which anything is not root's or stands where others can
 * write. Each step is looked at as the kernel takes it, links and what they lead through included: a
 * link of somebody else's that leads to a file of root's now may lead elsewhere when it is opened. In
 * a sticky directory, such as `/tmp`, others cannot replace what is root's, so that does no harm.
 *
 * @param itself whether `path` is a directory that something is to be written into, so that nobody
 *   else may write it either; default false.
 */
export function requireRootOnly(path: string, itself = false): void {
  const left = stepsOf(path.startsWith('/') ? path : `${process.cwd()}/${path}`)
  let links = 0
  let at = '/'
  for (let step = left.shift(); step !== undefined; step = left.shift()) {
    const next = step === '..' ? dirname(at) : join(at, step)
    const stats = lookAt(next, path)
    if (stats.uid !== 0) throw unsafe(path, next)
    if (stats.isSymbolicLink()) {
      links += 1
      if (links > MAX_LINKS) throw unsafe(path, next)
      const target = readlinkSync(next)
      left.unshift(...stepsOf(target))
      if (target.startsWith('/')) at = '/'
      continue
    }
    at = next
    if ((itself || left.length > 0) && isOpen(stats)) throw unsafe(path, at)
  }
}

function stepsOf(path: string): string[] {
  return path.split('/').filter((step) => step !== '' && step !== '.')
}

function isOpen({ mode }: Stats): boolean {
  return (mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) === 0
}

function lookAt(step: string, path: string): Stats {
  try {
    return lstatSync(step)
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
