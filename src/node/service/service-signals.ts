/**
 * What signals, and bugs, mean to each service of ours: `SIGTERM` and `SIGINT` end it within a deadline,
 * `SIGHUP` has it read everything again, `SIGUSR1` wakes it; after a bug nothing goes on.
 */
import { toVoboxError } from '../../errors.js'
import type { Journal } from '../../ports/journal.js'
import { EXIT } from '../../report/exit-status.js'

export interface SignalledService {
  journal: Journal & { close(): Promise<void> }
  /** From the first request to end until the process does at the latest, in milliseconds. */
  stopDeadlineMs: number
  /** The first request to end. */
  onStop(): void
  /** Whether a second one ends the process at once, with 1; default false: it changes nothing. */
  endsWhenAskedTwice?: boolean
  onReload(): void
  onWake?: () => void
}

/** For what the log still holds, in milliseconds. */
const LOG_MS = 2000

/** What of a process is needed; a test has another one. */
type OurProcess = Pick<NodeJS.Process, 'on' | 'off' | 'exit'>

/** @returns what takes the handlers away again; an end that was asked for keeps its deadline. */
export function listenForSignals(
  service: SignalledService,
  ourselves: OurProcess = process,
): () => void {
  const { journal, onReload, onWake } = service
  const end = () => {
    const exit = () => ourselves.exit(EXIT.failed)
    // At once, but for what the log still holds; a log that hangs keeps nothing alive.
    const overdue = new Promise<void>((resolve) => setTimeout(resolve, LOG_MS))
    void Promise.race([journal.close(), overdue]).then(exit, exit)
  }
  let deadline: NodeJS.Timeout | undefined
  const stop = () => {
    if (deadline === undefined) {
      deadline = setTimeout(() => {
        journal.write('error', 'stop-overdue', 'the end took too long and was forced')
        end()
      }, service.stopDeadlineMs)
      deadline.unref()
      service.onStop()
    } else if (service.endsWhenAskedTwice) ourselves.exit(EXIT.failed)
  }
  // A bug. What is on disk is whole; the service manager starts us again.
  const die = (error: unknown) => {
    const { code, message } = toVoboxError(error)
    const stack = error instanceof Error ? error.stack : undefined
    journal.write('error', 'crashed', message, { code, stack })
    end()
  }
  const handlers: readonly (readonly [string, (error: unknown) => void])[] = [
    ['SIGTERM', stop],
    ['SIGINT', stop],
    ['SIGHUP', () => onReload()],
    ...(onWake === undefined ? [] : [['SIGUSR1', () => onWake()] as const]),
    ['uncaughtException', die],
    ['unhandledRejection', die],
  ]
  for (const [event, handler] of handlers) ourselves.on(event, handler)
  return () => {
    for (const [event, handler] of handlers) ourselves.off(event, handler)
  }
}
