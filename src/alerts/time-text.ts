/** Instants as a mail says them: UTC to the minute, and how far away. */
import type { UnixSeconds } from '../ports/clock.js'
import { showDistance, showInstant } from '../ports/time-text.js'

/** `2026-11-22 07:00 UTC`. */
export function utcText(at: UnixSeconds): string {
  return showInstant(at, 'minute')
}

/** `2026-11-22 07:00 UTC (in 3 h 5 min)` or `(42 min ago)`. */
export function whenText(at: UnixSeconds, now: UnixSeconds): string {
  return `${utcText(at)} (${showDistance(at, now)})`
}
