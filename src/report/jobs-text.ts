/** Jobs and the proxies that they share, for people, for scripts and as JSON. */
import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDuration, showInstant } from '../ports/time-text.js'
import type { ProxyKind } from '../proxy/proxy-cert-info.js'
import { encodeDocument } from './query-json.js'
import { showTable } from './table.js'

/** What was asked of the service about a job, and what it answered. */
export interface JobDone {
  jobId: string
  /** Of the proxy that the job reads, or read. */
  proxyFile: string
  /** When the proxy ends; null: the answer does not say. */
  end: UnixSeconds | null
  /** When it is renewed next. */
  renewalAt: UnixSeconds | null
}

export interface SharedJobProxy {
  identity: string
  /** `host:port` of the MyProxy server. */
  server: string
  /** `VO` or `VO:FQAN`, the primary one first. */
  voms: readonly string[]
  kind: ProxyKind
  limited: boolean
  registeredAt: UnixSeconds
  file: string
  /** Null: the file is missing or unusable. */
  end: UnixSeconds | null
  /** Each with how often it is registered, and is to be unregistered. */
  jobs: readonly { jobId: string; count: number }[]
}

export function encodeJobRegistered(vo: string, done: JobDone): string {
  const { jobId, proxyFile, end, renewalAt } = done
  return encodeDocument({ vo, jobId, proxyFile, end, renewalAt })
}

export function encodeJobPath(vo: string, { jobId, proxyFile }: JobDone): string {
  return encodeDocument({ vo, jobId, proxyFile })
}

/** Without times nobody shares the proxy any more. */
export function encodeJobUnregistered(vo: string, done: JobDone): string {
  const { jobId, proxyFile, end } = done
  return encodeDocument({ vo, jobId, proxyFile, proxyRemoved: end === null })
}

export function showJobUnregistered({ jobId, proxyFile, end }: JobDone): string {
  const what = end === null ? 'removed with its last job' : `shared until ${showInstant(end)}`
  return `successfully unregistered ${printable(jobId)}\n  proxy    ${proxyFile}, ${what}\n`
}

const HEADING = ['JOBS', 'PROXY', 'SERVER', 'KIND', 'ATTRIBUTES', 'IDENTITY', 'FILE']

/** One row a proxy. */
export function showJobProxies(rows: readonly SharedJobProxy[], now: UnixSeconds): string {
  const cells = rows.map((row) => [
    String(row.jobs.length),
    leftText(row.end, now),
    printable(row.server),
    row.limited ? `${row.kind}, limited` : row.kind,
    row.voms.map((one) => printable(one)).join(',') || '-',
    printable(row.identity),
    row.file,
  ])
  return showTable(HEADING, cells)
}

function leftText(end: UnixSeconds | null, now: UnixSeconds): string {
  if (end === null) return 'unusable'
  return end > now ? showDuration(end - now) : 'expired'
}

/** One line a registration of a job, path first: no path of ours has a tab. */
export function showJobLines(rows: readonly SharedJobProxy[]): string {
  const lines = rows.flatMap(({ file, jobs }) =>
    jobs.flatMap(({ jobId, count }) =>
      Array<string>(count).fill(`${file}\t${printable(jobId, jobId.length)}\n`),
    ),
  )
  return lines.join('')
}

export function encodeJobs(vo: string, rows: readonly SharedJobProxy[]): string {
  return encodeDocument({ vo, proxies: rows })
}
