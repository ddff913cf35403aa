/**
 * Under which user names somebody may store: `accepted_credentials_mapfile` and
 * `accepted_credentials_mapapp` of `myproxy-server.config(5)`. Where both are written, the program
 * alone is asked, as in the C server.
 */
import { type Asked, asArgument } from '../authority/call-out-text.js'
import { notMapped, notMappedByProgram } from '../refusals.js'
import type { DnForms } from './dn-pattern.js'
import { GridMap } from './grid-mapfile.js'
import { MapFile, type MapFilePlace } from './map-file.js'

export interface AcceptedNames {
  /** @throws `MYPROXY_NOT_AUTHORISED` unless `dn` may store under `username`. */
  require(dn: DnForms, username: string, signal: AbortSignal): Promise<void>
}

export class NamesOfFile implements AcceptedNames {
  readonly #file: MapFile<GridMap>

  constructor(place: MapFilePlace) {
    this.#file = new MapFile(place, GridMap.parse)
  }

  /** For the start of a server. @throws VoboxError `FILE_…`. */
  async check(): Promise<void> {
    await this.#file.read()
  }

  async require(dn: DnForms, username: string): Promise<void> {
    const map = await this.#file.read()
    if (!map.accountsOf(dn.oneLine).includes(username)) throw notMapped(dn.oneLine, username)
  }
}

/** A program is given the DN and the user name, and says yes by ending with 0. */
export class NamesOfProgram implements AcceptedNames {
  readonly #asked: Asked

  constructor(asked: Asked) {
    this.#asked = asked
  }

  /** @throws also `PROGRAM_FAILED`, `signal.reason`. */
  async require({ oneLine }: DnForms, username: string, signal: AbortSignal): Promise<void> {
    const argument = asArgument(username)
    if (argument === undefined) throw notMappedByProgram()
    const { callOuts, program } = this.#asked
    const call = { file: program, arguments: [oneLine, argument] }
    const { status } = await callOuts.run(call, { signal })
    if (status !== 0) throw notMappedByProgram()
  }
}
