/**
 * How the running service is, in a small file for `query` and people. It says nothing that is not
 * elsewhere; losing it costs a line of output.
 */
import type { UnixSeconds } from '../ports/clock.js'
import { asUnixSeconds } from '../ports/clock.js'
import type { DaemonSummary } from './daemon.js'

/** Where jobs are served. */
export interface JobCounts {
  jobProxies: number
  /** Jobs that share them, each counted once for each proxy. */
  jobs: number
}

/** `registrations` are those of the VO-Box; job proxies are counted beside them. */
export type ServiceSummary = DaemonSummary & Partial<JobCounts>

export interface ServiceStatus extends ServiceSummary {
  pid: number
  startedAt: UnixSeconds
}

const VERSION = 1

export function encodeServiceStatus(status: ServiceStatus): Buffer {
  return Buffer.from(`${JSON.stringify({ version: VERSION, ...status })}\n`)
}

/** Undefined for anything but what {@link encodeServiceStatus} wrote. */
export function parseServiceStatus(bytes: Uint8Array): ServiceStatus | undefined {
  const value = parseObject(Buffer.from(bytes).toString('utf8'))
  const { version, pid, startedAt, registrations, working, queued = 0, nextDueAt } = value
  const { jobProxies, jobs } = value
  if (version !== VERSION) return undefined
  const numbers = [
    ...[pid, startedAt, registrations, working, queued],
    ...[nextDueAt ?? 0, jobProxies ?? 0, jobs ?? 0],
  ]
  if (!numbers.every((number) => Number.isSafeInteger(number))) return undefined
  return {
    pid: Number(pid),
    startedAt: asUnixSeconds(Number(startedAt)),
    registrations: Number(registrations),
    working: Number(working),
    queued: Number(queued),
    ...(nextDueAt !== undefined && { nextDueAt: asUnixSeconds(Number(nextDueAt)) }),
    ...(jobs !== undefined && { jobProxies: Number(jobProxies ?? 0), jobs: Number(jobs) }),
  }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
