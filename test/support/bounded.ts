/**
 * `spawnSync` and `execFileSync` that end: a child that never does would block its test process, in
 * which no timer of the test's can fire. SIGTERM is not enough, because Node waits until the child has
 * gone, and ours may take its time.
 */
import { execFileSync as execute, spawnSync as spawn } from 'node:child_process'

/** No step of a test takes longer on a busy machine, in milliseconds. */
const BOUND = { timeout: 90_000, killSignal: 'SIGKILL' } as const

function bounded<F extends typeof spawn | typeof execute>(call: F): F {
  const plain = call as (program: string, words: readonly string[], options: object) => unknown
  return ((program: string, words: readonly string[] = [], options: object = {}) =>
    plain(program, words, { ...BOUND, ...options, killSignal: 'SIGKILL' })) as F
}

export const spawnSync = bounded(spawn)
export const execFileSync = bounded(execute)
