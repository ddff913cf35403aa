/** The state files of the secondaries, and the lock that keeps runs apart. */
import { join } from 'node:path'
import { isVoboxError, VoboxError } from '../../../errors.js'
import type { FileLock, Files } from '../../../ports/files.js'
import type { MyProxyServer } from '../../server-list.js'
import {
  emptyReplicaState,
  encodeReplicaState,
  parseReplicaState,
  type ReplicaState,
  replicaStateFile,
} from './replica-state.js'

const LOCK_FILE = '.vobox-replication.lock'

/** Some hundred thousand credentials, in bytes. */
const MAX_STATE_BYTES = 256 * 1024 * 1024

export class ReplicaStates {
  readonly #files: Files
  readonly #directory: string
  readonly #owners: readonly number[]

  /** @param directory the repository's. */
  constructor(files: Files, directory: string, owners: readonly number[]) {
    this.#files = files
    this.#directory = directory
    this.#owners = owners
  }

  /** @throws `LOCK_TIMEOUT` where another run is under way, on whichever host. */
  async lock(): Promise<FileLock> {
    const path = join(this.#directory, LOCK_FILE)
    const lock = await this.#files.tryLock(path)
    if (lock !== undefined) return lock
    throw new VoboxError('LOCK_TIMEOUT', `another run replicates ${this.#directory} now`, {
      data: { path },
      hint: `It goes on by itself; fuser ${path} shows which process it is`,
    })
  }

  /** @throws `MYPROXY_STORE_MALFORMED`, `FILE_UNSAFE`, `FILE_UNREADABLE`. */
  async read(server: MyProxyServer): Promise<ReplicaState> {
    const path = this.#path(server)
    const rules = { maxBytes: MAX_STATE_BYTES, owners: this.#owners, forbiddenMode: 0o077 }
    try {
      return parseReplicaState((await this.#files.read(path, rules)).bytes, path)
    } catch (error) {
      if (isVoboxError(error, 'FILE_MISSING')) return emptyReplicaState()
      throw error
    }
  }

  /** Resolved, it is on disk. @throws `FILE_UNWRITABLE`. */
  write(server: MyProxyServer, state: ReplicaState): Promise<void> {
    const bytes = encodeReplicaState(state, server)
    return this.#files.replace(this.#path(server), bytes, { mode: 0o600 })
  }

  #path(server: MyProxyServer): string {
    return join(this.#directory, replicaStateFile(server))
  }
}
