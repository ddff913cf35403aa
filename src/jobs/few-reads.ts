/**
 * Looks at files that clients name, of which one may lie on a file system that does not answer.
 *
 * Such a look never ends, nor can it be taken back, and it holds one of the four threads that Node has
 * for all its files: four, and no proxy of anybody would be renewed any more. So clients have two of
 * them, and no file system has both, in however many directories. Whoever asked is told after a while,
 * and waits no longer.
 */
import { dirname } from 'node:path'
import { printable, type VoboxError } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import { withDeadline } from '../ports/deadline.js'
import type { Files } from '../ports/files.js'
import { JOB_CODES } from './protocol/codes.js'
import { jobRefusal } from './protocol/refusal.js'

/** What is looked at of a file that a client names. */
export type NamedFiles = Pick<Files, 'read' | 'facts'>

const MOST_AT_ONCE = 2

/** A disk that works takes milliseconds; less than the deadline of a whole connection. */
const SECONDS = 10

/** What must answer, for all paths on it alike, when one of them is looked at. */
export type FileSystemOf = (path: string) => string | undefined

interface Waiting {
  fileSystem: string
  path: string
  begin(): void
}

export class FewReads {
  readonly #clock: Clock
  readonly #fileSystemOf: FileSystemOf
  /** What somebody looks at, by file system. */
  readonly #running = new Map<string, string>()
  readonly #waiting: Waiting[] = []

  /** @param fileSystemOf default, also where it does not know: the first directory of the path. */
  constructor(clock: Clock, fileSystemOf: FileSystemOf = () => undefined) {
    this.#clock = clock
    this.#fileSystemOf = fileSystemOf
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
    const fileSystem = this.#fileSystemOf(path) ?? firstOf(path)
    let begun = false
    const late = () => (begun ? silent(path) : this.#outOfTurn(path, fileSystem))
    return withDeadline(this.#clock, SECONDS * 1000, undefined, late, async (signal) => {
      await this.#turn({ fileSystem, path }, signal)
      begun = true
      try {
        return await work()
      } finally {
        this.#running.delete(fileSystem)
        this.#next()
      }
    })
  }

  /** Never comes for whom it is too late. */
  #turn(asked: Omit<Waiting, 'begin'>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = { ...asked, begin: resolve }
      this.#waiting.push(waiting)
      this.#next()
      const leave = () => {
        const at = this.#waiting.indexOf(waiting)
        if (at >= 0) this.#waiting.splice(at, 1)
      }
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** Whoever waits longest, of the file systems that nobody looks at in this moment. */
  #next(): void {
    if (this.#running.size >= MOST_AT_ONCE) return
    const at = this.#waiting.findIndex(({ fileSystem }) => !this.#running.has(fileSystem))
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1)
    if (next === undefined) return
    this.#running.set(next.fileSystem, next.path)
    next.begin()
  }

  /** Its own file system may be well: named is what stands in the way. */
  #outOfTurn(path: string, fileSystem: string): VoboxError {
    const before = this.#running.get(fileSystem)
    const inTheWay = before === undefined ? [...this.#running.values()] : [before]
    const places = inTheWay.map((each) => printable(dirname(each))).join(' and ')
    const why = `${printable(path)} did not get its turn within ${SECONDS} s: no answer from ${places}`
    return jobRefusal(JOB_CODES.TIMEOUT, why, { hint: cureFor(places) })
  }
}

function firstOf(path: string): string {
  return path.split('/', 2).join('/')
}

function silent(path: string): VoboxError {
  const why = `${printable(path)} could not be read within ${SECONDS} s: its file system does not answer`
  return jobRefusal(JOB_CODES.TIMEOUT, why, { hint: cureFor(printable(dirname(path))) })
}

function cureFor(places: string): string {
  return `Bring back the file server of ${places}, or end its mount with umount -f as root`
}
