/** Instants as people read them in a mail: UTC, and how far away. */
import { showDuration } from '../config/duration.js'
import type { UnixSeconds } from '../ports/clock.js'

/** `2026-11-22 07:00 UTC`, to the minute. */
export function utcText(at: UnixSeconds): string {
  return `${new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** `2026-11-22 07:00 UTC (in 3 h 5 min)` or `(42 min ago)`. */
export function whenText(at: UnixSeconds, now: UnixSeconds): string {
  if (at === now) return `${utcText(at)} (now)`
  const away = at > now ? `in ${showDuration(at - now)}` : `${showDuration(now - at)} ago`
  return `${utcText(at)} (${away})`
}
