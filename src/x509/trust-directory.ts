/**
 * A hashed CA directory (`X509_CERT_DIR`), read through the files port and cached.
 *
 * `<hash>.N` are certificates, `<hash>.rN` revocation lists, `<hash>.signing_policy` policies; the
 * hash is OpenSSL's of the name, the present or the old kind. The entries are mostly links inside the
 * directory, which only its owner can write, so they are followed. It may lie on CVMFS or NFS, where
 * watching sees nothing: it is polled, and read again in whole from time to time, because a link to
 * somewhere else shows no change when its target does.
 */
import type { Clock } from '../ports/clock.js'
import type { Files } from '../ports/files.js'
import { KeptReading } from '../ports/kept-reading.js'
import { makeTrustAnchors } from './trust-anchor-set.js'
import type { TrustAnchors } from './trust-anchors.js'
import {
  mapBounded,
  type ParsedFiles,
  readTrustMaterial,
  trustFileNames,
  trustUnreadable,
} from './trust-files.js'

export interface TrustDirectoryOptions {
  /** Whether a CA without a signing policy may sign anything. */
  allowMissingSigningPolicy: boolean
  /** How old an answer may be before the directory is looked at again. Default 60,000. */
  pollMs?: number
  /** How old the content may be before it is read again though nothing seems changed. Default 600,000. */
  reloadMs?: number
}

interface Loaded {
  anchors: TrustAnchors
  parsed: ParsedFiles
  /** Inode, size and times of every entry that matters. */
  fingerprint: string
  /** When the files were read, and not merely looked at. */
  readMs: number
}

const DEFAULT_POLL_MS = 60_000
const DEFAULT_RELOAD_MS = 600_000

export class TrustDirectory {
  readonly #files: Files
  readonly #clock: Clock
  readonly #directory: string
  readonly #options: TrustDirectoryOptions
  readonly #reading: KeptReading<Loaded>

  constructor(files: Files, clock: Clock, directory: string, options: TrustDirectoryOptions) {
    this.#files = files
    this.#clock = clock
    this.#directory = directory
    this.#options = options
    const { pollMs = DEFAULT_POLL_MS } = options
    this.#reading = new KeptReading(clock, pollMs, (before) => this.#refresh(before))
  }

  get path(): string {
    return this.#directory
  }

  /**
   * The anchors as the directory holds them now or held them less than `pollMs` ago. Callers at the
   * same moment share one look.
   *
   * Rejects with `TRUST_ANCHORS_UNREADABLE` (transient) when the directory cannot be listed, and with
   * `signal.reason` when aborted. A single file that cannot be read is one of `problems` instead.
   */
  async current(signal?: AbortSignal): Promise<TrustAnchors> {
    return (await this.#reading.current(signal)).anchors
  }

  /** Forgets what was read, so that the next {@link current} reads everything anew. */
  invalidate(): void {
    this.#reading.forget()
  }

  async #refresh(before: Loaded | undefined): Promise<Loaded> {
    const readMs = this.#clock.monotonicMs()
    const { names, fingerprint } = await this.#look()
    const { reloadMs = DEFAULT_RELOAD_MS } = this.#options
    if (before?.fingerprint === fingerprint && readMs - before.readMs < reloadMs) return before
    return { ...(await this.#read(names, before)), fingerprint, readMs }
  }

  async #look(): Promise<{ names: string[]; fingerprint: string }> {
    try {
      const names = await this.#files.list(this.#directory)
      return { names, fingerprint: await this.#fingerprint(names) }
    } catch (cause) {
      throw trustUnreadable(this.#directory, cause)
    }
  }

  /** Every entry counts, not only hashed names: those are links to the others. */
  async #fingerprint(names: readonly string[]): Promise<string> {
    const lines = await mapBounded(names.toSorted(), async (name) => {
      const facts = await this.#files.facts(`${this.#directory}/${name}`)
      return `${name} ${facts?.inode} ${facts?.sizeBytes} ${facts?.modifiedMs} ${facts?.changedMs}`
    })
    return lines.join('\n')
  }

  async #read(
    names: readonly string[],
    before: Loaded | undefined,
  ): Promise<Pick<Loaded, 'anchors' | 'parsed'>> {
    const { material, parsed } = await readTrustMaterial(
      this.#files,
      this.#directory,
      trustFileNames(names),
      before?.parsed ?? new Map(),
    )
    const anchors = makeTrustAnchors(material, {
      allowMissingSigningPolicy: this.#options.allowMissingSigningPolicy,
      now: () => this.#clock.now(),
    })
    return { anchors, parsed }
  }
}
