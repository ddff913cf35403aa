/**
 * A disk in memory that keeps the promises of `ports/files.ts`, with the times of a fake clock, so that
 * a week of renewals needs no real one. Directories exist where something lies in them. Owners and
 * modes are kept, and not enforced.
 */
import { dirname } from 'node:path'
import { VoboxError } from '../../src/errors.js'
import type { Clock } from '../../src/ports/clock.js'
import type { FileFacts, FileLock, FileRead, Files } from '../../src/ports/files.js'

interface Stored {
  bytes: Buffer
  facts: FileFacts
}

export class MemoryFiles implements Files {
  readonly #clock: Clock
  readonly #stored = new Map<string, Stored>()
  readonly #locked = new Set<string>()
  readonly #watchers = new Map<string, Set<() => void>>()
  #inode = 0

  /** Asked before each change; an error that it returns is thrown instead. For full disks. */
  refuse: (operation: 'replace' | 'append' | 'probe', path: string) => Error | undefined = () =>
    undefined
  /** How often each operation was done. */
  readonly counts = { read: 0, replace: 0, facts: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The text of a file; empty when there is none. */
  text(path: string): string {
    return this.#stored.get(path)?.bytes.toString('utf8') ?? ''
  }

  async read(path: string): Promise<FileRead> {
    this.counts.read++
    const found = this.#stored.get(path)
    if (!found) throw new VoboxError('FILE_MISSING', `${path} is missing`, { data: { path } })
    return { bytes: Buffer.from(found.bytes), facts: found.facts }
  }

  async replace(
    path: string,
    bytes: Uint8Array,
    options: { mode: number; keepPreviousAs?: string },
  ): Promise<void> {
    this.#check('replace', path)
    this.counts.replace++
    const previous = this.#stored.get(path)
    if (options.keepPreviousAs && previous) this.#put(options.keepPreviousAs, previous)
    this.#put(path, { bytes: Buffer.from(bytes), facts: this.#factsFor(bytes, options.mode) })
  }

  async append(
    path: string,
    bytes: Uint8Array,
    mode: number,
    { expectedBytes }: { expectedBytes?: number } = {},
  ): Promise<boolean> {
    this.#check('append', path)
    const size = this.#stored.get(path)?.bytes.length
    if (expectedBytes !== undefined && size !== expectedBytes) return false
    const whole = Buffer.concat([this.#stored.get(path)?.bytes ?? Buffer.alloc(0), bytes])
    this.#put(path, { bytes: whole, facts: this.#factsFor(whole, mode) })
    return true
  }

  async remove(path: string): Promise<boolean> {
    const removed = this.#stored.delete(path)
    if (removed) this.#tell(path)
    return removed
  }

  async list(directory: string): Promise<string[]> {
    const inside = [...this.#stored.keys()].filter((path) => dirname(path) === directory)
    return inside.map((path) => path.slice(directory.length + 1))
  }

  async facts(path: string): Promise<FileFacts | undefined> {
    this.counts.facts++
    return this.#stored.get(path)?.facts
  }

  async makeDirectory(): Promise<void> {}

  async probeWritable(directory: string): Promise<void> {
    this.#check('probe', directory)
  }

  async lock(path: string, deadlineMs: number, signal?: AbortSignal): Promise<FileLock> {
    const endMs = this.#clock.monotonicMs() + deadlineMs
    for (;;) {
      signal?.throwIfAborted()
      const lock = await this.tryLock(path)
      if (lock) return lock
      if (this.#clock.monotonicMs() >= endMs) {
        throw new VoboxError('LOCK_TIMEOUT', `${path} stays locked`, { data: { path } })
      }
      await this.#clock.sleep(50, signal)
    }
  }

  async tryLock(path: string): Promise<FileLock | undefined> {
    if (this.#locked.has(path)) return undefined
    this.#locked.add(path)
    return {
      release: async () => {
        this.#locked.delete(path)
      },
    }
  }

  watch(path: string, onChange: () => void): { close(): void } {
    const watchers = this.#watchers.get(path) ?? new Set()
    this.#watchers.set(path, watchers.add(onChange))
    return { close: () => watchers.delete(onChange) }
  }

  #put(path: string, stored: Stored): void {
    this.#stored.set(path, stored)
    this.#tell(path)
  }

  #tell(path: string): void {
    for (const onChange of this.#watchers.get(path) ?? []) queueMicrotask(onChange)
  }

  #factsFor(bytes: Uint8Array, mode: number): FileFacts {
    const nowMs = this.#clock.now() * 1000
    return {
      kind: 'file',
      sizeBytes: bytes.length,
      uid: 1000,
      gid: 1000,
      mode,
      modifiedMs: nowMs,
      changedMs: nowMs,
      inode: ++this.#inode,
    }
  }

  #check(operation: 'replace' | 'append' | 'probe', path: string): void {
    const error = this.refuse(operation, path)
    if (error) throw error
  }
}

/** What a full disk says. */
export function diskFull(path: string): VoboxError {
  return new VoboxError('FILE_UNWRITABLE', `${path}: no space left on device`, { data: { path } })
}
