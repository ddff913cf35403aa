/**
 * Lines of `jobs.journal`: what happened to jobs, each line with its own checksum, so that a line that
 * was cut off or damaged is known for what it is.
 *
 * `c0ffee42 {"op":"register","job":"https://…","file":"job-…","proxy":{…}}`
 */
import { crc32 } from 'node:zlib'
import * as v from 'valibot'
import { asUnixSeconds } from '../ports/clock.js'
import type { JobProxy } from './job-proxy.js'

export type JobRecord =
  /** A job began to share `file`; `proxy` stands with the first two. `count`: as often, default once. */
  | { op: 'register'; job: string; file: string; proxy?: JobProxy; count?: number }
  /**
   * Took back one of its registrations, the oldest unless `newest`. The last one of all takes the proxy
   * with it.
   */
  | { op: 'unregister'; job: string; file: string; newest?: true }
  /** The proxy is gone, whoever shared it. */
  | { op: 'drop'; file: string }

const text = v.pipe(v.string(), v.minLength(1))
const file = v.pipe(v.string(), v.regex(/^job-[0-9a-f]{32}$/))

const proxySchema = v.object({
  fileName: file,
  identity: text,
  identityDer: v.pipe(v.string(), v.minLength(4), v.base64()),
  server: text,
  voms: v.array(text),
  kind: v.picklist(['rfc3820', 'draft', 'legacy']),
  limited: v.boolean(),
  registeredAt: v.pipe(v.number(), v.integer(), v.minValue(0), v.transform(asUnixSeconds)),
})

const recordSchema = v.variant('op', [
  v.object({
    op: v.literal('register'),
    job: text,
    file,
    proxy: v.exactOptional(proxySchema),
    count: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  }),
  v.object({
    op: v.literal('unregister'),
    job: text,
    file,
    newest: v.exactOptional(v.literal(true)),
  }),
  v.object({ op: v.literal('drop'), file }),
])

export function encodeRecord(record: JobRecord): string {
  const json = JSON.stringify(record)
  return `${checksum(json)} ${json}\n`
}

/** Undefined for a line that is not whole. */
export function parseRecord(line: string): JobRecord | undefined {
  const json = line.slice(9)
  if (line[8] !== ' ' || line.slice(0, 8) !== checksum(json)) return undefined
  try {
    const checked = v.safeParse(recordSchema, JSON.parse(json))
    return checked.success ? checked.output : undefined
  } catch {
    return undefined
  }
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0')
}
