/** `name      : value`, as the proxy tools have always written it. */

import { printable } from '../errors.js'

export type Lines = readonly (readonly [name: string, value: string])[]

/** Their longest name, "key usage". */
const NAME_WIDTH = 9

export function showLines(lines: Lines): string[] {
  return lines.map(([name, value]) => `${name.padEnd(NAME_WIDTH)} : ${value}`)
}

/** What cures something, a line for each of its own. */
export function cureLines(hint: string | null): Lines {
  if (hint === null) return []
  return hint.split('\n').map((line, index) => [index === 0 ? 'cure' : '', printable(line)])
}

/** Seconds left as hours, minutes and seconds: `47:59:59`. */
export function showClock(seconds: number): string {
  const two = (count: number) => String(count).padStart(2, '0')
  const minutes = Math.floor(seconds / 60)
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`
}
