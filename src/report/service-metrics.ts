/**
 * The metrics of one service, in Prometheus' text format.
 *
 * What ends when is kept as it was last seen, and turned into seconds left at the moment somebody
 * asks. How many series there are is bounded, whatever is registered: codes come from our own table,
 * and of many registrations only those that end first have series of their own.
 */
import { createHash } from 'node:crypto'
import type { Counter, Gauge, Histogram, Registry } from 'prom-client'
import PromCounter from 'prom-client/lib/counter.js'
import PromGauge from 'prom-client/lib/gauge.js'
import PromHistogram from 'prom-client/lib/histogram.js'
import PromRegistry from 'prom-client/lib/registry.js'
import { type ErrorCode, printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { ServiceSummary } from '../renewal/service-status.js'
import { METRICS, type MetricName } from './metric-table.js'

/** What is known of a registration when the service has looked at it. */
export interface RegistrationFacts {
  fileName: string
  identity: string
  /** Of the VO-Box, or a proxy that jobs share. */
  kind: 'vobox' | 'job'
  voms: readonly string[]
  /** 0: it cannot be used. */
  proxyEnd: number
  attributesEnd: number | undefined
  /** 0: it is gone; undefined: nothing is known. */
  storedEnd: number | undefined
  failures: number
}

export type AttemptOutcome = 'renewed' | 'capped' | 'failed'

export interface ServiceMetricsOptions {
  vo: string
  startedAt: UnixSeconds
  /** Name DNs and files instead of their hashes. */
  showDn: boolean
  /** How many registrations have series of their own at most; default 1000. */
  listed?: number
}

const LISTED = 1000
/** Seconds; a renewal takes parts of one, and a dead server its deadlines. */
const BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]
const OF_JOBS: readonly MetricName[] = ['vobox_job_proxies', 'vobox_jobs']
const OUTCOMES: readonly AttemptOutcome[] = ['renewed', 'capped', 'failed']

/** The same for the same text, and no way back but to try: what stands for a DN or a file name. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

export class ServiceMetrics {
  static readonly contentType = PromRegistry.PROMETHEUS_CONTENT_TYPE
  readonly #options: ServiceMetricsOptions
  readonly #registry: Registry = new PromRegistry()
  readonly #gauges = new Map<MetricName, Gauge>()
  readonly #registrations = new Map<string, RegistrationFacts>()
  readonly #attempts: Counter
  readonly #failures: Counter
  readonly #durations: Histogram
  #summary: ServiceSummary | undefined
  #machineProxyEnd: number | undefined

  constructor(options: ServiceMetricsOptions) {
    this.#options = options
    this.#registry.setDefaultLabels({ vo: options.vo })
    for (const [name, { type }] of Object.entries(METRICS)) {
      if (type !== 'gauge') continue
      this.#gauges.set(name as MetricName, new PromGauge(this.#settings(name as MetricName)))
    }
    this.#attempts = new PromCounter(this.#settings('vobox_renewal_attempts_total'))
    this.#failures = new PromCounter(this.#settings('vobox_renewal_failures_total'))
    const durations = this.#settings('vobox_renewal_duration_seconds')
    this.#durations = new PromHistogram({ ...durations, buckets: BUCKETS })
    // A rate needs the 0 before the first one.
    for (const outcome of OUTCOMES) {
      this.#attempts.inc({ outcome }, 0)
      this.#durations.zero({ outcome })
    }
  }

  seen(facts: RegistrationFacts): void {
    this.#registrations.set(facts.fileName, facts)
  }

  forget(fileName: string): void {
    this.#registrations.delete(fileName)
  }

  /** @param end 0: it cannot be used. */
  machineProxySeen(end: number): void {
    this.#machineProxyEnd = end
  }

  turned(summary: ServiceSummary): void {
    this.#summary = summary
  }

  attempted(outcome: AttemptOutcome, seconds: number, code?: ErrorCode): void {
    this.#attempts.inc({ outcome })
    this.#durations.observe({ outcome }, seconds)
    if (code !== undefined) this.#failures.inc({ code })
  }

  /** Everything as it is now, in Prometheus' text format. */
  render(now: UnixSeconds): Promise<string> {
    const set = (name: MetricName, value: number | undefined, labels = {}) => {
      if (value !== undefined) this.#gauges.get(name)?.set(labels, value)
    }
    for (const gauge of this.#gauges.values()) gauge.reset()
    const left = (end: number | undefined) =>
      end === undefined ? undefined : Math.max(0, end - now)
    const listed = this.#endingFirst()
    for (const facts of listed) {
      const labels = this.#labelsOf(facts)
      set('vobox_user_proxy_seconds_left', left(facts.proxyEnd), labels)
      set('vobox_attributes_seconds_left', left(facts.attributesEnd), labels)
      set('vobox_stored_credential_seconds_left', left(facts.storedEnd), labels)
      set('vobox_renewal_failures_in_a_row', facts.failures, labels)
    }
    // A gauge without labels has a value, 0, even where nothing is known.
    const machine = this.#gauges.get('vobox_machine_proxy_seconds_left')
    if (this.#machineProxyEnd === undefined) machine?.remove()
    set('vobox_machine_proxy_seconds_left', left(this.#machineProxyEnd))
    set('vobox_registrations', this.#summary?.registrations)
    set('vobox_registrations_listed', listed.length)
    const { jobProxies, jobs } = this.#summary ?? {}
    // Where no jobs are served there are no such metrics.
    if (jobs === undefined) {
      for (const name of OF_JOBS) this.#gauges.get(name)?.remove()
    }
    set('vobox_job_proxies', jobProxies)
    set('vobox_jobs', jobs)
    set('vobox_renewals_running', this.#summary?.working)
    set('vobox_renewal_queue_depth', this.#summary?.queued)
    set('vobox_service_start_time_seconds', this.#options.startedAt)
    set('vobox_metrics_time_seconds', now)
    return this.#registry.metrics()
  }

  #settings(name: MetricName) {
    const { help, labels } = METRICS[name]
    return { name, help, labelNames: [...labels], registers: [this.#registry] }
  }

  /** Job proxies end sooner than any other, and must not crowd them out: they come after them. */
  #endingFirst(): RegistrationFacts[] {
    const all = [...this.#registrations.values()]
    const most = this.#options.listed ?? LISTED
    if (all.length <= most) return all
    const rank = ({ kind }: RegistrationFacts) => (kind === 'vobox' ? 0 : 1)
    return all
      .sort((one, other) => rank(one) - rank(other) || one.proxyEnd - other.proxyEnd)
      .slice(0, most)
  }

  #labelsOf({ fileName, identity, kind, voms }: RegistrationFacts): Record<string, string> {
    const name = this.#options.showDn ? (text: string) => printable(text, 300) : hashOf
    const first = printable(voms[0] ?? '', 300)
    return { registration: name(fileName), dn: name(identity), voms: first, kind }
  }
}
