/**
 * The part of Markdown that `docs/configuration.md` is written in, as roff: paragraphs, a table of
 * three columns, and blocks of code. Anything else is refused, so that nothing is shown wrongly.
 */
import { bold, definition, literal, paragraph, prose } from './roff.js'

/** The text below the title. @throws TypeError for what it cannot show. */
export function markdownToRoff(markdown: string): string {
  const shown: string[] = []
  for (const block of blocksOf(markdown)) {
    const [first = ''] = block
    if (/^# /.test(first)) continue
    if (/^```/.test(first)) shown.push(literal(block.slice(1, -1)))
    else if (first.startsWith('|')) shown.push(...tableRows(block))
    else if (/^([#>*+-]+|\d+\.) /.test(first)) throw new TypeError(`not a paragraph: ${first}`)
    else shown.push(paragraph(block.join(' ')))
  }
  return shown.join('\n')
}

/** Runs of lines between empty ones; a block of code is one run. */
function blocksOf(markdown: string): string[][] {
  const blocks: string[][] = []
  let open: string[] | undefined
  let inCode = false
  for (const line of markdown.split('\n')) {
    if (line === '' && !inCode) {
      open = undefined
      continue
    }
    if (open === undefined) {
      open = []
      blocks.push(open)
    }
    open.push(line)
    if (line.startsWith('```')) inCode = !inCode
  }
  if (inCode) throw new TypeError('a block of code is not closed')
  return blocks
}

/** Key, default and meaning of each row below the two that make the heading. */
function tableRows(lines: readonly string[]): string[] {
  return lines.slice(2).map((line) => {
    const cells = line.split('|').slice(1, -1)
    const [key, value, meaning] = cells.map((cell) => cell.trim())
    if (!key || !value || !meaning || cells.length !== 3) {
      throw new TypeError(`not a row of three cells: ${line}`)
    }
    const term = `${bold(key.replaceAll('`', ''))} (${prose(value)})`
    return definition(term, prose(meaning))
  })
}
