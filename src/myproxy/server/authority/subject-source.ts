/** Which subject an account name has: `certificate_mapfile` or `certificate_mapapp`. */
import { isVoboxError } from '../../../errors.js'
import type { Name } from '../../../x509/name.js'
import { AccountMap } from '../policy/grid-mapfile.js'
import { MapFile, type MapFilePlace } from '../policy/map-file.js'
import { type Asked, asArgument, askProgram } from './call-out-text.js'
import { unknownUsername } from './certificate-authority.js'
import { subjectFromOneLine } from './subject-name.js'

export interface SubjectSource {
  /** @throws {@link unknownUsername}; `CONFIG_INVALID` for a DN that is none. */
  subjectOf(username: string, signal: AbortSignal): Promise<Name>
}

export class MapFileSubjects implements SubjectSource {
  readonly #file: MapFile<AccountMap>

  constructor(place: MapFilePlace) {
    this.#file = new MapFile(place, AccountMap.parse)
  }

  async subjectOf(username: string): Promise<Name> {
    const dn = (await this.#file.read()).dnOf(username)
    if (dn === undefined) throw unknownUsername(username)
    return subjectFromOneLine(dn)
  }

  /** For the start of a server. @throws VoboxError `FILE_…`. */
  async check(): Promise<void> {
    await this.#file.read()
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
