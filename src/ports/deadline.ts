/** Every wait has an end: runs work against a deadline and an outer cancellation. */
import type { Clock } from './clock.js'

/** A reason given once: left to itself, `abort` makes an exception with a stack each time. */
const FINISHED = new Error('finished before the deadline')

/**
 * Runs `work` with a signal that aborts when `outer` does or when `ms` milliseconds have passed,
 * whichever is first, and settles no later than that even if `work` ignores its signal.
 *
 * @param onTimeout makes the error for a deadline that passed.
 */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  outer: AbortSignal | undefined,
  onTimeout: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer?.throwIfAborted()
  const inner = new AbortController()
  const finished = new AbortController()
  const forward = () => inner.abort(outer?.reason)
  outer?.addEventListener('abort', forward, { once: true })

  const aborted = new Promise<never>((_, reject) => {
    inner.signal.addEventListener('abort', () => reject(inner.signal.reason), { once: true })
  })
  clock.sleep(ms, finished.signal).then(
    () => inner.abort(onTimeout()),
    () => undefined,
  )
  try {
    return await Promise.race([work(inner.signal), aborted])
  } finally {
    finished.abort(FINISHED)
    outer?.removeEventListener('abort', forward)
    aborted.catch(() => undefined)
  }
}

/**
 * What `work` comes to, or `signal.reason` as soon as `signal` aborts. The work goes on for others
 * who wait for it too.
 */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
