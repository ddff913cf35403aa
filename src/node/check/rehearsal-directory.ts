/** Where a rehearsal writes: a private directory beside the repository, for as long as it takes. */
import { randomBytes } from 'node:crypto'
import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../ports/clock.js'
import type { Files } from '../../ports/files.js'

const NAME = /^\.rehearsal-[0-9a-f]{24}$/

/** Longer than any rehearsal takes: an older one was killed, with a whole proxy in its directory. */
const OLD_SECONDS = 3600

/** Calls `work` with the path of a new one, and removes it. */
export async function inRehearsalDirectory(
  files: Files,
  directory: string,
  work: (scratch: string) => Promise<void>,
): Promise<void> {
  const scratch = join(directory, `.rehearsal-${randomBytes(12).toString('hex')}`)
  await files.makeDirectory(scratch, 0o700)
  try {
    await work(scratch)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Removes what killed rehearsals left in the VO directory. */
export async function removeOldRehearsals(clock: Clock, directory: string): Promise<void> {
  const oldest = (clock.now() - OLD_SECONDS) * 1000
  for (const name of (await readdir(directory)).filter((each) => NAME.test(each))) {
    const path = join(directory, name)
    const facts = await lstat(path).catch(() => undefined)
    if (facts?.isDirectory() && facts.mtimeMs <= oldest) {
      await rm(path, { recursive: true, force: true })
    }
  }
}
