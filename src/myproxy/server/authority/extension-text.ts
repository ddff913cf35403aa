/**
 * A file of certificate extensions as OpenSSL writes them (`config(5)`, `x509v3_config(5)`):
 * `name = value` lines, sections that values point to, comments, quotes, lines that continue.
 *
 * What stands before the first section, or in one called `default`, are the extensions. Variables are
 * not replaced, and files not included: an issuing server does not depend on its environment.
 */
import { printable, VoboxError } from '../../../errors.js'

export interface ExtensionLine {
  /** From 1. */
  line: number
  name: string
  value: string
}

/** Sections by name; `default` is always there. */
export type ExtensionText = ReadonlyMap<string, readonly ExtensionLine[]>

export const DEFAULT_SECTION = 'default'

const MAX_CHARACTERS = 256 * 1024

/** A failure of one line. @param where the file or the program that it came from. */
export function extensionInvalid(where: string, line: number, problem: string): VoboxError {
  return new VoboxError('CONFIG_INVALID', `${printable(where)}:${line}: ${problem}`, {
    hint: 'man x509v3_config; the admin guide lists the extensions that are known',
    data: { path: where, line },
  })
}

/** @throws {@link extensionInvalid}. */
export function parseExtensionText(text: string, where: string): ExtensionText {
  if (text.length > MAX_CHARACTERS) throw extensionInvalid(where, 1, 'is too long')
  const sections = new Map<string, ExtensionLine[]>([[DEFAULT_SECTION, []]])
  let current = DEFAULT_SECTION
  for (const { line, content } of logicalLines(text)) {
    const section = /^\[\s*([^\]]+?)\s*\]$/.exec(content)
    if (section?.[1] !== undefined) {
      current = section[1]
      if (!sections.has(current)) sections.set(current, [])
      continue
    }
    const equals = content.indexOf('=')
    if (equals < 1) throw extensionInvalid(where, line, 'is neither NAME = VALUE nor [SECTION]')
    const name = content.slice(0, equals).trim()
    const value = unquoted(content.slice(equals + 1).trim())
    if (value === undefined)
      throw extensionInvalid(where, line, `${name} has an open quotation mark`)
    if (name.startsWith('.') || /[$]/.test(content)) {
      throw extensionInvalid(where, line, `${name}: variables and includes are not known here`)
    }
    sections.get(current)?.push({ line, name, value })
  }
  return sections
}

/** Without comments and blank lines; a backslash at the end of a line joins it with the next. */
function* logicalLines(text: string): Iterable<{ line: number; content: string }> {
  let joined = ''
  let begin = 0
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const bare = withoutComment(raw)
    if (joined === '') begin = index + 1
    if (bare.endsWith('\\')) {
      joined += bare.slice(0, -1)
      continue
    }
    const content = (joined + bare).trim()
    joined = ''
    if (content !== '') yield { line: begin, content }
  }
  if (joined.trim() !== '') yield { line: begin, content: joined.trim() }
}

/** Each piece of a line that is read as one: quoted, escaped, or a single character. */
const PIECES = /"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[\s\S]/g

function withoutComment(line: string): string {
  let kept = ''
  for (const [piece] of line.matchAll(PIECES)) {
    if (piece === '#') break
    kept += piece
  }
  return kept.trimEnd()
}

/** @returns undefined when a quotation mark is not closed. */
function unquoted(value: string): string | undefined {
  let plain = ''
  for (const [piece] of value.matchAll(PIECES)) {
    const first = piece[0]
    if (piece === '"' || piece === "'") return undefined
    if (first === "'") plain += piece.slice(1, -1)
    else if (first === '"') plain += piece.slice(1, -1).replace(/\\(.)/g, '$1')
    else plain += first === '\\' ? piece.slice(1) : piece
  }
  return plain
}

/** `critical,a,b:c` as OpenSSL divides it: at commas, then at the first colon, blanks away. */
export function splitValue(value: string): { name: string; argument: string | undefined }[] {
  return value.split(',').map((item) => {
    const colon = item.indexOf(':')
    if (colon === -1) return { name: item.trim(), argument: undefined }
    return { name: item.slice(0, colon).trim(), argument: item.slice(colon + 1).trim() }
  })
}
