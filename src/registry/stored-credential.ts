/**
 * What is known of a stored credential: the newest of where it was last seen to end, and of a MyProxy
 * server saying that it is not there any more.
 */
import type { UnixSeconds } from '../ports/clock.js'
import type { RegistrationState, StoredEnd } from './registration.js'

export type StoredCredentialKnowledge =
  | { kind: 'unknown' }
  /** It ends, or ended, then. */
  | ({ kind: 'seen'; end: UnixSeconds } & Omit<StoredEnd, 'at'>)
  /** A server said since then that there is none, or that what is there has expired. */
  | { kind: 'gone' | 'expired'; since: UnixSeconds }

/** Refusals of a renewal that leave nothing of the time that was known. */
const LOST_BY_CODE: Readonly<Record<string, 'gone' | 'expired'>> = {
  MYPROXY_NO_CREDENTIAL: 'gone',
  MYPROXY_CREDENTIAL_EXPIRED: 'expired',
}

export function storedCredentialOf(state: RegistrationState): StoredCredentialKnowledge {
  const { storedEnd, storedGoneAt } = state
  const newerThanSeen = (at: UnixSeconds) => storedEnd === undefined || at >= storedEnd.learnedAt
  const lost = lossOf(state)
  if (lost !== undefined && newerThanSeen(lost.since)) return lost
  if (storedGoneAt !== undefined && newerThanSeen(storedGoneAt)) {
    return { kind: 'gone', since: storedGoneAt }
  }
  if (storedEnd === undefined) return { kind: 'unknown' }
  const { at: end, ...how } = storedEnd
  return { kind: 'seen', end, ...how }
}

/** A server that only stands in for the first one says nothing about what that holds. */
function lossOf({ lastFailure, failures }: RegistrationState) {
  if (failures === 0 || lastFailure?.persistence !== 'permanent') return undefined
  const kind = LOST_BY_CODE[lastFailure.code]
  return kind === undefined ? undefined : { kind, since: lastFailure.at }
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
