/**
 * Looks at files that clients name, of which one may lie on a file system that does not answer.
 *
 * Such a look never ends, nor can it be taken back, and it holds one of the four threads that Node has
 * for all its files: four, and no proxy of anybody would be renewed any more. So clients have two of
 * them, and no directory has both.
 */
import { dirname } from 'node:path'
import { printable, VoboxError } from '../errors.js'
import type { Files } from '../ports/files.js'

const MOST_AT_ONCE = 2

/** Each is a connection, of which there are no more; what waits beyond belongs to those that left. */
const MOST_WAITING = 1000

interface Waiting {
  directory: string
  begin(): void
}

export class FewReads {
  readonly #running = new Set<string>()
  readonly #waiting: Waiting[] = []

  /**
   * When its turn has come; whoever asked may have left long before.
   *
   * @throws VoboxError `FILE_UNREADABLE` (`EAGAIN`) when too many wait; what `work` throws.
   */
  async run<T>(path: string, work: () => Promise<T>): Promise<T> {
    const directory = dirname(path)
    await this.#turn(directory)
    try {
      return await work()
    } finally {
      this.#running.delete(directory)
      this.#next()
    }
  }

  /** The same files, a few at a time. */
  of(files: Pick<Files, 'read' | 'facts'>): Pick<Files, 'read' | 'facts'> {
    return {
      read: (path, rules) => this.run(path, () => files.read(path, rules)),
      facts: (path, options) => this.run(path, () => files.facts(path, options)),
    }
  }

  #turn(directory: string): Promise<void> {
    if (this.#waiting.length >= MOST_WAITING) throw tooMany(directory)
    return new Promise((resolve) => {
      this.#waiting.push({ directory, begin: resolve })
      this.#next()
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

function tooMany(directory: string): VoboxError {
  const message = `${MOST_WAITING} files are waited for, the last one in ${printable(directory)}`
  return new VoboxError('FILE_UNREADABLE', message, {
    hint: 'See with df which file system does not answer, and mount it anew',
    data: { path: directory, errno: 'EAGAIN' },
  })
}
