/** Opening and reading a file that somebody else may have prepared against us. */
import { constants, type Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { printable, VoboxError } from '../../errors.js'
import type { FactsOptions, FileFacts, FileRead, ReadRules } from '../../ports/files.js'
import { errnoOf, fileError, unsafe } from './file-errors.js'
import { withHandle } from './file-handle.js'
import type { Disk } from './files.js'

/**
 * Neither waits for the writer of a FIFO nor takes over a terminal.
 *
 * Without `O_NONBLOCK` a FIFO in place of the file would hold a thread of the pool for ever.
 */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** Reads the whole file through one descriptor, on which all rules are judged. */
export async function readFileSafely(
  disk: Disk,
  path: string,
  rules: ReadRules,
): Promise<FileRead> {
  const flags = rules.followLinks === true ? READ_FLAGS : READ_FLAGS | constants.O_NOFOLLOW
  try {
    return await withHandle(disk.open(path, flags), async (handle) => {
      const facts = factsOf(await handle.stat())
      checkRules(path, facts, rules)
      return { bytes: await readCapped(handle, path, facts.sizeBytes, rules.maxBytes), facts }
    })
  } catch (error) {
    throw fileError(error, path, 'read')
  }
}

/** Facts of the thing itself, never of what a link points to. */
export async function readFacts(
  disk: Disk,
  path: string,
  { fresh = false }: FactsOptions = {},
): Promise<FileFacts | undefined> {
  try {
    if (fresh) return await withHandle(disk.open(path, DIRECTORY_FLAGS), factsOfOpen)
    return factsOf(await disk.lstat(path))
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
    throw fileError(error, path, 'read')
  }
}

async function factsOfOpen(handle: FileHandle): Promise<FileFacts> {
  return factsOf(await handle.stat())
}

export function factsOf(stats: Stats): FileFacts {
  return {
    kind: kindOf(stats),
    sizeBytes: stats.size,
    uid: stats.uid,
    gid: stats.gid,
    mode: stats.mode & 0o7777,
    modifiedMs: stats.mtimeMs,
    changedMs: stats.ctimeMs,
    inode: stats.ino,
  }
}

function kindOf(stats: Stats): FileFacts['kind'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  return stats.isSymbolicLink() ? 'symlink' : 'other'
}

function checkRules(path: string, facts: FileFacts, rules: ReadRules): void {
  if (facts.kind !== 'file') throw unsafe(path, 'not-regular', 'is not a regular file')
  if (rules.owners !== undefined && !rules.owners.includes(facts.uid)) {
    throw unsafe(
      path,
      'owner',
      `belongs to uid ${facts.uid}, not to ${rules.owners.join(' or ')}`,
      {
        data: { uid: facts.uid, owners: rules.owners },
      },
    )
  }
  if ((facts.mode & (rules.forbiddenMode ?? 0)) !== 0) {
    throw unsafe(path, 'mode', `has mode ${octal(facts.mode)}, which lets others at it`, {
      hint: `chmod ${octal(facts.mode & ~(rules.forbiddenMode ?? 0))} ${printable(path)}`,
      data: { mode: facts.mode, forbiddenMode: rules.forbiddenMode },
    })
  }
  if (facts.sizeBytes > rules.maxBytes) throw tooLarge(path, rules.maxBytes)
}

/** The size may lie (`/proc`) or grow while we read, so the cap is kept while reading. */
async function readCapped(
  handle: FileHandle,
  path: string,
  expectedBytes: number,
  maxBytes: number,
): Promise<Buffer> {
  let buffer: Buffer = Buffer.allocUnsafe(expectedBytes + 1)
  let length = 0
  for (;;) {
    if (length === buffer.length) buffer = grown(buffer)
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
    if (bytesRead === 0) return buffer.subarray(0, length)
    length += bytesRead
    if (length > maxBytes) throw tooLarge(path, maxBytes)
    // All that it said it had, though a byte more was asked for: it has not grown. Where it says
    // that it has nothing (`/proc`), only its end tells.
    if (length === expectedBytes) return buffer.subarray(0, length)
  }
}

function grown(buffer: Buffer): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, 4096))
  buffer.copy(larger)
  return larger
}

function tooLarge(path: string, maxBytes: number): VoboxError {
  return new VoboxError('FILE_TOO_LARGE', `${printable(path)} is larger than ${maxBytes} bytes`, {
    data: { path, maxBytes },
  })
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
