/** Programs of the system that tests speak to, and what happens where they are missing. */
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'

/** Programs of packages that were unpacked and not installed (`scripts/real-peers.mjs`). */
const UNPACKED = join(import.meta.dirname, '../../node_modules/.cache/real-peers/usr/bin')

/** Full path of a program, also where `/usr/sbin` is not in `$PATH`; undefined: not installed. */
export function findProgram(program: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', UNPACKED]
  return directories
    .map((directory) => join(directory, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/**
 * `describe` for tests that need real programs. Where one is missing they are skipped, loudly; in CI
 * (`CI` is set) that is a failure.
 */
export function describeWithPrograms(
  title: string,
  programs: readonly string[],
  body: () => void,
): void {
  const missing = programs.filter((program) => findProgram(program) === undefined)
  if (missing.length === 0) {
    describe(title, body)
    return
  }
  leaveOut(title, missing.join(', '), body)
}

/** Tests for which this machine lacks something: skipped, loudly; in CI a failure. */
export function leaveOut(title: string, lack: string, body: () => void): void {
  if (process.env.CI) {
    describe(title, () => {
      it(`finds ${lack}`, () => {
        throw new Error(`not here: ${lack}; in CI what is missing is a failure`)
      })
    })
    return
  }
  process.stderr.write(`!! NOT RUN, for lack of ${lack}: ${title}\n`)
  describe.skip(title, body)
}
