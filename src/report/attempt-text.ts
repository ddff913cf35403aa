/** What `-v` says of each address of a server. */
import { printable } from '../errors.js'
import type { Attempt } from '../gsi/attempts.js'

/** One line: `failed after 12 ms: px.example.org:7512 (192.0.2.1) refuses connections`. */
export function showAttempt({ outcome, sentence, milliseconds }: Attempt): string {
  const when = outcome === 'left-out' ? '' : ` after ${milliseconds} ms`
  return `${outcome.replace('-', ' ')}${when}: ${printable(sentence)}`
}
