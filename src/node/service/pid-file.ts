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
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  unlinkSync,
  writeSync,
} from 'node:fs'

const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK
const MODE = 0o644

interface OpenFile {
  path: string
  descriptor: number
}

export class PidFile {
  readonly #paths: readonly string[]
  #file: OpenFile | undefined

  private constructor(paths: readonly string[], file: OpenFile | undefined) {
    this.#paths = paths
    this.#file = file
  }

  /**
   * The first of `paths` that can be opened for writing, as it is.
   *
   * @param now the paths to be opened at once; default: all. The others follow in {@link write}.
   */
  static open(paths: readonly string[], now: readonly string[] = paths): PidFile {
    return new PidFile(paths, openFirst(now))
  }

  /** Where the pid stands; undefined: nowhere. */
  get path(): string | undefined {
    return this.#file?.path
  }

  /** Only the holder of the service's lock calls this. */
  write(pid: number): void {
    this.#file ??= openFirst(this.#paths)
    if (this.#file !== undefined) writeNumber(this.#file, pid)
  }

  /**
   * Writes the pid again when its file was removed, replaced or emptied: whoever cleans directories
   * up must not make a running service look stopped.
   *
   * @returns whether it was. Never throws.
   */
  keep(pid: number): boolean {
    if (this.#file !== undefined && stillThere(this.#file, pid)) return false
    try {
      this.#close()
      this.write(pid)
      return this.#file !== undefined
    } catch {
      // A full disk; the next turn tries again, and the lock says meanwhile that we run.
      return false
    }
  }

  /** Nothing runs any more. */
  clear(): void {
    const file = this.#file
    if (file === undefined) return
    try {
      ftruncateSync(file.descriptor)
      // Somebody else's file in its place stays.
      if (isSameFile(file)) unlinkSync(file.path)
    } catch {
      // In the system's directory it stays, empty.
    }
    this.#close()
  }

  #close(): void {
    if (this.#file !== undefined) closeSync(this.#file.descriptor)
    this.#file = undefined
  }
}

function openFirst(paths: readonly string[]): OpenFile | undefined {
  for (const path of paths) {
    try {
      const descriptor = openSync(path, FLAGS, MODE)
      showToAll(descriptor)
      return { path, descriptor }
    } catch {
      // The next one.
    }
  }
  return undefined
}

function writeNumber({ descriptor }: OpenFile, pid: number): void {
  ftruncateSync(descriptor)
  writeSync(descriptor, lineOf(pid), 0)
}

const lineOf = (pid: number) => `${pid}\n`

/** A pid has its length: a file that was emptied is noticed without reading it. */
function stillThere(file: OpenFile, pid: number): boolean {
  try {
    return isSameFile(file) && fstatSync(file.descriptor).size === lineOf(pid).length
  } catch {
    return false
  }
}

function isSameFile({ path, descriptor }: OpenFile): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false })
  const ours = fstatSync(descriptor)
  return found !== undefined && found.dev === ours.dev && found.ino === ours.ino
}

/** In spite of the umask that we run with: `status` is for everybody. */
function showToAll(descriptor: number): void {
  try {
    fchmodSync(descriptor, MODE)
  } catch {
    // Somebody else made it, and chose its mode.
  }
}
