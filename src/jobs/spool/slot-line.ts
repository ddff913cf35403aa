/**
 * The text files of a `glite-proxy-renewd` spool. Pure.
 *
 * The C daemon finds values by searching for `server=` and the like anywhere in a line, so that a
 * comma in one value makes another. Here a line is what the C daemon writes, or it is damaged.
 */

/** One line of a `.data` file: a proxy that jobs share. */
export interface SpoolSlot {
  /** The proxy is `<hash>.<suffix>`, its jobs `<hash>.<suffix>.jobs`. */
  suffix: number
  /** `host` or `host:port`. */
  server: string
  /** Without an end it is empty: its jobs have ended, and another may take it. */
  isEmpty: boolean
  /** As versions before `.jobs` wrote them; they count where there is no such file. */
  jobIds: readonly string[]
}

const NUMBER = /^(0|[1-9]\d{0,14})$/
const FLAG = /^[01]$/

/** Keys in the order in which they are written, each with what its value must be. */
const FIELDS: readonly (readonly [key: string, value: RegExp])[] = [
  ['suffix', NUMBER],
  ['unique', FLAG],
  ['voms_exts', FLAG],
  ['server', /^[^\s=,]*$/],
  ['next_renewal', NUMBER],
  ['end_time', NUMBER],
]

/** Undefined for what the C daemon does not write. */
export function parseSlotLine(line: string): SpoolSlot | undefined {
  const parts = line.split(', ').map(keyAndValue)
  const values = FIELDS.map(([key, allowed], at) => {
    const [found, value = ''] = parts[at] ?? []
    return found === key && allowed.test(value) ? value : undefined
  })
  const [suffix, , , server, , end] = values
  if (values.includes(undefined) || server === undefined) return undefined
  if (server === '' && end !== '0') return undefined
  const more = parts.slice(FIELDS.length)
  if (more.some(([key, value]) => !['fqans', 'jobid'].includes(key) || value === '')) {
    return undefined
  }
  if (more.filter(([key]) => key === 'fqans').length > 1) return undefined
  const jobIds = more.flatMap(([key, value]) => (key === 'jobid' ? [value] : []))
  return { suffix: Number(suffix), server, isEmpty: end === '0', jobIds }
}

function keyAndValue(part: string): [key: string, value: string] {
  const equals = part.indexOf('=')
  return equals < 0 ? ['', part] : [part.slice(0, equals), part.slice(equals + 1)]
}
