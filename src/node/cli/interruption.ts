/** Ctrl-C and termination, as a signal that every wait of a command respects. */
import { VoboxError } from '../../errors.js'

let controller: AbortController | undefined

/**
 * Aborts with `CANCELLED` on the first `SIGINT` or `SIGTERM`. The handlers are set at the first
 * call; a second signal ends the process the system's way.
 */
export function interruption(): AbortSignal {
  if (controller === undefined) {
    const made = new AbortController()
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.once(name, () => made.abort(new VoboxError('CANCELLED', 'interrupted')))
    }
    controller = made
  }
  return controller.signal
}
