/**
 * Readable times. An instant counts from the epoch, so the same word serves as an instant ("at 32
 * hours") and as a duration in seconds ("for 32 hours").
 */
import { asUnixSeconds, type UnixSeconds } from '../../src/ports/clock.js'

export const MINUTE = 60
export const HOUR = 3600
export const DAY = 86_400

export const seconds = (count: number): UnixSeconds => asUnixSeconds(count)
export const minutes = (count: number): UnixSeconds => asUnixSeconds(Math.round(count * MINUTE))
export const hours = (count: number): UnixSeconds => asUnixSeconds(Math.round(count * HOUR))
export const days = (count: number): UnixSeconds => asUnixSeconds(Math.round(count * DAY))

/** `instant` moved by `count` seconds, which may be negative. */
export const later = (instant: UnixSeconds, count: number): UnixSeconds =>
  asUnixSeconds(instant + count)
