/**
 * Where a key stands in a TOML text, so that a mistake can be shown by its line. The parser keeps
 * no positions; this finds keys as people write them (`[table]` headers, `key =`, `table.key =`)
 * and gives up on anything rarer, which costs a line number and nothing else.
 */

const HEADER = /^\s*\[\s*([^[\]]+?)\s*\]\s*(?:#.*)?$/
const KEY =
  /^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=/

/** The line, from 1, on which `path` is set; else that of the nearest table around it, if any. */
export function lineOfKey(toml: string, path: readonly string[]): number | undefined {
  const lines = linesByKey(toml)
  for (let length = path.length; length > 0; length--) {
    const line = lines.get(path.slice(0, length).join('.'))
    if (line !== undefined) return line
  }
  return undefined
}

function linesByKey(toml: string): Map<string, number> {
  const lines = new Map<string, number>()
  let table = ''
  for (const [index, line] of toml.split('\n').entries()) {
    const header = HEADER.exec(line)?.[1]
    if (header !== undefined) table = plain(header)
    const key = KEY.exec(line)?.[1]
    const name = key === undefined ? header && table : join(table, plain(key))
    if (name !== undefined && !lines.has(name)) lines.set(name, index + 1)
  }
  return lines
}

function plain(dotted: string): string {
  return dotted
    .split('.')
    .map((part) => part.trim().replace(/^["']|["']$/g, ''))
    .join('.')
}

function join(table: string, key: string): string {
  return table === '' ? key : `${table}.${key}`
}
