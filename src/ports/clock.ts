/**
 * Time as the library sees it. Only the composition root knows the real clock; tests pass a fake one
 * and run a week in a second.
 */

declare const unixSeconds: unique symbol

/** An instant in whole seconds since 1970-01-01T00:00:00Z. Make one with {@link asUnixSeconds}. */
export type UnixSeconds = number & { readonly [unixSeconds]: true }

/** Brands a number as an instant; fractions are cut off towards the past. */
export function asUnixSeconds(seconds: number): UnixSeconds {
  if (!Number.isFinite(seconds))
    throw new TypeError('an instant must be a finite number of seconds')
  return Math.floor(seconds) as UnixSeconds
}

export interface Clock {
  /** The wall clock. It may jump, in both directions. */
  now(): UnixSeconds
  /** Milliseconds from an arbitrary start that never jump; for durations and deadlines. */
  monotonicMs(): number
  /** Resolves after `ms` milliseconds; rejects with `signal.reason` as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
