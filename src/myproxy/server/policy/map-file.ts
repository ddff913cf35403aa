/** A grid-mapfile on disk, read anew each time: a name that was taken away must not count. */
import type { Files } from '../../../ports/files.js'

export interface MapFile {
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

/** @throws VoboxError `FILE_…`. */
export async function readMapFile({ files, path, owners }: MapFile): Promise<string> {
  const rules = { maxBytes: MAX_BYTES, owners, forbiddenMode: WRITABLE_BY_OTHERS }
  return (await files.read(path, { ...rules, followLinks: true })).bytes.toString('utf8')
}
