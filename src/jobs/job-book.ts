/**
 * Who shares which job proxy, in memory. Every look and every change costs the same however many
 * there are.
 *
 * A job may be registered several times, as the C daemon lets it: each registration wants an end of
 * its own. Changes come as records and can be taken back, for when one could not be written down.
 */
import type { JobProxy } from './job-proxy.js'
import { worthKey } from './job-proxy.js'
import type { JobRecord } from './job-record.js'

export interface SharedProxy {
  readonly proxy: JobProxy
  /** Jobs in the order in which they came, each with how often it is registered. */
  readonly jobs: ReadonlyMap<string, number>
  /** Grows with each registration: whoever decided on an older one must look again. */
  readonly generation: number
}

interface Shared extends SharedProxy {
  readonly jobs: Map<string, number>
  generation: number
}

/** Takes back one change; only the last one that still stands may be taken back. */
export type Undo = () => void

const NOTHING: Undo = () => undefined

/**
 * Jobs of a proxy whose records tell what it is: where the line of one is damaged, that of the other
 * still says what all the rest share.
 */
const TOLD_WITH = 2

/** Of a record but for job id and proxy, in bytes: checksum, braces, names, file, a count. */
const RECORD_BYTES = 128

/** Of each further registration of a job, in bytes: it takes room in memory, if none in the journal. */
const AGAIN_BYTES = 32

/** Whether the record of a job that comes to `shared` tells what the proxy is. */
export function tellsProxy(shared: Pick<SharedProxy, 'jobs'> | undefined): boolean {
  return (shared?.jobs.size ?? 0) < TOLD_WITH
}

const jsonBytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

export class JobBook {
  readonly #proxies = new Map<string, Shared>()
  readonly #byWorth = new Map<string, string>()
  /** Files of a job, oldest registration first, one entry a registration. */
  readonly #byJob = new Map<string, string[]>()
  #shares = 0
  #registrations = 0
  #bytes = 0

  /** How many bytes {@link records} take at most, encoded. */
  get bytes(): number {
    return this.#bytes
  }

  /** {@link bytes}, and what jobs that are registered again take in memory alone. */
  get heldBytes(): number {
    return this.#bytes + (this.#registrations - this.#shares) * AGAIN_BYTES
  }

  /** How many records {@link records} yields. */
  get shares(): number {
    return this.#shares
  }

  /** As {@link shares}, but a job counts as often as it is registered. */
  get registrations(): number {
    return this.#registrations
  }

  get size(): number {
    return this.#proxies.size
  }

  get proxies(): ReadonlyMap<string, SharedProxy> {
    return this.#proxies
  }

  get(fileName: string): SharedProxy | undefined {
    return this.#proxies.get(fileName)
  }

  /** The proxy that is shared by what is worth the same, by its `worthKey`. */
  worth(key: string): SharedProxy | undefined {
    return this.#proxies.get(this.#byWorth.get(key) ?? '')
  }

  /** The proxy of a job: of its oldest registration. */
  ofJob(job: string): SharedProxy | undefined {
    return this.#proxies.get(this.#byJob.get(job)?.[0] ?? '')
  }

  /** A record that says nothing new (a job of a proxy that is gone) changes nothing. */
  apply(record: JobRecord): Undo {
    switch (record.op) {
      case 'register':
        return this.#register(record)
      case 'unregister':
        return this.#unregister(record.job, record.file, record.newest ? 'newest' : 'oldest')
      case 'drop':
        return this.#drop(record.file)
    }
  }

  /** Records that make this book anew, proxy by proxy. */
  *records(): Generator<JobRecord> {
    for (const [file, { proxy, jobs }] of this.#proxies) {
      let told = 0
      for (const [job, count] of jobs) {
        const tells = told < TOLD_WITH && { proxy }
        yield { op: 'register', job, file, ...tells, ...(count > 1 && { count }) }
        told += 1
      }
    }
  }

  #register({ job, file, proxy, count = 1 }: Extract<JobRecord, { op: 'register' }>): Undo {
    const known = this.#proxies.get(file)
    const shared = known ?? (proxy && { proxy, jobs: new Map<string, number>(), generation: 0 })
    if (shared === undefined) return NOTHING
    if (known === undefined) this.#insert(shared)
    shared.generation += 1
    const before = shared.jobs.get(job) ?? 0
    this.#count(job, before, before + count)
    shared.jobs.set(job, before + count)
    const files = this.#byJob.get(job) ?? []
    this.#byJob.set(job, files)
    for (let added = 0; added < count; added += 1) files.push(file)
    return () => {
      for (let taken = 0; taken < count; taken += 1) this.#unregister(job, file, 'newest')
    }
  }

  #unregister(job: string, file: string, which: 'oldest' | 'newest'): Undo {
    const shared = this.#proxies.get(file)
    const count = shared?.jobs.get(job)
    if (shared === undefined || count === undefined) return NOTHING
    const files = this.#byJob.get(job) ?? []
    const at = which === 'oldest' ? files.indexOf(file) : files.lastIndexOf(file)
    files.splice(at, 1)
    if (files.length === 0) this.#byJob.delete(job)
    this.#count(job, count, count - 1)
    if (count > 1) shared.jobs.set(job, count - 1)
    else this.#end(shared, job)
    return () => {
      if (shared.jobs.size === 0) this.#insert(shared)
      this.#count(job, count - 1, count)
      shared.jobs.set(job, count)
      const now = this.#byJob.get(job) ?? []
      this.#byJob.set(job, now)
      now.splice(at, 0, file)
    }
  }

  #drop(file: string): Undo {
    const shared = this.#proxies.get(file)
    if (shared === undefined) return NOTHING
    const before = [...shared.jobs.keys()].map((job) => [job, this.#byJob.get(job) ?? []] as const)
    for (const [job, files] of before) {
      const others = files.filter((other) => other !== file)
      if (others.length === 0) this.#byJob.delete(job)
      else this.#byJob.set(job, others)
    }
    this.#remove(shared)
    for (const [job, count] of shared.jobs) this.#count(job, count, 0)
    return () => {
      this.#insert(shared)
      for (const [job, count] of shared.jobs) this.#count(job, 0, count)
      for (const [job, files] of before) this.#byJob.set(job, files)
    }
  }

  #end(shared: Shared, job: string): void {
    shared.jobs.delete(job)
    if (shared.jobs.size === 0) this.#remove(shared)
  }

  /** How often a job is registered for one proxy. */
  #count(job: string, before: number, after: number): void {
    const shares = Math.sign(after) - Math.sign(before)
    this.#shares += shares
    this.#registrations += after - before
    if (shares !== 0) this.#bytes += shares * (RECORD_BYTES + jsonBytes(job))
  }

  #insert(shared: Shared): void {
    this.#bytes += TOLD_WITH * jsonBytes(shared.proxy)
    this.#proxies.set(shared.proxy.fileName, shared)
    this.#byWorth.set(worthKey(shared.proxy), shared.proxy.fileName)
  }

  #remove({ proxy }: Shared): void {
    this.#bytes -= TOLD_WITH * jsonBytes(proxy)
    this.#proxies.delete(proxy.fileName)
    const key = worthKey(proxy)
    // A damaged journal can have two that are worth the same.
    if (this.#byWorth.get(key) === proxy.fileName) this.#byWorth.delete(key)
  }
}
