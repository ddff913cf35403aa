/**
 * The pid file: one number, in the system's directory where we may write there, else in the VO's.
 *
 * Root opens the system's one before it becomes the VO admin, who can then write to it but not remove
 * it: an empty file means that nothing runs.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  ftruncateSync,
  openSync,
  unlinkSync,
  writeSync,
} from 'node:fs'

const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK
const MODE = 0o644

export class PidFile {
  readonly path: string
  readonly #descriptor: number

  private constructor(path: string, descriptor: number) {
    this.path = path
    this.#descriptor = descriptor
  }

  /** The first of `paths` that can be opened for writing, as it is; undefined: none of them. */
  static open(paths: readonly string[]): PidFile | undefined {
    for (const path of paths) {
      try {
        const descriptor = openSync(path, FLAGS, MODE)
        showToAll(descriptor)
        return new PidFile(path, descriptor)
      } catch {
        // The next one.
      }
    }
    return undefined
  }

  /** Only the holder of the service's lock calls this. */
  write(pid: number): void {
    ftruncateSync(this.#descriptor)
    writeSync(this.#descriptor, `${pid}\n`, 0)
  }

  /** Nothing runs any more. */
  clear(): void {
    ftruncateSync(this.#descriptor)
    try {
      unlinkSync(this.path)
    } catch {
      // In the system's directory it stays, empty.
    }
    this.close()
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

/** In spite of the umask that we run with: `status` is for everybody. */
function showToAll(descriptor: number): void {
  try {
    fchmodSync(descriptor, MODE)
  } catch {
    // Somebody else made it, and chose its mode.
  }
}
