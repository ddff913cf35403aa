/** Kinds of settings: what is accepted, from a TOML value or from text in the environment. */
import { isAbsolute } from 'node:path'
import { isVoboxError } from '../errors.js'
import { parseDuration } from './duration.js'

export interface Setting<T> {
  default: T
  /** The value, or a `WrongValue` that says what it should be. */
  parse(value: unknown): T
  /** Name of the environment variable that overrides the file. */
  environment?: string
  /** What stands in a file for null; absent: null cannot be written, only left out. */
  nothing?: string
}

/** Says what a value should have been; the caller adds where it stands. */
export class WrongValue extends Error {}

/** Same setting, but an environment variable may give it. */
export function from<T>(environment: string, setting: Setting<T>): Setting<T> {
  return { ...setting, environment }
}

export function text(defaultValue: string): Setting<string> {
  return { default: defaultValue, parse: parseText }
}

export function optionalText(): Setting<string | null> {
  return { default: null, parse: parseText }
}

export function path(defaultValue: string): Setting<string> {
  return {
    default: defaultValue,
    parse(value) {
      const found = parseText(value)
      if (!isAbsolute(found)) throw new WrongValue('an absolute path')
      return found
    },
  }
}

export function optionalPath(): Setting<string | null> {
  return { default: null, parse: path('/').parse }
}

/** Where to listen: `socket`, `none`, or an address of loopback with its port. */
export function listenOn(defaultValue: 'socket' | 'none'): Setting<string> {
  return {
    default: defaultValue,
    parse(value) {
      const found = parseText(value)
      const [, port] = /^(?:127\.0\.0\.1|\[::1\]):([1-9][0-9]{0,4})$/.exec(found) ?? []
      const listens = port !== undefined && Number(port) <= 65_535
      if (listens || found === 'socket' || found === 'none') return found
      throw new WrongValue('socket, none, or a port of loopback such as 127.0.0.1:9780')
    },
  }
}

export function flag(defaultValue: boolean): Setting<boolean> {
  return {
    default: defaultValue,
    parse(value) {
      if (typeof value !== 'boolean') throw new WrongValue('true or false')
      return value
    },
  }
}

/** A whole number; from the environment also as decimal text. */
export function count(defaultValue: number, lowest: number, highest: number): Setting<number> {
  return {
    default: defaultValue,
    parse(value) {
      const number =
        typeof value === 'string' && /^[0-9]{1,15}$/.test(value) ? Number(value) : value
      if (
        typeof number !== 'number' ||
        !Number.isInteger(number) ||
        number < lowest ||
        number > highest
      ) {
        throw new WrongValue(`a whole number from ${lowest} to ${highest}`)
      }
      return number
    },
  }
}

/** Whole seconds: a number of them, or `90s`, `30m`, `48h`, `7d`. */
export function duration(
  defaultSeconds: number,
  lowestSeconds = 0,
  highestSeconds = Number.POSITIVE_INFINITY,
): Setting<number> {
  return {
    default: defaultSeconds,
    parse(value) {
      const seconds = parseSeconds(value, lowestSeconds)
      if (seconds <= highestSeconds) return seconds
      throw new WrongValue(`a duration of at most ${highestSeconds} seconds`)
    },
  }
}

/** The same, or `never`. */
export function durationOrNever(
  defaultSeconds: number | null,
  lowestSeconds = 0,
): Setting<number | null> {
  return {
    default: defaultSeconds,
    nothing: 'never',
    parse: (value) =>
      value === 'never' ? null : parseSeconds(value, lowestSeconds, ' or "never"'),
  }
}

export function oneOf<const T extends string>(defaultValue: T, ...others: T[]): Setting<T> {
  const choices = [defaultValue, ...others]
  return {
    default: defaultValue,
    parse(value) {
      const found = choices.find((choice) => choice === value)
      if (found === undefined) throw new WrongValue(`one of ${choices.join(', ')}`)
      return found
    },
  }
}

/** A list of texts, or one text with commas, where empty items count for nothing. */
export function list(): Setting<readonly string[]> {
  return {
    default: [],
    parse(value) {
      const items = typeof value === 'string' ? splitAtCommas(value) : value
      if (!Array.isArray(items)) throw new WrongValue('a list of texts')
      return items.map(parseText)
    },
  }
}

/** The same for absolute paths. */
export function paths(): Setting<readonly string[]> {
  const { parse } = list()
  return {
    default: [],
    parse(value) {
      const found = parse(value)
      if (!found.every((item) => isAbsolute(item))) throw new WrongValue('a list of absolute paths')
      return found
    },
  }
}

function splitAtCommas(value: string): string[] {
  return value.split(',').flatMap((item) => item.trim() || [])
}

function parseText(value: unknown): string {
  if (typeof value !== 'string' || value === '' || /[\u0000-\u001f\u007f]/.test(value)) {
    throw new WrongValue('a text on one line that is not empty')
  }
  return value
}

function parseSeconds(value: unknown, lowest: number, also = ''): number {
  const wrong = new WrongValue(
    `a duration of at least ${lowest} ${lowest === 1 ? 'second' : 'seconds'}: 90, "90s", "30m", "48h" or "7d"${also}`,
  )
  const written = typeof value === 'number' ? String(value) : value
  if (typeof written !== 'string') throw wrong
  try {
    const seconds = parseDuration(written)
    if (seconds < lowest) throw wrong
    return seconds
  } catch (error) {
    throw isVoboxError(error) ? wrong : error
  }
}
