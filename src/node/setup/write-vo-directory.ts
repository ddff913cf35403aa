/** The other half of `vo-tree`: the process that works inside the VO directory, as its owner. */
import { rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { voPaths } from '../../config/vo-paths.js'
import { VoboxError } from '../../errors.js'
import { becomeVoOwner } from '../compose/become-owner.js'
import { prepareVoDirectory } from '../compose/prepare-vo-directory.js'
import { fileError } from '../ports/file-errors.js'
import { nodeFiles } from '../ports/files.js'
import type { InsideTask } from './vo-tree.js'

/**
 * Becomes the owner of the VO directory, then makes what is missing in it, says what is missing, or
 * empties it. Where the owner is root, it may make, and not remove.
 *
 * @returns paths, in the order in which they were made or removed.
 * @throws VoboxError what `becomeVoOwner` and `prepareVoDirectory` throw; `FILE_UNWRITABLE`.
 */
export async function writeVoDirectory(directory: string, task: InsideTask): Promise<string[]> {
  const { uid } = await becomeVoOwner(nodeFiles, directory)
  if (task === 'empty') {
    if (uid !== 0) return empty(directory)
    throw new VoboxError('NOT_PERMITTED', `${directory} is root's: remove it by hand`, {
      data: { directory },
    })
  }
  const paths = voPaths(dirname(directory), basename(directory))
  const { repository, state, locks, spool, log, start, stop, agents } = paths
  const missing: string[] = []
  for (const path of [repository, state, locks, spool, log, start, stop, agents]) {
    if ((await nodeFiles.facts(path)) === undefined) missing.push(path)
  }
  if (task === 'make') await prepareVoDirectory(nodeFiles, paths)
  return missing
}

async function empty(directory: string): Promise<string[]> {
  const paths = (await nodeFiles.list(directory)).sort().map((name) => join(directory, name))
  for (const path of paths) {
    try {
      await rm(path, { recursive: true })
    } catch (error) {
      throw fileError(error, path, 'write')
    }
  }
  return paths
}
