/**
 * Looks at files that clients name, of which one may lie on a file system that does not answer.
 *
 * Such a look never ends, nor can it be taken back, and it holds one of the four threads that Node has
 * for all its files: four, and no proxy of anybody would be renewed any more. So clients have two of
 * them, and no directory has both. Whoever asked is told after a while, and waits no longer.
 */
import { dirname } from 'node:path'
import type { Clock } from '../ports/clock.js'
import { withDeadline } from '../ports/deadline.js'
import type { Files } from '../ports/files.js'
import { JOB_CODES } from './protocol/codes.js'
import { jobRefusal } from './protocol/refusal.js'

/** What is looked at of a file that a client names. */
export type NamedFiles = Pick<Files, 'read' | 'facts'>

const MOST_AT_ONCE = 2

/** A disk that works takes milliseconds; less than the deadline of a whole connection. */
const DEADLINE_MS = 10_000

interface Waiting {
  directory: string
  begin(): void
}

export class FewReads {
  readonly #clock: Clock
  /** Directories that somebody looks into. */
  readonly #running = new Set<string>()
  readonly #waiting: Waiting[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The same files, a few at a time. */
  of(files: NamedFiles): NamedFiles {
    return {
      read: (path, rules) => this.run(path, () => files.read(path, rules)),
      facts: (path, options) => this.run(path, () => files.facts(path, options)),
    }
  }

  /**
   * Looks at `path` when its turn has come.
   *
   * @throws VoboxError `JOB_REQUEST_REFUSED` with 1911 after 10 s; what `work` throws.
   */
  run<T>(path: string, work: () => Promise<T>): Promise<T> {
    const late = () =>
      jobRefusal(
        JOB_CODES.TIMEOUT,
        `${path} could not be read within ${DEADLINE_MS / 1000} s: its file system does not answer`,
      )
    return withDeadline(this.#clock, DEADLINE_MS, undefined, late, async (signal) => {
      const directory = dirname(path)
      await this.#turn(directory, signal)
      try {
        return await work()
      } finally {
        this.#running.delete(directory)
        this.#next()
      }
    })
  }

  /** Never comes for whom it is too late. */
  #turn(directory: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = { directory, begin: resolve }
      this.#waiting.push(waiting)
      this.#next()
      const leave = () => {
        const at = this.#waiting.indexOf(waiting)
        if (at >= 0) this.#waiting.splice(at, 1)
      }
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** Whoever waits longest, of the directories that nobody looks into at this moment. */
  #next(): void {
    if (this.#running.size >= MOST_AT_ONCE) return
    const at = this.#waiting.findIndex(({ directory }) => !this.#running.has(directory))
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1)
    if (next === undefined) return
    this.#running.add(next.directory)
    next.begin()
  }
}
