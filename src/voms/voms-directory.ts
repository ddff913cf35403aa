/**
 * A `vomsdir` (`X509_VOMS_DIR`), read through the files port and cached.
 *
 * `VO/HOST.lsc` names the server of a VO; `VO/*.pem` and `VO/<hash>.N` are certificates of its
 * servers, and such files beside the VOs are for all of them. It may lie on CVMFS or NFS, where
 * watching sees nothing, and hold links to somewhere else, which show no change when their target
 * does: so it is read again in whole when a minute has passed, which costs little.
 */
import type { Clock } from '../ports/clock.js'
import { untilAborted } from '../ports/deadline.js'
import type { Files } from '../ports/files.js'
import { readVomsDirectory, type VomsDirectoryRules } from './voms-files.js'
import { makeVomsTrust, type VomsTrust } from './voms-trust.js'

export interface VomsDirectoryOptions extends VomsDirectoryRules {
  /** How old an answer may be before everything is read again, in milliseconds. Default 60,000. */
  reloadMs?: number
}

const DEFAULT_RELOAD_MS = 60_000

interface Loaded {
  trust: VomsTrust
  readMs: number
}

export class VomsDirectory {
  readonly #files: Files
  readonly #clock: Clock
  readonly #directory: string
  readonly #options: VomsDirectoryOptions
  #loaded: Loaded | undefined
  #loading: Promise<Loaded> | undefined

  constructor(files: Files, clock: Clock, directory: string, options: VomsDirectoryOptions = {}) {
    this.#files = files
    this.#clock = clock
    this.#directory = directory
    this.#options = options
  }

  get path(): string {
    return this.#directory
  }

  /**
   * What the directory holds now or held less than `reloadMs` ago. Callers at the same moment share
   * one look.
   *
   * Rejects with `signal.reason` when aborted, and for nothing else: a directory or file that cannot
   * be used is one of `problems`, and whoever it would have vouched for is not trusted.
   */
  async current(signal?: AbortSignal): Promise<VomsTrust> {
    signal?.throwIfAborted()
    const { reloadMs = DEFAULT_RELOAD_MS } = this.#options
    const loaded = this.#loaded
    if (loaded !== undefined && this.#clock.monotonicMs() - loaded.readMs < reloadMs) {
      return loaded.trust
    }
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined
    })
    const { trust } = await untilAborted(this.#loading, signal)
    return trust
  }

  /** Forgets what was read, so that the next {@link current} reads everything anew. */
  invalidate(): void {
    this.#loaded = undefined
  }

  async #load(): Promise<Loaded> {
    const readMs = this.#clock.monotonicMs()
    const material = await readVomsDirectory(this.#files, this.#directory, this.#options)
    this.#loaded = { trust: makeVomsTrust(material), readMs }
    return this.#loaded
  }
}
