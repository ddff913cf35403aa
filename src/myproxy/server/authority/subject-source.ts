/** Which subject an account name has: `certificate_mapfile` or `certificate_mapapp`. */
import { isVoboxError } from '../../../errors.js'
import type { Files } from '../../../ports/files.js'
import type { Name } from '../../../x509/name.js'
import { dnOfAccount } from '../grid-mapfile.js'
import { type Asked, asArgument, askProgram } from './call-out-text.js'
import { unknownUsername } from './certificate-authority.js'
import { subjectFromOneLine } from './subject-name.js'

export interface SubjectSource {
  /** @throws {@link unknownUsername}; `CONFIG_INVALID` for a DN that is none. */
  subjectOf(username: string, signal: AbortSignal): Promise<Name>
}

const MAX_MAP_BYTES = 16 * 1024 * 1024
const WRITABLE_BY_OTHERS = 0o022

/** Read each time: entries come and go while the server runs. */
export class MapFileSubjects implements SubjectSource {
  readonly #files: Files
  readonly #path: string
  readonly #owners: readonly number[]

  constructor(files: Files, path: string, owners: readonly number[]) {
    this.#files = files
    this.#path = path
    this.#owners = owners
  }

  async subjectOf(username: string): Promise<Name> {
    const dn = dnOfAccount(await this.read(), username)
    if (dn === undefined) throw unknownUsername(username)
    return subjectFromOneLine(dn)
  }

  /** @throws what reading throws: `FILE_MISSING`, `FILE_UNSAFE` when others can write it. */
  async read(): Promise<string> {
    const { bytes } = await this.#files.read(this.#path, {
      maxBytes: MAX_MAP_BYTES,
      owners: this.#owners,
      forbiddenMode: WRITABLE_BY_OTHERS,
      followLinks: true,
    })
    return bytes.toString('utf8')
  }
}

/** The program is given the name as its one argument, and prints the DN on its first line. */
export class ProgramSubjects implements SubjectSource {
  readonly #asked: Asked

  constructor(asked: Asked) {
    this.#asked = asked
  }

  async subjectOf(username: string, signal: AbortSignal): Promise<Name> {
    const argument = asArgument(username)
    if (argument === undefined) throw unknownUsername(username)
    const dn = await this.#ask(argument, signal)
    if (dn === '') throw unknownUsername(username)
    return subjectFromOneLine(dn)
  }

  async #ask(username: string, signal: AbortSignal): Promise<string> {
    try {
      const answer = await askProgram(this.#asked, { arguments: [username] }, signal)
      return answer.split('\n', 1)[0]?.trimEnd() ?? ''
    } catch (error) {
      // "On error, it should write to stderr and exit with nonzero status."
      const saidNo = isVoboxError(error, 'PROGRAM_FAILED') && error.data.status !== undefined
      throw saidNo ? unknownUsername(username, error) : error
    }
  }
}
