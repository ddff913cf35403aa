/** Waiting for what may never come. */
import type { Clock } from '../ports/clock.js'

/** What `work` comes to, or undefined when `ms` milliseconds pass before that. */
export async function within<T>(
  clock: Clock,
  ms: number,
  work: Promise<T>,
): Promise<T | undefined> {
  const finished = new AbortController()
  const timeout = clock.sleep(Math.max(0, ms), finished.signal).then(
    () => undefined,
    () => undefined,
  )
  try {
    return await Promise.race([work, timeout])
  } finally {
    finished.abort()
  }
}
