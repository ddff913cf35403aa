/** Where root may make something that is not there yet. */
import { dirname } from 'node:path'
import type { Files } from '../../ports/files.js'
import { isRoot } from '../compose/become-owner.js'
import { requireRootOnly } from '../compose/root-only.js'

/**
 * Refuses, for root alone, a path below a directory that others can change: the nearest one that is
 * there decides, before anything is made in it.
 *
 * @throws VoboxError `FILE_UNSAFE`.
 */
export async function requireRootOnlyAbove(files: Files, path: string): Promise<void> {
  if (!isRoot()) return
  requireRootOnly(await existingAbove(files, path), true)
}

async function existingAbove(files: Files, path: string): Promise<string> {
  const parent = dirname(path)
  if (parent === path || (await files.facts(parent)) !== undefined) return parent
  return existingAbove(files, parent)
}
