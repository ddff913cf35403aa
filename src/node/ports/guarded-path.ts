/** Who could change what a path leads to. */
import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileError } from './file-errors.js'

const WRITABLE_BY_OTHERS = 0o022
const STICKY = 0o1000

/** As many as Linux follows on one way (`path_resolution(7)`). */
const MAX_LINKS = 40

export interface PathGuard {
  /** Whose every step must be. */
  owners: readonly number[]
  /** Whether the last step is judged like those on the way: nobody else may write it; default false. */
  itself?: boolean
}

/**
 * The first step of an absolute path that somebody else than its `owners` could change; undefined
 * when there is none.
 *
 * Each step is looked at as the kernel takes it, links and what they lead through included: a link of
 * somebody else's that leads to a file of ours now may lead elsewhere when it is opened. In a sticky
 * directory, such as `/tmp`, others cannot replace what is ours, so that does no harm.
 *
 * @throws `FILE_MISSING`, `FILE_UNREADABLE`.
 */
export function stepOpenToOthers(path: string, guard: PathGuard): string | undefined {
  const left = stepsOf(path)
  let links = 0
  let at = '/'
  for (let step = left.shift(); step !== undefined; step = left.shift()) {
    const next = step === '..' ? dirname(at) : join(at, step)
    const stats = lookAt(next, path)
    if (!guard.owners.includes(stats.uid)) return next
    if (stats.isSymbolicLink()) {
      links += 1
      if (links > MAX_LINKS) return next
      const target = readlinkSync(next)
      left.unshift(...stepsOf(target))
      if (target.startsWith('/')) at = '/'
      continue
    }
    at = next
    if ((guard.itself || left.length > 0) && isOpen(stats)) return at
  }
  return undefined
}

function stepsOf(path: string): string[] {
  return path.split('/').filter((step) => step !== '' && step !== '.')
}

function isOpen(stats: Stats): boolean {
  const sticky = stats.isDirectory() && (stats.mode & STICKY) !== 0
  return (stats.mode & WRITABLE_BY_OTHERS) !== 0 && !sticky
}

function lookAt(step: string, path: string): Stats {
  try {
    return lstatSync(step)
  } catch (error) {
    throw fileError(error, path, 'read')
  }
}
