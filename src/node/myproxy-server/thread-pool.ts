/**
 * The threads that the server reads and syncs files with, and looks names up. Derivations from pass
 * phrases and RSA keys are made in the same ones, and take so long that they may never have them all.
 */
import { availableParallelism } from 'node:os'
import { DERIVATIONS_AT_ONCE } from '../../myproxy/server/store/key-scheme.js'
import { defaultConcurrency } from '../ports/key-pool.js'

/** Read by libuv when the pool is first used, and never again. */
const VARIABLE = 'UV_THREADPOOL_SIZE'

/** Twice as many as Node has by itself; they cost some memory when they are used, and are not. */
const THREADS = 8

/** To be called before anything uses the pool. What an administrator has set stays. */
export function widenThreadPool(environment: NodeJS.ProcessEnv = process.env): void {
  environment[VARIABLE] ||= String(THREADS)
}

/** How many RSA keys may be made at once, so that beside derivations a thread is left for files. */
export function keysAtOnce(
  cores = availableParallelism(),
  threads = Number(process.env[VARIABLE]) || THREADS,
): number {
  return defaultConcurrency(cores, threads - DERIVATIONS_AT_ONCE)
}
