/**
 * The lines of `myproxy-server.config`, cut into words as the C server cuts them: blanks and tabs
 * between words, `#` at the begin of a word for a comment, `"` at the begin of a word for one that
 * holds blanks. Nothing else has a meaning: a backslash keeps a quotation mark from ending its word
 * and stays in it, apostrophes are letters, no line continues on the next.
 *
 * What the C server would read, and not as it was meant, is a failure here: a word without its
 * closing mark (it runs to the end of the line there), a line over 1023 bytes (the rest is a line of
 * its own there), line ends of DOS (which become part of the last word there), NUL.
 */
import { VoboxError } from '../../../errors.js'

export interface ConfigLine {
  /** From 1. */
  line: number
  directive: string
  words: readonly string[]
}

/** Its buffer, without the final NUL. */
const MAX_LINE_BYTES = 1023

/** One failure of the whole room: which file and line, what is wrong, what to do. */
export function configInvalid(
  path: string,
  { line, directive }: { line: number; directive?: string },
  problem: string,
  hint: string,
): VoboxError {
  const about = directive === undefined ? problem : `${directive} ${problem}`
  return new VoboxError('CONFIG_INVALID', `${path}:${line}: ${about}`, {
    hint,
    data: { path, line, ...(directive !== undefined && { directive }) },
  })
}

/** @throws `CONFIG_INVALID` with `data.path` and `data.line`. */
export function readConfigLines(bytes: Uint8Array, path: string): ConfigLine[] {
  const found: ConfigLine[] = []
  let line = 0
  for (const raw of splitLines(bytes)) {
    line += 1
    const fail = (problem: string, hint: string) => configInvalid(path, { line }, problem, hint)
    if (raw.length > MAX_LINE_BYTES) {
      throw fail(
        `a line of ${raw.length} bytes, of which the C server reads ${MAX_LINE_BYTES}`,
        'Divide it: directives that take lists can be repeated',
      )
    }
    const text = decode(raw)
    if (text === undefined) throw fail('is not text in UTF-8', 'Write the file anew, as text')
    if (text.includes('\r')) throw fail('ends as lines of DOS do', `Run dos2unix ${path}`)
    const words = splitWords(text)
    if (words === undefined) {
      throw fail('a quotation mark is not closed', 'Close it, or leave both away')
    }
    const [directive, ...rest] = words
    if (directive !== undefined) found.push({ line, directive, words: rest })
  }
  return found
}

function* splitLines(bytes: Uint8Array): Iterable<Uint8Array> {
  let from = 0
  while (from < bytes.length) {
    const at = bytes.indexOf(0x0a, from)
    const to = at === -1 ? bytes.length : at
    yield bytes.subarray(from, to)
    from = to + 1
  }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}

const isBlank = (character: string | undefined) => character === ' ' || character === '\t'

/** @returns undefined when a quotation mark is not closed. */
function splitWords(text: string): string[] | undefined {
  const words: string[] = []
  let at = 0
  for (;;) {
    while (isBlank(text[at])) at += 1
    const first = text[at]
    if (first === undefined || first === '#') return words
    const begin = first === '"' ? at + 1 : at
    let end = begin
    if (first === '"') {
      end = closingMark(text, begin)
      if (end === -1) return undefined
    } else {
      while (end < text.length && !isBlank(text[end])) end += 1
    }
    words.push(text.slice(begin, end))
    at = end + 1
  }
}

/** The next word may follow the mark at once. */
function closingMark(text: string, from: number): number {
  let at = text.indexOf('"', from)
  while (at !== -1 && text[at - 1] === '\\') at = text.indexOf('"', at + 1)
  return at
}
