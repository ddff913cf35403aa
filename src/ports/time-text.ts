/** Instants and durations as people read them: on a terminal, in a mail, in a message. One way. */
import type { UnixSeconds } from './clock.js'

const UNIT_SECONDS = { s: 1, min: 60, h: 3600, d: 86_400 } as const

/**
 * The two largest units, rounded down: `47 h 59 min`, `9 d 23 h`, `59 s`. Hours go up to 72, since
 * proxies are counted in hours. Nothing left, or less, is `0 s`.
 */
export function showDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  if (whole >= 3 * UNIT_SECONDS.d) return split(whole, 'd', 'h')
  return whole >= UNIT_SECONDS.h ? split(whole, 'h', 'min') : split(whole, 'min', 's')
}

type Unit = keyof typeof UNIT_SECONDS

/** How much of the large unit and then of the small one; a part of zero is left out. */
function split(seconds: number, large: Unit, small: Unit): string {
  const larger = Math.floor(seconds / UNIT_SECONDS[large])
  const smaller = Math.floor((seconds % UNIT_SECONDS[large]) / UNIT_SECONDS[small])
  const parts = [
    ...(larger > 0 ? [`${larger} ${large}`] : []),
    ...(smaller > 0 ? [`${smaller} ${small}`] : []),
  ]
  return parts.length === 0 ? `0 ${small}` : parts.join(' ')
}

/** Characters of an ISO instant up to its minutes or its seconds. */
const INSTANT_LENGTH = { minute: 16, second: 19 } as const

/** `2026-11-22 07:00:05 UTC`; to the minute where seconds say nothing. */
export function showInstant(
  at: UnixSeconds,
  precision: keyof typeof INSTANT_LENGTH = 'second',
): string {
  const iso = new Date(at * 1000).toISOString()
  return `${iso.slice(0, INSTANT_LENGTH[precision]).replace('T', ' ')} UTC`
}

/** `in 3 h 5 min`, `42 min ago` or `now`. */
export function showDistance(at: UnixSeconds, now: UnixSeconds): string {
  if (at === now) return 'now'
  return at > now ? `in ${showDuration(at - now)}` : `${showDuration(now - at)} ago`
}

/** `2026-11-22T07:00:05Z`, for logs and programs. */
export function isoInstant(at: UnixSeconds): string {
  return new Date(at * 1000).toISOString().replace('.000Z', 'Z')
}
