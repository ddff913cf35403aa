/**
 * The disk, with the safety rules built in, so that no caller can forget one.
 *
 * All paths are absolute. Failures are `FILE_MISSING`, `FILE_UNSAFE` (a symlink, not a regular file,
 * wrong owner or mode), `FILE_TOO_LARGE`, `FILE_UNREADABLE`, `FILE_UNWRITABLE` (transient) and
 * `LOCK_TIMEOUT`, each with `data.path`.
 */

/** What a file must be before its content is believed. Judged on the open descriptor. */
export interface ReadRules {
  /** Largest size accepted, in bytes. */
  maxBytes: number
  /** Accepted owners; absent: anybody. */
  owners?: readonly number[]
  /** Permission bits that must be clear, e.g. `0o077` for a private key. */
  forbiddenMode?: number
  /** Follow a symlink in the last place; only for directories that nobody else can write. */
  followLinks?: boolean
}

export interface FileFacts {
  kind: 'file' | 'directory' | 'symlink' | 'other'
  sizeBytes: number
  /** Owner and group. */
  uid: number
  gid: number
  /** Permission bits alone, e.g. `0o600`. */
  mode: number
  /** Last change of the content, to the millisecond. */
  modifiedMs: number
  /** Last change of inode or content, to the millisecond. */
  changedMs: number
  inode: number
}

export interface FileRead {
  bytes: Buffer
  facts: FileFacts
}

export interface ReplaceOptions {
  /** Mode of the new file, set at creation; 0o600 for anything with a key. */
  mode: number
  /** Owner and group of the new file; only root may set these. */
  uid?: number
  gid?: number
  /** Where the old content is kept, as a hard link made before the rename. */
  keepPreviousAs?: string
}

export interface AppendOptions {
  /** It is on disk once resolved. Default false. */
  sync?: boolean
  /**
   * Nobody else appends to it, so that this is its size now, in bytes. Otherwise, or where it is not
   * there, nothing is written and no file made. What was written of a record that failed is cut off
   * again, if the disk lets that be. Default: of any size, or not there, and others append too.
   */
  expectedBytes?: number
}

export interface FactsOptions {
  /**
   * Open the directory that is asked about: on a network file system the answer is else up to a
   * minute old (`nfs(5)`, close-to-open). What is no directory counts as nothing. Default false.
   */
  fresh?: boolean
}

/** A lock that is held until `release`, or until the process dies. */
export interface FileLock {
  release(): Promise<void>
}

/**
 * Temporary files of {@link Files.replace} are named this and 24 hex digits. One that a crash left is
 * known by it; one that is young may belong to a process at work.
 */
export const TEMPORARY_PREFIX = '.vobox-temporary-'

export interface Files {
  /** Opens without following a link and without blocking, checks the rules, then reads. */
  read(path: string, rules: ReadRules): Promise<FileRead>
  /**
   * Replaces or creates a file so that a reader sees the old or the new content, whole: a temporary
   * file whose name starts with a dot in the same directory (`O_EXCL|O_NOFOLLOW`, mode at creation),
   * write, fsync, rename, fsync of the directory. On failure nothing has changed and no temporary is left.
   */
  replace(path: string, bytes: Uint8Array, options: ReplaceOptions): Promise<void>
  /**
   * Appends one record in a single write; creates the file with `mode`; follows no link. When it fails,
   * a part of it may be in the file.
   *
   * @returns false where `expectedBytes` were not found.
   */
  append(path: string, bytes: Uint8Array, mode: number, options?: AppendOptions): Promise<boolean>
  /** Whether something was there to remove. With `sync` it stays gone, whatever happens then. */
  remove(path: string, options?: { sync?: boolean }): Promise<boolean>
  /** Names in a directory, unsorted, without `.` and `..`; `FILE_MISSING` when it is not there. */
  list(directory: string): Promise<string[]>
  /** Facts of the thing itself (never of a link's target), or undefined when nothing is there. */
  facts(path: string, options?: FactsOptions): Promise<FileFacts | undefined>
  /** Makes a directory if none is there (parents must exist); never changes one that is. */
  makeDirectory(path: string, mode: number): Promise<void>
  /** Rejects with `FILE_UNWRITABLE` unless a file can be created, synced and removed in it. */
  probeWritable(directory: string): Promise<void>
  /**
   * An exclusive advisory lock (OFD) on `path`, which is created 0600 and stays. Polls until
   * `deadlineMs` is over (`LOCK_TIMEOUT`), since a blocking lock could not be cancelled.
   */
  lock(path: string, deadlineMs: number, signal?: AbortSignal): Promise<FileLock>
  /** The lock when it is free now, else undefined. */
  tryLock(path: string): Promise<FileLock | undefined>
  /** Calls `onChange` soon after the directory entry or the content of `path` changes (also polls). */
  watch(path: string, onChange: () => void): { close(): void }
}
