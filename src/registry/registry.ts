/**
 * The interface of a registry of one VO. `JsonRegistry` is the one that sites use; another (a
 * database, for a fleet of VO-Boxes) can stand beside it.
 *
 * Every method may be called from many processes at once. A resolved change is on disk.
 */
import type { Registration, RegistrationState } from './registration.js'

/** Exclusive right to work on one registration, until `release` or the death of the process. */
export interface Lease {
  release(): Promise<void>
}

export interface Registry {
  /** All registrations by file name. Cheap when nothing changed since the last call. */
  all(): Promise<ReadonlyMap<string, Registration>>
  get(fileName: string): Promise<Registration | undefined>
  /**
   * Reads, changes and writes one registration under the registry's lock: `change` gets what is
   * there now and returns what shall be there, or undefined to remove it. Returns what is there
   * then.
   */
  update(
    fileName: string,
    change: (current: Registration | undefined) => Registration | undefined,
    signal?: AbortSignal,
  ): Promise<Registration | undefined>
  /**
   * What happened to a registration; {@link emptyState} when nothing is known or it is unreadable.
   */
  state(fileName: string): Promise<RegistrationState>
  /** Replaces the state. The caller holds the lease. */
  writeState(fileName: string, state: RegistrationState): Promise<void>
  /** Waits for at most `deadlineMs`; rejects with `LOCK_TIMEOUT`. */
  lease(fileName: string, deadlineMs: number, signal?: AbortSignal): Promise<Lease>
  /** Calls `onChange` within a second of a change by any process. */
  watch(onChange: () => void): { close(): void }
  /**
   * Sentences about damage that was found and survived (a copy set aside), oldest first; then
   * cleared.
   */
  takeWarnings(): string[]
}
