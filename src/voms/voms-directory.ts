/**
 * A `vomsdir` (`X509_VOMS_DIR`), read through the files port and cached.
 *
 * `VO/HOST.lsc` names the server of a VO; `VO/*.pem` and `VO/<hash>.N` are certificates of its
 * servers, and such files beside the VOs are for all of them. It may lie on CVMFS or NFS, where
 * watching sees nothing, and hold links to somewhere else, which show no change when their target
 * does: so it is read again in whole when a minute has passed, which costs little.
 */
import type { Clock } from '../ports/clock.js'
import type { Files } from '../ports/files.js'
import { KeptReading } from '../ports/kept-reading.js'
import { readVomsDirectory, type VomsDirectoryRules } from './voms-files.js'
import { makeVomsTrust, type VomsTrust } from './voms-trust.js'

export interface VomsDirectoryOptions extends VomsDirectoryRules {
  /** How old an answer may be before everything is read again, in milliseconds. Default 60,000. */
  reloadMs?: number
}

const DEFAULT_RELOAD_MS = 60_000

export class VomsDirectory {
  readonly path: string
  readonly #reading: KeptReading<VomsTrust>

  constructor(files: Files, clock: Clock, directory: string, options: VomsDirectoryOptions = {}) {
    this.path = directory
    const { reloadMs = DEFAULT_RELOAD_MS } = options
    this.#reading = new KeptReading(clock, reloadMs, async () =>
      makeVomsTrust(await readVomsDirectory(files, directory, options)),
    )
  }

  /**
   * What the directory holds now or held less than `reloadMs` ago. Callers at the same moment share
   * one look.
   *
   * Rejects with `signal.reason` when aborted, and for nothing else: a directory or file that cannot
   * be used is one of `problems`, and whoever it would have vouched for is not trusted.
   */
  current(signal?: AbortSignal): Promise<VomsTrust> {
    return this.#reading.current(signal)
  }

  /** Forgets what was read, so that the next {@link current} reads everything anew. */
  invalidate(): void {
    this.#reading.forget()
  }
}
