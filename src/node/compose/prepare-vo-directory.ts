/** The inside of a VO directory: what is missing is made, what is there is only looked at. */
import type { VoPaths } from '../../config/vo-paths.js'
import { printable, VoboxError } from '../../errors.js'
import type { Files } from '../../ports/files.js'

/** Private: keys, state and mail. Nobody but the owner may even look. */
const PRIVATE = 0o700

/** Logs and agents are the VO's own business; only writing by others is kept out at creation. */
const SHARED = 0o750

/**
 * Makes the missing subdirectories. To be called as the owner of the VO directory.
 *
 * Rejects with `VO_DIRECTORY_UNSAFE` when one that holds keys or state can be written by others,
 * and with `FILE_UNSAFE` when something else has its name.
 */
export async function prepareVoDirectory(files: Files, paths: VoPaths): Promise<void> {
  for (const directory of [paths.repository, paths.state, paths.locks, paths.spool]) {
    await makePrivate(files, directory)
  }
  for (const directory of [paths.log, paths.start, paths.stop, paths.agents]) {
    await files.makeDirectory(directory, SHARED)
  }
}

/** The same for what jobs need, where they are served. */
export async function prepareForJobs(files: Files, paths: VoPaths): Promise<void> {
  for (const directory of [paths.jobRepository, paths.jobState]) {
    await makePrivate(files, directory)
  }
}

async function makePrivate(files: Files, directory: string): Promise<void> {
  await files.makeDirectory(directory, PRIVATE)
  const mode = (await files.facts(directory))?.mode ?? 0
  if ((mode & 0o022) === 0) return
  throw new VoboxError(
    'VO_DIRECTORY_UNSAFE',
    `${printable(directory)} can be written by others than its owner`,
    { hint: `chmod go-w ${printable(directory)}`, data: { directory, kind: 'directory', mode } },
  )
}
