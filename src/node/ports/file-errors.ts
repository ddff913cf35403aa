/** What the system says about a file, in our codes. */
import { type ErrorCode, printable, VoboxError } from '../../errors.js'

export type FileAction = 'read' | 'write'

/** Why a file is not believed; goes into `data.reason` of `FILE_UNSAFE`. */
export type UnsafeReason = 'symlink' | 'not-regular' | 'not-a-directory' | 'owner' | 'mode'

/** Reading: anything not named is `FILE_UNREADABLE`; writing: `FILE_UNWRITABLE`. */
const CODES: Record<string, ErrorCode> = {
  ENOENT: 'FILE_MISSING',
  ENOTDIR: 'FILE_MISSING',
  ELOOP: 'FILE_UNSAFE',
  // A socket, or a FIFO that nobody reads.
  ENXIO: 'FILE_UNSAFE',
}

const SENTENCES: Record<string, string> = {
  ENOENT: 'is not there',
  ENOTDIR: 'is not there: something above it is not a directory',
  ELOOP: 'is a symbolic link, which is never followed here',
  ENXIO: 'is not a regular file',
  EACCES: 'may not be opened by this user',
  EPERM: 'may not be changed by this user',
  ENOSPC: 'cannot be written: the disk is full',
  EDQUOT: 'cannot be written: the disk quota is used up',
  EROFS: 'cannot be written: the file system is read-only',
  EFBIG: 'cannot be written: it would exceed the file size limit',
  EISDIR: 'is a directory',
}

const REASONS: Record<string, UnsafeReason> = { ELOOP: 'symlink', ENXIO: 'not-regular' }

/** The system's error code, e.g. `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** Wraps an error of `node:fs`; one that is ours already passes unchanged. */
export function fileError(error: unknown, path: string, action: FileAction): VoboxError {
  if (error instanceof VoboxError) return error
  const errno = errnoOf(error) ?? 'UNKNOWN'
  const what = SENTENCES[errno] ?? `cannot be ${action === 'read' ? 'read' : 'written'} (${errno})`
  const reason = REASONS[errno]
  return new VoboxError(codeOf(errno, action), `${printable(path)} ${what}`, {
    data: { path, errno, ...(reason === undefined ? {} : { reason }) },
    cause: error,
  })
}

function codeOf(errno: string, action: FileAction): ErrorCode {
  // A directory that is missing when we write is a place that cannot be written.
  const code = action === 'write' && CODES[errno] === 'FILE_MISSING' ? undefined : CODES[errno]
  return code ?? (action === 'read' ? 'FILE_UNREADABLE' : 'FILE_UNWRITABLE')
}

/** A file that breaks a rule, with what was found. */
export function unsafe(
  path: string,
  reason: UnsafeReason,
  sentence: string,
  details: { hint?: string; data?: Record<string, unknown> } = {},
): VoboxError {
  return new VoboxError('FILE_UNSAFE', `${printable(path)} ${sentence}`, {
    hint: details.hint,
    data: { path, reason, ...details.data },
  })
}
