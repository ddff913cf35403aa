/** Durations as people write and read them; in the program they are whole seconds. */
import { printable, VoboxError } from '../errors.js'

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

export type DurationUnit = keyof typeof UNIT_SECONDS

/** A hundred years: more is a slip, and still far from what a number can count. */
const LONGEST_SECONDS = 100 * 365 * UNIT_SECONDS.d

/**
 * Seconds of `90s`, `30m`, `48h` or `7d`.
 *
 * @param bareUnit unit of a number without one (`-t 48` is hours); default seconds.
 * @throws VoboxError `USAGE` for anything else, with `data.text`.
 */
export function parseDuration(text: string, bareUnit: DurationUnit = 's'): number {
  const [, digits, unit] = /^([0-9]{1,10})([smhd]?)$/.exec(text) ?? []
  if (digits === undefined) throw notADuration(text)
  const seconds = Number(digits) * UNIT_SECONDS[(unit || bareUnit) as DurationUnit]
  if (seconds > LONGEST_SECONDS) throw notADuration(text)
  return seconds
}

/**
 * The shortest text that {@link parseDuration} reads back as exactly `seconds`: `48h`, not
 * `172800s`.
 */
export function encodeDuration(seconds: number): string {
  const units = ['d', 'h', 'm'] as const
  const unit = seconds === 0 ? 's' : (units.find((u) => seconds % UNIT_SECONDS[u] === 0) ?? 's')
  return `${seconds / UNIT_SECONDS[unit]}${unit}`
}

/**
 * The two largest units for people, rounded down: `47 h 59 min`, `9 d 23 h`, `59 s`. Hours go up to
 * 72, since proxies are counted in hours. Nothing left, or less, is `0 s`.
 */
export function showDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const parts =
    whole >= 3 * UNIT_SECONDS.d
      ? split(whole, ['d', UNIT_SECONDS.d], ['h', UNIT_SECONDS.h])
      : whole >= UNIT_SECONDS.h
        ? split(whole, ['h', UNIT_SECONDS.h], ['min', UNIT_SECONDS.m])
        : split(whole, ['min', UNIT_SECONDS.m], ['s', 1])
  return parts.length === 0 ? '0 s' : parts.join(' ')
}

/** How much of the large unit and then of the small one; a part of zero is left out. */
function split(
  seconds: number,
  [largeName, large]: readonly [string, number],
  [smallName, small]: readonly [string, number],
): string[] {
  const [larger, smaller] = [Math.floor(seconds / large), Math.floor((seconds % large) / small)]
  return [
    ...(larger > 0 ? [`${larger} ${largeName}`] : []),
    ...(smaller > 0 ? [`${smaller} ${smallName}`] : []),
  ]
}

function notADuration(text: string): VoboxError {
  return new VoboxError('USAGE', `'${printable(text, 100)}' is not a duration`, {
    hint: 'Write a number and a unit, such as 90s, 30m, 48h or 7d',
    data: { text },
  })
}
