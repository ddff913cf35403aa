/** What `job import` did with the spool of a `glite-proxy-renewd`, for people and as JSON. */
import { printable, type VoboxError } from '../errors.js'
import { encodeDocument } from './query-json.js'

export interface RefusedJob {
  jobId: string
  error: VoboxError
}

export interface ImportedProxy {
  /** In the spool. */
  path: string
  /** As the spool has it. */
  server: string
  /** `possible`: with `--dry-run`, what would be `imported`; `before`: by an earlier run. */
  outcome: 'imported' | 'possible' | 'before' | 'refused'
  /** What `path` is a link to now; null: it is as it was. */
  proxyFile: string | null
  /** Registrations of jobs that were made, or would be. */
  jobs: number
  refused: readonly RefusedJob[]
}

export interface Imported {
  /** The spool. */
  directory: string
  dryRun: boolean
  proxies: readonly ImportedProxy[]
  /** What could not be read. */
  problems: readonly { path: string; reason: string }[]
  /** Files with keys that no job reads. */
  strays: readonly string[]
}

export function importHasFailed({ proxies, problems }: Imported): boolean {
  return problems.length > 0 || proxies.some(({ refused }) => refused.length > 0)
}

/** One line a proxy, and what needs somebody below it. */
export function showImported(done: Imported): string {
  const { directory, proxies, problems, strays } = done
  const lines = proxies.flatMap((proxy) => [headOf(proxy), ...refusalsOf(proxy)])
  for (const { path, reason } of problems) lines.push(`not readable: ${path}: ${printable(reason)}`)
  if (strays.length > 0) {
    lines.push(`${files(strays.length)} no job reads, left as they are; --json names them`)
  }
  if (lines.length === 0) lines.push(`no job is left in ${printable(directory)}`)
  return `${lines.join('\n')}\n`
}

const files = (count: number) => (count === 1 ? '1 file that' : `${count} files that`)
const jobs = (count: number) => (count === 1 ? '1 job' : `${count} jobs`)

function headOf({ path, outcome, proxyFile, jobs: count, server }: ImportedProxy): string {
  switch (outcome) {
    case 'imported':
      return `imported ${jobs(count)} of ${path}, now a link to ${proxyFile}`
    case 'possible':
      return `would import ${jobs(count)} of ${path}, renewed from ${printable(server)}`
    case 'before':
      return `imported before: ${path}`
    case 'refused':
      return `refused ${path}, left as it is`
  }
}

/** Reasons, each with its jobs: one that is told of a proxy is told once. */
function refusalsOf({ refused }: ImportedProxy): string[] {
  const byReason = new Map<string, string[]>()
  for (const { jobId, error } of refused) {
    byReason.set(error.message, [...(byReason.get(error.message) ?? []), jobId])
  }
  return [...byReason].map(([reason, ids]) => {
    const more = ids.length > 1 ? ` and ${ids.length - 1} more` : ''
    return `  ${printable(ids[0] ?? '', 200)}${more}: ${printable(reason)}`
  })
}

export function encodeImported(vo: string, done: Imported): string {
  const { directory, dryRun, proxies, problems, strays } = done
  return encodeDocument({
    vo,
    directory,
    dryRun,
    proxies: proxies.map(({ refused, ...proxy }) => ({
      ...proxy,
      refused: refused.map(({ jobId, error: { code, message } }) => ({
        jobId,
        code,
        message: printable(message),
      })),
    })),
    problems: problems.map(({ path, reason }) => ({ path, reason: printable(reason) })),
    strays,
  })
}
