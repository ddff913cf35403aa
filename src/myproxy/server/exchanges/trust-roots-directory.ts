/**
 * The CA files that clients are given (`cert_dir` of `myproxy-server.config(5)`).
 *
 * The C server sends whatever lies in the directory. Here only what a CA directory is made of is
 * sent: what everybody is given should not be decided by what somebody left there.
 */
import { isVoboxError, printable, VoboxError } from '../../../errors.js'
import type { Clock } from '../../../ports/clock.js'
import type { Files } from '../../../ports/files.js'
import type { Journal } from '../../../ports/journal.js'
import { KeptReading } from '../../../ports/kept-reading.js'
import { isTrustRootName, MAX_TRUST_ROOTS_BYTES, type TrustRootFile } from '../../trust-roots.js'

export interface TrustRootsSource {
  /** Sorted by name. */
  current(signal?: AbortSignal): Promise<readonly TrustRootFile[]>
}

export interface TrustRootsDirectoryDeps {
  files: Files
  clock: Clock
  journal: Journal
  /** Absolute path. */
  directory: string
}

interface Loaded {
  files: readonly TrustRootFile[]
  /** What was left out, and why. */
  problems: readonly VoboxError[]
}

/** How long what was read counts, in milliseconds: lists of revoked certificates come every hours. */
const KEEP_MS = 30_000

/** Largest file, in bytes; the longest list of the IGTF has some 5 MB. */
const MAX_FILE_BYTES = 16 * 1024 * 1024

/** Most of all files together, in bytes: base64 makes four of three, names and commas come on top. */
const MAX_ALL_BYTES = Math.floor(MAX_TRUST_ROOTS_BYTES / 4) * 3 - 4 * 1024 * 1024

const READABLE_FOR_ALL = 0o004

export class TrustRootsDirectory implements TrustRootsSource {
  readonly #deps: TrustRootsDirectoryDeps
  readonly #reading: KeptReading<Loaded>

  constructor(deps: TrustRootsDirectoryDeps) {
    this.#deps = deps
    this.#reading = new KeptReading(deps.clock, KEEP_MS, (before) => this.#load(before))
  }

  /** @throws VoboxError `FILE_MISSING`, `FILE_UNREADABLE` for the directory; `signal.reason`. */
  async current(signal?: AbortSignal): Promise<readonly TrustRootFile[]> {
    return (await this.#reading.current(signal)).files
  }

  /**
   * For the start of a server: a file that not everybody may read is no CA's, and the C server does
   * not start with one.
   *
   * @throws VoboxError what {@link current} throws; `FILE_UNSAFE` for the first such file.
   */
  async check(): Promise<void> {
    const { problems } = await this.#reading.current()
    const [unsafe] = problems.filter((problem) => isVoboxError(problem, 'FILE_UNSAFE'))
    if (unsafe !== undefined) throw unsafe
  }

  async #load(before: Loaded | undefined): Promise<Loaded> {
    const { files: disk, directory, journal } = this.#deps
    const names = (await disk.list(directory)).filter(isTrustRootName).toSorted()
    const files: TrustRootFile[] = []
    const problems: VoboxError[] = []
    let allBytes = 0
    for (const name of names) {
      try {
        const content = await this.#read(name, MAX_ALL_BYTES - allBytes)
        if (content === undefined) continue
        allBytes += content.length
        files.push({ name, content })
      } catch (error) {
        if (!isVoboxError(error)) throw error
        problems.push(error)
      }
    }
    const known = new Set(before?.problems.map(({ message }) => message))
    for (const { code, message } of problems.filter((problem) => !known.has(problem.message))) {
      journal.write('error', 'trust-root-left-out', message, { code, directory })
    }
    return { files, problems }
  }

  /** Undefined for what is no file, or none any more. */
  async #read(name: string, roomBytes: number): Promise<Buffer | undefined> {
    const { files: disk, directory } = this.#deps
    const path = `${directory}/${name}`
    const maxBytes = Math.max(0, Math.min(MAX_FILE_BYTES, roomBytes))
    try {
      // Hashed names are links to the others; who may write the directory decides about them all.
      const rules = { maxBytes, forbiddenMode: 0o022, followLinks: true }
      const { bytes, facts } = await disk.read(path, rules)
      if ((facts.mode & READABLE_FOR_ALL) === 0) throw notForAll(path)
      if (bytes.includes('PRIVATE KEY-----')) throw holdsKey(path)
      return bytes
    } catch (error) {
      const isNone = isVoboxError(error, 'FILE_MISSING') || isNotRegular(error)
      if (isNone) return undefined
      throw error
    }
  }
}

function isNotRegular(error: unknown): boolean {
  return isVoboxError(error, 'FILE_UNSAFE') && error.data.reason === 'not-regular'
}

function notForAll(path: string): VoboxError {
  return new VoboxError(
    'FILE_UNSAFE',
    `${printable(path)} is to be given to everybody, and not everybody may read it`,
    { data: { path, reason: 'not-for-all' }, hint: `Run: chmod a+r ${path}, or move it away` },
  )
}

function holdsKey(path: string): VoboxError {
  return new VoboxError('FILE_UNSAFE', `${printable(path)} holds a private key`, {
    data: { path, reason: 'private-key' },
    hint: 'Move it out of the directory of CA certificates',
  })
}
