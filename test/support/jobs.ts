/** Job proxies for tests: what differs is named, all else is alike. */
import type { JobProxy } from '../../src/jobs/job-proxy.js'
import type { JobRecord } from '../../src/jobs/job-record.js'
import { asUnixSeconds } from '../../src/ports/clock.js'

/** `job-` and the number as 32 digits. */
export const jobFile = (number: number): string => `job-${number.toString(16).padStart(32, '0')}`

export function jobProxy(number: number, differs: Partial<JobProxy> = {}): JobProxy {
  return {
    fileName: jobFile(number),
    identity: `/DC=org/CN=user ${number}`,
    identityDer: Buffer.from(`identity ${number}`).toString('base64'),
    server: 'px.example.org:7512',
    voms: [],
    kind: 'rfc3820',
    limited: false,
    registeredAt: asUnixSeconds(1_800_000_000),
    ...differs,
  }
}

/** The first job of a proxy. */
export const firstJob = (job: string, number: number): JobRecord => ({
  op: 'register',
  job,
  file: jobFile(number),
  proxy: jobProxy(number),
})

export const moreJob = (job: string, number: number): JobRecord => ({
  op: 'register',
  job,
  file: jobFile(number),
})

export const endJob = (job: string, number: number) => ({
  op: 'unregister' as const,
  job,
  file: jobFile(number),
})
