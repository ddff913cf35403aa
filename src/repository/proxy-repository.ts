/**
 * The directory of user proxies, `proxy_repository/`: one file a registration, under the name that
 * services have hard-coded, with nothing else in sight.
 */
import { join } from 'node:path'
import { VoboxError } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import type { FileRead, Files } from '../ports/files.js'
import {
  type Credential,
  encodeCredential,
  MAX_CREDENTIAL_BYTES,
  parseCredential,
} from '../proxy/credential.js'
import { checkFileName, isFileName } from './proxy-file-name.js'

const MODE = 0o600

/** Everything but reading and writing by the owner: what a file with a key must not allow. */
const FORBIDDEN_MODE = 0o177

/** A probe answers all who ask so soon after it began, in milliseconds. */
const PROBE_COUNTS_MS = 1000

/** How many files are looked at side by side when they are listed by time. */
const LOOKS_AT_ONCE = 64

export interface ProxyRepositoryDependencies {
  files: Files
  /** For a burst of renewals, which then share a probe; absent: each who asks gets one of their own. */
  clock?: Pick<Clock, 'monotonicMs'> | undefined
  /** Absolute path. */
  directory: string
  /** Users whose files are believed: the VO admin. */
  owners: readonly number[]
}

export interface ProxyFileFacts {
  fileName: string
  /** Last replacement, in milliseconds since 1970. */
  modifiedMs: number
}

/**
 * Every method that takes a file name refuses one with a `/` or a leading dot as `FILE_UNSAFE`.
 * Content is judged by nobody here: whether a chain is valid is not a matter of storing it.
 */
export class ProxyRepository {
  readonly #files: Files
  readonly #directory: string
  readonly #owners: readonly number[]
  readonly #clock: ProxyRepositoryDependencies['clock']
  #probe: { beganMs: number; answer: Promise<void> } | undefined

  constructor(dependencies: ProxyRepositoryDependencies) {
    this.#files = dependencies.files
    this.#directory = dependencies.directory
    this.#owners = dependencies.owners
    this.#clock = dependencies.clock
  }

  /** Full path of the file. */
  path(fileName: string): string {
    return join(this.#directory, checkFileName(fileName))
  }

  /**
   * The credential in the file. Rejects with `FILE_MISSING`, with `FILE_UNSAFE` when it is another
   * user's, no regular file or open to others, or with what `parseCredential` says; all name the
   * path.
   */
  async read(fileName: string): Promise<Credential> {
    const { bytes } = await this.readBytes(fileName)
    try {
      return parseCredential(bytes)
    } catch (error) {
      throw error instanceof VoboxError ? inFile(this.path(fileName), error) : error
    }
  }

  /** The same without looking inside. */
  readBytes(fileName: string): Promise<FileRead> {
    return this.#files.read(this.path(fileName), {
      maxBytes: MAX_CREDENTIAL_BYTES,
      owners: this.#owners,
      forbiddenMode: FORBIDDEN_MODE,
    })
  }

  /**
   * Replaces the file by rename, so that a reader sees the old or the new proxy, whole; mode 0600.
   *
   * Rejects with `FILE_TOO_LARGE` for one that {@link read} would refuse: a server decides how large
   * the certificates of a chain are, and must not make a file that can never be renewed.
   */
  async replace(fileName: string, credential: Credential): Promise<void> {
    const path = this.path(fileName)
    const bytes = encodeCredential(credential)
    if (bytes.length > MAX_CREDENTIAL_BYTES) throw tooLarge(path, bytes.length)
    try {
      await this.#files.replace(path, bytes, { mode: MODE })
    } catch (error) {
      this.#probe = undefined
      throw error
    }
  }

  /** Whether there was one. */
  async remove(fileName: string): Promise<boolean> {
    return this.#files.remove(this.path(fileName))
  }

  /** File names, unsorted; what cannot be a proxy's is left out. */
  async list(): Promise<string[]> {
    return (await this.#files.list(this.#directory)).filter(isFileName)
  }

  /**
   * Rejects with `FILE_UNWRITABLE` when a renewed proxy could not be stored. Whoever asks within a
   * second of the last probe shares its answer, unless a write has failed since.
   */
  probeWritable(): Promise<void> {
    const nowMs = this.#clock?.monotonicMs()
    if (nowMs === undefined) return this.#files.probeWritable(this.#directory)
    if (this.#probe !== undefined && nowMs - this.#probe.beganMs < PROBE_COUNTS_MS) {
      return this.#probe.answer
    }
    const probe = { beganMs: nowMs, answer: this.#files.probeWritable(this.#directory) }
    this.#probe = probe
    // A failure is no answer for who asks later: the cause may be gone.
    probe.answer.catch(() => {
      if (this.#probe === probe) this.#probe = undefined
    })
    return probe.answer
  }

  /**
   * Files whose name is accepted, as `ls -t` lists them: the one replaced last comes first.
   *
   * @param accept asked before a file is touched; default: all. `matchesGlob` makes one.
   */
  async newestFirst(accept: (fileName: string) => boolean = () => true): Promise<ProxyFileFacts[]> {
    const names = (await this.list()).filter(accept)
    const found: ProxyFileFacts[] = []
    for (let start = 0; start < names.length; start += LOOKS_AT_ONCE) {
      const batch = names.slice(start, start + LOOKS_AT_ONCE)
      const looks = await Promise.all(batch.map((fileName) => this.#factsOf(fileName)))
      found.push(...looks.flatMap((look) => look ?? []))
    }
    return found.sort((a, b) => b.modifiedMs - a.modifiedMs || (a.fileName < b.fileName ? -1 : 1))
  }

  /** Undefined when it is no regular file, or vanished since it was listed. */
  async #factsOf(fileName: string): Promise<ProxyFileFacts | undefined> {
    const facts = await this.#files.facts(join(this.#directory, fileName))
    return facts?.kind === 'file' ? { fileName, modifiedMs: facts.modifiedMs } : undefined
  }
}

function tooLarge(path: string, bytes: number): VoboxError {
  return new VoboxError(
    'FILE_TOO_LARGE',
    `a proxy of ${bytes} bytes is too large to be stored as ${path}`,
    {
      hint: 'Its chain or its attributes are far beyond what is usual: look at who issued it',
      data: { path, bytes, maxBytes: MAX_CREDENTIAL_BYTES },
    },
  )
}

/** The codec knows no paths; a person needs one. */
function inFile(path: string, error: VoboxError): VoboxError {
  return new VoboxError(error.code, `${path}: ${error.message}`, {
    hint: error.hint,
    data: { ...error.data, path },
    cause: error,
    persistence: error.persistence,
  })
}
