/** Instants and durations as people read them in a mail: UTC, and how far away. */
import type { UnixSeconds } from '../ports/clock.js'

/** `2026-11-22 07:00 UTC`, to the minute. */
export function utcText(at: UnixSeconds): string {
  return `${new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** `9 d 3 h`, `3 h 5 min`, `42 min`, `17 s`: the two largest units, rounded down. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const days = Math.floor(whole / 86_400)
  const hours = Math.floor((whole % 86_400) / 3600)
  const minutes = Math.floor((whole % 3600) / 60)
  if (days > 0) return hours > 0 ? `${days} d ${hours} h` : `${days} d`
  if (hours > 0) return minutes > 0 ? `${hours} h ${minutes} min` : `${hours} h`
  return minutes > 0 ? `${minutes} min` : `${whole} s`
}

/** `2026-11-22 07:00 UTC (in 3 h 5 min)` or `(42 min ago)`. */
export function whenText(at: UnixSeconds, now: UnixSeconds): string {
  if (at === now) return `${utcText(at)} (now)`
  const away = at > now ? `in ${durationText(at - now)}` : `${durationText(now - at)} ago`
  return `${utcText(at)} (${away})`
}

/** `48 h`, as lifetimes are asked for with `-t`; minutes where it is no whole number of hours. */
export function hoursText(seconds: number): string {
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : durationText(seconds)
}
