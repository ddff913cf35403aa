/** Durations as people write and read them; in the program they are whole seconds. */
import { printable, VoboxError } from '../errors.js'

export { showDuration } from '../ports/time-text.js'

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
 * Seconds of `24:00`, as proxy tools write hours and minutes, or of what {@link parseDuration} takes;
 * a bare number is hours.
 *
 * @throws VoboxError `USAGE`, `data.text`.
 */
export function parseHoursAndMinutes(text: string): number {
  const [, hours, minutes] = /^([0-9]{1,6}):([0-5]?[0-9])$/.exec(text) ?? []
  if (hours === undefined) return parseDuration(text, 'h')
  return parseDuration(hours, 'h') + parseDuration(minutes ?? '0', 'm')
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

function notADuration(text: string): VoboxError {
  return new VoboxError('USAGE', `'${printable(text, 100)}' is not a duration`, {
    hint: 'Write a number and a unit, such as 90s, 30m, 48h or 7d',
    data: { text },
  })
}
