/** The two files that a running server writes for those who look for it: its pid, and its port. */
import { constants, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { printable, VoboxError } from '../../errors.js'
import type { FileLock } from '../../ports/files.js'
import { isRoot } from '../compose/become-owner.js'
import { requireRootOnly } from '../compose/root-only.js'
import { fileError } from '../ports/file-errors.js'
import { nodeFiles } from '../ports/files.js'

const WRITE_FLAGS = constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW
/** A lock is looked at for an instant by whoever starts another one. */
const LOCK_MS = 500

/** A pid file, locked while we live, so that two servers never take each other's for their own. */
export class ServerPidFile {
  readonly #path: string
  readonly #lock: FileLock
  #isWritten = false

  private constructor(path: string, lock: FileLock) {
    this.#path = path
    this.#lock = lock
  }

  /**
   * @throws VoboxError `SERVICE_ALREADY_RUNNING` when another server has it; `FILE_UNSAFE`,
   *   `FILE_UNWRITABLE`.
   */
  static async take(path: string): Promise<ServerPidFile> {
    requireOwnDirectory(path)
    const lock = await nodeFiles.lock(path, LOCK_MS).catch((error: unknown) => {
      throw error instanceof VoboxError && error.code === 'LOCK_TIMEOUT' ? taken(path) : error
    })
    return new ServerPidFile(path, lock)
  }

  /** @throws VoboxError `FILE_UNWRITABLE`. */
  write(pid: number): void {
    try {
      writeFileSync(this.#path, `${pid}\n`, { flag: WRITE_FLAGS as unknown as string })
      this.#isWritten = true
    } catch (error) {
      throw fileError(error, this.#path, 'write')
    }
  }

  /** Not the one of a C server, which takes no lock and may be why this one did not start. */
  async remove(): Promise<void> {
    const isOurs = this.#isWritten || pidIn(this.#path) === undefined
    // While the lock is ours, so that nobody else's is removed.
    if (isOurs) await nodeFiles.remove(this.#path).catch(() => undefined)
    await this.#lock.release()
  }
}

/** @throws VoboxError `FILE_UNSAFE`, `FILE_UNWRITABLE`. */
export async function writePortFile(path: string, port: number): Promise<void> {
  requireOwnDirectory(path)
  await nodeFiles.replace(path, Buffer.from(`${port}\n`), { mode: 0o644 })
}

/** Root writes nowhere that others could have put a link. */
function requireOwnDirectory(path: string): void {
  if (isRoot()) requireRootOnly(dirname(path), true)
}

function taken(path: string): VoboxError {
  const pid = pidIn(path)
  const where = pid === undefined ? '' : ` in pid ${pid}`
  return new VoboxError(
    'SERVICE_ALREADY_RUNNING',
    `a server with the pid file ${printable(path)} runs already${where}`,
    {
      hint: 'End that one first, or name another file with --pidfile',
      data: { path, pid },
    },
  )
}

function pidIn(path: string): number | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim()
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined
  } catch {
    return undefined
  }
}
