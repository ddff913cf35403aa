/** Directories for tests, 0700, removed with everything in them when their test is over. */
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A fresh directory that lives as long as the running test. Call it inside a test. */
export async function temporaryDirectory(): Promise<string> {
  const { path, remove } = await makeTemporaryDirectory()
  onTestFinished(remove)
  return path
}

/** A fresh directory for hooks such as `beforeAll`; the caller removes it. */
export async function makeTemporaryDirectory(): Promise<{
  path: string
  remove(): Promise<void>
}> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'vobox-test-')))
  return {
    path,
    // Retries: a process that is just ending may still create a file in it.
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
  }
}
