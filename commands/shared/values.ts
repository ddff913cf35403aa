/** From the words of a command line to the values that the library takes. */
import { loadLibrary } from './vobox-command.js'

/**
 * Seconds of a duration option; absent: absent.
 *
 * @param bareUnit unit of a bare number: `-t 48` is hours, `--proxy-safe 3600` is seconds; with `h:m`,
 *   hours and minutes may be written as `24:00` too.
 * @param least smallest value that makes sense, in seconds; default 0.
 */
export async function secondsOf(
  option: string,
  text: string | undefined,
  bareUnit: 's' | 'h' | 'h:m',
  least = 0,
): Promise<number | undefined> {
  if (text === undefined) return undefined
  const { parseDuration, parseHoursAndMinutes, VoboxError, isVoboxError } = await loadLibrary()
  try {
    const seconds = bareUnit === 'h:m' ? parseHoursAndMinutes(text) : parseDuration(text, bareUnit)
    if (seconds >= least) return seconds
    throw new VoboxError('USAGE', `${text} is too short`, { data: { text, least } })
  } catch (error) {
    if (!isVoboxError(error)) throw error
    const { code, message, hint, data } = error
    throw new VoboxError(code, `--${option}: ${message}`, { hint, data: { ...data, option } })
  }
}

/** A whole number of at most nine digits; absent: absent. */
export async function wholeNumberOf(
  option: string,
  text: string | undefined,
): Promise<number | undefined> {
  if (text === undefined || /^\d{1,9}$/.test(text)) return text === undefined ? text : Number(text)
  const { printable, VoboxError } = await loadLibrary()
  const message = `--${option}: '${printable(text, 100)}' is not a whole number`
  throw new VoboxError('USAGE', message, { data: { option, text } })
}

/** The members that are not undefined: absent settings must be absent, not undefined. */
export function present<T extends object>(
  fields: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

/** An empty value takes a setting back. */
export function orNull(text: string | undefined): string | null | undefined {
  return text === '' ? null : text
}
