/**
 * The `vomses` files and directories of this machine, read through the files port and cached.
 *
 * They decide with whom we speak in the name of a VO, so a file that group or others may write is
 * not believed; the VOMS tools refuse those as well. Directories may lie on CVMFS or NFS, where
 * watching sees nothing, and hold links to somewhere else: they are read again in whole when a
 * minute has passed, which costs little, since they are small.
 */
import { isVoboxError, printable, VoboxError } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import type { Files } from '../ports/files.js'
import { KeptReading } from '../ports/kept-reading.js'
import { parseVomses, serversNamed, type VomsServer } from './vomses.js'

export interface VomsesFilesOptions {
  /** How old an answer may be before everything is read again, in milliseconds. Default 60,000. */
  reloadMs?: number
}

interface Loaded {
  servers: readonly VomsServer[]
  problems: readonly VoboxError[]
  /** What was there to be read. */
  sources: readonly string[]
}

const DEFAULT_RELOAD_MS = 60_000
const MAX_FILE_BYTES = 256 * 1024
const MAX_FILES = 1000

export class VomsesFiles {
  readonly #files: Files
  readonly #paths: readonly string[]
  readonly #reading: KeptReading<Loaded>

  /** @param paths files or directories of such files; all that exist count. */
  constructor(
    files: Files,
    clock: Clock,
    paths: readonly string[],
    options: VomsesFilesOptions = {},
  ) {
    this.#files = files
    this.#paths = paths
    const { reloadMs = DEFAULT_RELOAD_MS } = options
    this.#reading = new KeptReading(clock, reloadMs, () => this.#load())
  }

  /** Where it looks. */
  get paths(): readonly string[] {
    return this.#paths
  }

  /**
   * The servers of a VO, in the order of the files: those with that alias, or else those of the VO
   * of that name. At least one.
   *
   * @throws VoboxError `VOMS_VO_UNKNOWN`, which says where it looked; `data.problems` are the files
   *   and lines that could not be used.
   */
  async serversOf(voOrAlias: string): Promise<VomsServer[]> {
    const loaded = await this.#reading.current()
    const found = serversNamed(loaded.servers, voOrAlias)
    if (found.length === 0) throw this.#unknown(voOrAlias, loaded)
    return found
  }

  /** Files and lines that could not be used, as last read. */
  async problems(): Promise<readonly VoboxError[]> {
    return (await this.#reading.current()).problems
  }

  /** Forgets what was read, so that the next question reads everything anew. */
  invalidate(): void {
    this.#reading.forget()
  }

  async #load(): Promise<Loaded> {
    const servers: VomsServer[] = []
    const problems: VoboxError[] = []
    const sources: string[] = []
    for (const path of this.#paths) {
      for (const file of await this.#filesOf(path, problems)) {
        const text = await this.#read(file, problems)
        if (text === undefined) continue
        sources.push(file)
        const parsed = parseVomses(text, file)
        servers.push(...parsed.servers)
        problems.push(...parsed.problems)
      }
    }
    return { servers, problems, sources }
  }

  /** What a path stands for: the files of a directory in the order of their names, or itself. */
  async #filesOf(path: string, problems: VoboxError[]): Promise<string[]> {
    const kind = (await this.#files.facts(path).catch(() => undefined))?.kind
    if (kind === 'file') return [path]
    try {
      const names = (await this.#files.list(path)).filter(isVomsesName).toSorted()
      return names.slice(0, MAX_FILES).map((name) => `${path}/${name}`)
    } catch (error) {
      // A link to a file is no directory; a path that is not there at all is nobody's mistake.
      if (kind === 'symlink') return [path]
      if (isVoboxError(error) && error.code !== 'FILE_MISSING') problems.push(error)
      return []
    }
  }

  async #read(path: string, problems: VoboxError[]): Promise<string | undefined> {
    const rules = { maxBytes: MAX_FILE_BYTES, forbiddenMode: 0o022, followLinks: true }
    try {
      return (await this.#files.read(path, rules)).bytes.toString('utf8')
    } catch (error) {
      if (!isVoboxError(error)) throw error
      if (error.code !== 'FILE_MISSING' && error.data.reason !== 'not-regular') problems.push(error)
      return undefined
    }
  }

  #unknown(voOrAlias: string, { problems, sources, servers }: Loaded): VoboxError {
    const vo = printable(voOrAlias, 100)
    const known = [...new Set(servers.map(({ alias }) => alias))].toSorted()
    const looked = this.#paths.map((path) => printable(path)).join(', ')
    const unusable = problems.length === 0 ? '' : ` (not usable: ${showProblems(problems)})`
    return new VoboxError(
      'VOMS_VO_UNKNOWN',
      `no VOMS server of VO ${vo} is known; looked in ${looked || 'no place'}${unusable}`,
      {
        data: { vo, paths: this.#paths, sources, known, problems: problems.map(describe) },
        hint:
          known.length === 0
            ? 'Put the vomses file of the VO into /etc/vomses or ~/.voms/vomses, or name it in $VOMS_USERCONF'
            : `Put the vomses file of the VO there, or name one that is known: ${known.slice(0, 20).join(', ')}`,
      },
    )
  }
}

/** Editors and package managers leave copies that are no configuration any more. */
function isVomsesName(name: string): boolean {
  return !name.startsWith('.') && !/(?:~|\.rpm(?:new|save|orig)|\.dpkg-\w+|\.bak)$/.test(name)
}

function showProblems(problems: readonly VoboxError[]): string {
  const shown = problems.slice(0, 3).map(({ message }) => message)
  const more = problems.length - shown.length
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '')
}

const describe = ({ code, message }: VoboxError) => ({ code, message })
