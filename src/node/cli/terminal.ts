/** What can be shown where a text goes to: marks beyond ASCII, colours, a line that is overwritten. */
import type { Look } from '../../report/check-text.js'

type Environment = Readonly<Record<string, string | undefined>>

/** The first of these that is set and not empty decides, as in locale(7). */
const LOCALE = ['LC_ALL', 'LC_CTYPE', 'LANG'] as const

/**
 * @param isTerminal whether the text goes to one; a file or a mail gets no colours.
 * @param environment locale, and `NO_COLOR` (no-color.org).
 */
export function lookOf(isTerminal: boolean, environment: Environment): Look {
  const locale = LOCALE.map((name) => environment[name] ?? '').find((value) => value !== '') ?? ''
  const colour = isTerminal && !environment.NO_COLOR && environment.TERM !== 'dumb'
  return { utf8: /utf-?8/i.test(locale), colour }
}

const PATIENCE_MS = 1000

/**
 * Says how far a command has come, on a terminal, when it takes more than a second; the line is gone
 * when it has ended.
 */
export function progressOn(stream: NodeJS.WriteStream, what: string) {
  const since = performance.now()
  let shown = false
  return {
    step(done: number, all: number): void {
      if (!stream.isTTY || performance.now() - since < PATIENCE_MS) return
      stream.write(`\r\x1b[K${what}: ${done} of ${all}`)
      shown = true
    },
    end(): void {
      if (shown) stream.write('\r\x1b[K')
      shown = false
    },
  }
}
