/**
 * Every metric of the service by name, in one table: type, labels, and the help that Prometheus shows.
 * `docs/admin-guide.md` lists them, and `docs/prometheus-alerts.yml` uses them.
 */
export interface MetricFacts {
  type: 'gauge' | 'counter' | 'histogram'
  help: string
  labels: readonly string[]
}

/**
 * Of one registration; the name of its file decides, so that there is one series for each. `kind` is
 * `job` for a proxy that jobs share, else `vobox`.
 */
const OF_REGISTRATION = ['registration', 'dn', 'voms', 'kind'] as const

export const METRICS = {
  vobox_user_proxy_seconds_left: {
    type: 'gauge',
    help: 'Seconds until the user proxy of a registration ends, its attributes counted; 0 when it cannot be used',
    labels: OF_REGISTRATION,
  },
  vobox_attributes_seconds_left: {
    type: 'gauge',
    help: 'Seconds until the first attribute certificate in a user proxy ends',
    labels: OF_REGISTRATION,
  },
  vobox_stored_credential_seconds_left: {
    type: 'gauge',
    help: 'Seconds until the stored credential of a registration ends, as far as it is known; 0 when it is gone',
    labels: OF_REGISTRATION,
  },
  vobox_renewal_failures_in_a_row: {
    type: 'gauge',
    help: 'Failed renewals of a registration since the last one that worked',
    labels: OF_REGISTRATION,
  },
  vobox_machine_proxy_seconds_left: {
    type: 'gauge',
    help: 'Seconds until the machine proxy ends; 0 when it cannot be used',
    labels: [],
  },
  vobox_registrations: { type: 'gauge', help: 'Registrations of the VO-Box', labels: [] },
  vobox_registrations_listed: {
    type: 'gauge',
    help: 'Registrations and job proxies with metrics of their own: those that end first, job proxies last',
    labels: [],
  },
  vobox_job_proxies: { type: 'gauge', help: 'Proxies that jobs share', labels: [] },
  vobox_jobs: { type: 'gauge', help: 'Jobs that share them', labels: [] },
  vobox_renewals_running: { type: 'gauge', help: 'Renewals under way', labels: [] },
  vobox_renewal_queue_depth: {
    type: 'gauge',
    help: 'Registrations that are due and wait for a worker',
    labels: [],
  },
  vobox_renewal_attempts_total: {
    type: 'counter',
    help: 'Renewals tried since the service started, by what became of them',
    labels: ['outcome'],
  },
  vobox_renewal_failures_total: {
    type: 'counter',
    help: 'Failed renewals since the service started, by code',
    labels: ['code'],
  },
  vobox_renewal_duration_seconds: {
    type: 'histogram',
    help: 'How long renewals took, by what became of them',
    labels: ['outcome'],
  },
  vobox_service_start_time_seconds: {
    type: 'gauge',
    help: 'When the service started, in Unix seconds',
    labels: [],
  },
  vobox_metrics_time_seconds: {
    type: 'gauge',
    help: 'When these metrics were made, in Unix seconds',
    labels: [],
  },
} as const satisfies Record<string, MetricFacts>

export type MetricName = keyof typeof METRICS
