/** Temporaries that processes killed half-way left behind. */
import { join } from 'node:path'
import type { Clock } from '../ports/clock.js'
import { type Files, TEMPORARY_PREFIX } from '../ports/files.js'

/** Long after any writer has ended: a younger one may still be renamed into place. */
const ORPHAN_AGE_SECONDS = 600

/**
 * Removes the temporaries of {@link Files.replace} in `directory` that nobody will rename any more.
 *
 * @returns how many.
 */
export async function removeOrphans(
  files: Files,
  clock: Clock,
  directory: string,
): Promise<number> {
  const oldest = (clock.now() - ORPHAN_AGE_SECONDS) * 1000
  let removed = 0
  for (const name of await files.list(directory)) {
    if (!name.startsWith(TEMPORARY_PREFIX)) continue
    const path = join(directory, name)
    const facts = await files.facts(path)
    if (facts?.kind !== 'file' || facts.modifiedMs > oldest) continue
    if (await files.remove(path)) removed++
  }
  return removed
}
