/**
 * A grid-mapfile on disk. It is read for every question, so that a name that was taken away counts no
 * more, whatever a network file system says of times; parsed it is only when its bytes are others
 * than the last time, as that costs a hundred times what reading does.
 */
import type { Files } from '../../../ports/files.js'

export interface MapFilePlace {
  files: Files
  /** Absolute path; a link is followed. */
  path: string
  /** Who may own it. */
  owners: readonly number[]
}

/** A hundred thousand users. */
const MAX_BYTES = 16 * 1024 * 1024

/** Whoever can write it says who is who. */
const WRITABLE_BY_OTHERS = 0o022

export class MapFile<T> {
  readonly #place: MapFilePlace
  readonly #parse: (text: string) => T
  #last: { bytes: Buffer; map: T } | undefined

  constructor(place: MapFilePlace, parse: (text: string) => T) {
    this.#place = place
    this.#parse = parse
  }

  /** @throws VoboxError `FILE_…`. */
  async read(): Promise<T> {
    const { files, path, owners } = this.#place
    const rules = { maxBytes: MAX_BYTES, owners, forbiddenMode: WRITABLE_BY_OTHERS }
    const { bytes } = await files.read(path, { ...rules, followLinks: true })
    if (this.#last?.bytes.equals(bytes) !== true) {
      this.#last = { bytes, map: this.#parse(bytes.toString('utf8')) }
    }
    return this.#last.map
  }
}
