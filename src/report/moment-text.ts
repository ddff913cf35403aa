/** Instants and durations as people read them on a terminal. */
import type { UnixSeconds } from '../ports/clock.js'

/** The two largest units, rounded down: `9 d 3 h`, `47 h 5 min`, `17 s`; hours count up to 72. */
export function showSeconds(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 72) return join(`${hours} h`, minutes % 60, 'min')
  return join(`${Math.floor(hours / 24)} d`, hours % 24, 'h')
}

function join(large: string, small: number, unit: string): string {
  return small === 0 ? large : `${large} ${small} ${unit}`
}

/** `2026-11-22 07:00:05 UTC`. */
export function showInstant(at: UnixSeconds): string {
  return `${new Date(at * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** `in 3 h 5 min`, `42 min ago` or `now`. */
export function showDistance(at: UnixSeconds, now: UnixSeconds): string {
  if (at === now) return 'now'
  return at > now ? `in ${showSeconds(at - now)}` : `${showSeconds(now - at)} ago`
}
