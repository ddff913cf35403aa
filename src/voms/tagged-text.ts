/**
 * Taking values out of the XML that VOMS servers write.
 *
 * No XML parser: the servers escape nothing. A reason that an administrator typed stands between its
 * tags as it was typed, `<` and `&` included, and a parser would refuse the very answer that says
 * why. The answers have a fixed, flat form, so looking for a tag and its end is enough.
 */

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
}

/** What stands between each `<name>` and the next `</name>`, as written. */
export function contentsOf(text: string, name: string): string[] {
  const open = `<${name}>`
  const close = `</${name}>`
  const found: string[] = []
  let at = text.indexOf(open)
  while (at !== -1) {
    const from = at + open.length
    const to = text.indexOf(close, from)
    if (to === -1) break
    found.push(text.slice(from, to))
    at = text.indexOf(open, to + close.length)
  }
  return found
}

/** The first of {@link contentsOf}. */
export function contentOf(text: string, name: string): string | undefined {
  return contentsOf(text, name)[0]
}

/** Text for people: entities that a careful server wrote become characters, once. */
export function plainText(content: string): string {
  return content
    .replace(/&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi, (whole, ...groups) => {
      const [name, decimal, hex] = groups as (string | undefined)[]
      if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole
      const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole
    })
    .trim()
}

/** Bytes of base64 with line breaks anywhere; undefined: it is something else, or nothing. */
export function base64Content(content: string): Uint8Array | undefined {
  const text = content.replace(/\s+/g, '')
  if (text === '' || text.length % 4 !== 0) return undefined
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64')
}
