/** What a benchmark says: rows with a figure, the figure of what it is compared with, and the limit. */

export interface Row {
  what: string
  /** Our figure with its unit, for people. */
  ours: string
  /** The peer's, from the same run. */
  peer: string
  /** Ours over theirs in the sense that the limit names. */
  ratio?: number
  limit?: { atMost: number } | { atLeast: number }
}

export interface Section {
  title: string
  /** One sentence: what was measured and how. */
  how: string
  rows: Row[]
}

/** Whether a row keeps its limit; a row without one always does. */
export function keepsLimit(row: Row): boolean {
  if (row.limit === undefined || row.ratio === undefined) return true
  return 'atMost' in row.limit ? row.ratio <= row.limit.atMost : row.ratio >= row.limit.atLeast
}

function showLimit(row: Row): string {
  if (row.limit === undefined) return ''
  const sign = 'atMost' in row.limit ? `≤ ${row.limit.atMost}` : `≥ ${row.limit.atLeast}`
  return `${sign} ${keepsLimit(row) ? '✓' : '✗'}`
}

/** One section as a Markdown table. */
export function showSection(section: Section): string {
  const rows = section.rows.map(
    (row) =>
      `| ${row.what} | ${row.ours} | ${row.peer} | ${row.ratio?.toFixed(2) ?? ''} | ${showLimit(row)} |`,
  )
  return [
    `## ${section.title}`,
    '',
    section.how,
    '',
    '| | ours | compared with | ratio | limit |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}
