/**
 * Text as the macros of man(7) take it. groff and mandoc both read what is made here: nothing but
 * ASCII, and no line that could be taken for a request.
 */

/** Characters that roff would read or show as something else (groff_char(7)). */
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
}

/** Widest line of a source file; roff fills paragraphs itself. */
const WIDTH = 78

/** Text to be shown as it is; a line that may begin with a full stop needs {@link guarded}. */
export function roff(text: string): string {
  return text.replace(/[\\\-'`^~]|[^\x20-\x7e]/gu, (found) => ESCAPES[found] ?? named(found))
}

/** A line that is no request: what is put before it shows as nothing. */
const guarded = (line: string) => (line === '' || line.startsWith('.') ? `\\&${line}` : line)

function named(character: string): string {
  const hex = character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')
  return `\\[u${hex}]`
}

export const bold = (text: string) => `\\fB${roff(text)}\\fR`

export const italic = (text: string) => `\\fI${roff(text)}\\fR`

/** Prose in which `…` marks what is typed or printed as it stands, and [text](link) a link. */
export function prose(markdown: string): string {
  const spans = markdown.replace(/\[([^\]]+)\]\([^)]+\)/g, '$1').split('`')
  if (spans.length % 2 === 0) throw new TypeError(`a backtick is not closed: ${markdown}`)
  const shown = spans.map((span, index) => (index % 2 === 0 ? roff(span) : bold(span)))
  return fill(shown.join(''))
}

/** Words on lines of at most {@link WIDTH} characters, none of which is a request. */
export function fill(text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').filter((part) => part !== '')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? guarded(word) : `${line} ${word}`
  }
  return [...lines, line].join('\n')
}

/** The first paragraph of a section needs no request of its own. */
export const section = (title: string, ...parts: readonly string[]) =>
  [`.SH ${title}`, withoutFirstBreak(parts.join('\n'))].join('\n')

export const withoutFirstBreak = (text: string) => text.replace(/^\.PP\n/, '')

export const paragraph = (markdown: string) => `.PP\n${prose(markdown)}`

/** A term and, indented below it, what it means; both are roff already. */
export const definition = (term: string, meaning: string) => `.TP\n${term}\n${meaning}`

/** Lines that are shown as they are. */
export function literal(lines: readonly string[]): string {
  const shown = lines.map((line) => guarded(roff(line)))
  return ['.PP', '.RS 4', '.EX', ...shown, '.EE', '.RE'].join('\n')
}

/** What the foot of every page says. */
export interface Edition {
  version: string
  /** Of the build, `2026-01-31`. */
  date: string
}

/** A page of section 1, with its line feed. */
export function page(
  title: string,
  { version, date }: Edition,
  ...sections: readonly string[]
): string {
  const heading = `.TH ${roff(title.toUpperCase())} 1 ${date} "vobox\\-proxy ${roff(version)}"`
  return `${[heading, ...sections].join('\n')}\n`
}
