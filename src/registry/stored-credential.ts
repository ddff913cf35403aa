/**
 * What is known of a stored credential: the newest of where it was last seen to end, and of a MyProxy
 * server saying that it is not there any more.
 */
import type { UnixSeconds } from '../ports/clock.js'
import type { RegistrationState } from './registration.js'

export type StoredCredentialKnowledge =
  | { kind: 'unknown' }
  /** It ends, or ended, then. */
  | { kind: 'seen'; end: UnixSeconds }
  /** A server said since then that there is none, or that what is there has expired. */
  | { kind: 'gone' | 'expired'; since: UnixSeconds }

/** Refusals of a renewal that leave nothing of the time that was known. */
const LOST_BY_CODE: Readonly<Record<string, 'gone' | 'expired'>> = {
  MYPROXY_NO_CREDENTIAL: 'gone',
  MYPROXY_CREDENTIAL_EXPIRED: 'expired',
}

export function storedCredentialOf(state: RegistrationState): StoredCredentialKnowledge {
  const { storedEnd, storedGoneAt, lastFailure, failures } = state
  const newerThanSeen = (at: UnixSeconds) => storedEnd === undefined || at >= storedEnd.learnedAt
  const lost = failures > 0 ? LOST_BY_CODE[lastFailure?.code ?? ''] : undefined
  if (lost !== undefined && lastFailure !== undefined && newerThanSeen(lastFailure.at)) {
    return { kind: lost, since: lastFailure.at }
  }
  if (storedGoneAt !== undefined && newerThanSeen(storedGoneAt)) {
    return { kind: 'gone', since: storedGoneAt }
  }
  return storedEnd === undefined ? { kind: 'unknown' } : { kind: 'seen', end: storedEnd.at }
}

/** Seconds left, 0 of one that is lost or has ended; undefined: nothing is known. */
export function storedSecondsLeft(
  stored: StoredCredentialKnowledge,
  now: UnixSeconds,
): number | undefined {
  switch (stored.kind) {
    case 'unknown':
      return undefined
    case 'seen':
      return Math.max(0, stored.end - now)
    default:
      return 0
  }
}
