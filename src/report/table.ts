/** Columns for people. The last one is not padded, so that what wraps is the end of a line. */

/** Text as wide as it is shown; names are ASCII, what is not is counted by code points. */
const widthOf = (text: string): number => [...text].length

/** Lines with a heading, columns two blanks apart, each line ending in a line feed. */
export function showTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = heading.map((name, column) =>
    Math.max(widthOf(name), ...rows.map((row) => widthOf(row[column] ?? ''))),
  )
  return [heading, ...rows].map((row) => `${showRow(row, widths)}\n`).join('')
}

function showRow(row: readonly string[], widths: readonly number[]): string {
  const padded = row.map((cell, column) =>
    column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)),
  )
  return padded.join('  ').trimEnd()
}
