/** The machine's clock. Only the composition root hands it out. */
import { asUnixSeconds, type Clock } from '../../ports/clock.js'

/** The longest timer that Node can set; a longer wait is made of several. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => asUnixSeconds(Date.now() / 1000),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    const end = performance.now() + ms
    for (let left = ms; left > 0; left = end - performance.now()) {
      await sleepOnce(Math.min(left, LONGEST_TIMER_MS), signal)
    }
    signal?.throwIfAborted()
  },
}

/** Not `timers/promises`: that rejects with an error of its own instead of the signal's reason. */
function sleepOnce(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
