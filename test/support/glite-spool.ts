/** A spool as `glite-proxy-renewd` leaves it, written by hand. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'

export interface SpoolEntry {
  /** Default: the first. */
  hash?: string
  suffix?: number
  /** Default `px.example.org:7512`. */
  server?: string
  proxy?: Credential | undefined
  /** Absent: no `.jobs` file. */
  jobs?: readonly string[]
  /** Behind `end_time`: `, fqans=…`. */
  more?: string
  /** Default: some time. */
  end?: number
}

export const SPOOL_HASH = '0123456789abcdef0123456789abcdef'

/** @returns paths of the proxies, in the order of `entries`. */
export function writeSpool(directory: string, entries: readonly SpoolEntry[]): string[] {
  mkdirSync(directory, { mode: 0o700, recursive: true })
  const lines = new Map<string, string[]>()
  const paths = entries.map((entry, at) => {
    const { hash = SPOOL_HASH, suffix = at, server = 'px.example.org:7512', more = '' } = entry
    const { end = 1_900_000_000, proxy, jobs } = entry
    const path = join(directory, `${hash}.${suffix}`)
    if (proxy !== undefined) put(path, encodeCredential(proxy))
    if (jobs !== undefined) put(`${path}.jobs`, jobs.map((job) => `${job}\n`).join(''))
    const next = end === 0 ? 0 : end - 9000
    const line =
      `suffix=${suffix}, unique=0, voms_exts=0, server=${server}, ` +
      `next_renewal=${next}, end_time=${end}${more}`
    lines.set(hash, [...(lines.get(hash) ?? []), line])
    return path
  })
  for (const [hash, of] of lines) put(join(directory, `${hash}.data`), `${of.join('\n')}\n`)
  return paths
}

function put(path: string, content: string | Uint8Array): void {
  writeFileSync(path, content, { mode: 0o600 })
  chmodSync(path, 0o600)
}
