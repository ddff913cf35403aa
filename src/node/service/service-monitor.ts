/**
 * What the service tells Prometheus, by the two ways there are: a page that it asks for, and a file for
 * node_exporter. Neither ever holds up a renewal, and one that fails is said once and does no harm.
 */
import { join } from 'node:path'
import type { Config } from '../../config/config.js'
import { printable, toVoboxError } from '../../errors.js'
import type { Clock, UnixSeconds } from '../../ports/clock.js'
import type { Files } from '../../ports/files.js'
import type { Journal } from '../../ports/journal.js'
import { isJobFile } from '../../registry/job-file-name.js'
import type { Observation, ObservationSink } from '../../registry/observation.js'
import { storedCredentialOf } from '../../registry/stored-credential.js'
import type { EventLog } from '../../renewal/events.js'
import type { RenewalOutcome } from '../../renewal/outcome.js'
import type { ServiceSummary } from '../../renewal/service-status.js'
import type { RegistrationFacts, ServiceMetrics } from '../../report/service-metrics.js'
import type { MetricsPlace, MetricsServer } from './metrics-server.js'

export interface MonitorOptions {
  vo: string
  startedAt: UnixSeconds
  config: Config['metrics']
  /** Path of the socket. */
  socket: string
  files: Files
  clock: Clock
  journal: Journal
  events: EventLog
}

export interface ServiceMonitor {
  /** What the service observes goes on to `sink`, and is counted on the way. */
  watching(sink: ObservationSink): ObservationSink
  turned(summary: ServiceSummary): void
  attempted(outcome: RenewalOutcome, seconds: number): void
  /** Ends page and file: what is not there any more says that nothing runs. */
  close(): Promise<void>
}

/** How often the file is written, in milliseconds. */
const FILE_PAUSE_MS = 60_000
/** node_exporter is another user. */
const FILE_MODE = 0o644

/** What is used of it is loaded only where somebody wants metrics. Never rejects. */
export async function startMonitor(options: MonitorOptions): Promise<ServiceMonitor> {
  const { config, journal } = options
  if (config.listen === 'none' && config.textfileDirectory === null) return NO_MONITOR
  try {
    return await start(options)
  } catch (error) {
    journal.write('error', 'metrics-failed', toVoboxError(error).message)
    return NO_MONITOR
  }
}

const NO_MONITOR: ServiceMonitor = {
  watching: (sink) => sink,
  turned: () => undefined,
  attempted: () => undefined,
  close: async () => undefined,
}

async function start(options: MonitorOptions): Promise<ServiceMonitor> {
  const { vo, startedAt, config, clock } = options
  const { ServiceMetrics } = await import('../../report/service-metrics.js')
  const metrics = new ServiceMetrics({ vo, startedAt, showDn: config.showDn })
  const render = () => metrics.render(clock.now())
  const page = { contentType: ServiceMetrics.contentType, render }
  const server = await listen(options, page)
  const file = keepFile(options, render)
  return {
    watching: (sink) => counted(sink, metrics),
    turned: (summary) => metrics.turned(summary),
    attempted: (outcome, seconds) => countAttempt(metrics, outcome, seconds),
    async close() {
      await Promise.all([server?.close(), file?.close()])
    },
  }
}

async function listen(
  { config, socket, journal, events }: MonitorOptions,
  page: { contentType: string; render(): Promise<string> },
): Promise<MetricsServer | undefined> {
  const place = placeOf(config.listen, socket)
  if (place === undefined) return undefined
  const { serveMetrics } = await import('./metrics-server.js')
  try {
    return await serveMetrics(place, page)
  } catch (error) {
    const where = config.listen === 'socket' ? socket : config.listen
    const why = printable((error as Error).message)
    const reason = `nobody can ask for metrics at ${where}: ${why}`
    journal.write('error', 'metrics-unreachable', reason)
    await events.write('warning', { reason, cure: 'metrics.listen names another place, or none' })
    return undefined
  }
}

export function placeOf(listen: string, socket: string): MetricsPlace | undefined {
  if (listen === 'none') return undefined
  if (listen === 'socket') return { path: socket }
  const at = listen.lastIndexOf(':')
  return { host: listen.slice(0, at).replace(/[[\]]/g, ''), port: Number(listen.slice(at + 1)) }
}

function keepFile(
  { vo, config, files, journal, events }: MonitorOptions,
  render: () => Promise<string>,
): { close(): Promise<void> } | undefined {
  const { textfileDirectory } = config
  if (textfileDirectory === null) return undefined
  const path = join(textfileDirectory, `vobox_${vo}.prom`)
  let complained = false
  const write = async () => {
    try {
      await files.replace(path, Buffer.from(await render()), { mode: FILE_MODE })
      complained = false
    } catch (error) {
      if (complained) return
      complained = true
      const { code, message } = toVoboxError(error)
      const reason = `no metrics for node_exporter: ${message}`
      journal.write('error', 'metrics-unwritable', reason, { code })
      const cure = `The VO admin must be able to write in ${textfileDirectory}`
      await events.write('warning', { reason, cure })
    }
  }
  let writing = write()
  const timer = setInterval(() => {
    writing = writing.then(write)
  }, FILE_PAUSE_MS)
  return {
    async close() {
      clearInterval(timer)
      await writing
      await files.remove(path).catch(() => undefined)
    },
  }
}

function counted(sink: ObservationSink, metrics: ServiceMetrics): ObservationSink {
  return {
    async observe(observation) {
      count(metrics, observation)
      await sink.observe(observation)
    },
    async forget(fileName) {
      metrics.forget(fileName)
      await sink.forget(fileName)
    },
  }
}

function count(metrics: ServiceMetrics, observation: Observation): void {
  if (observation.about === 'machine-proxy') metrics.machineProxySeen(observation.end ?? 0)
  if (observation.about === 'registration') metrics.seen(factsOf(observation))
}

function factsOf({
  registration,
  state,
  proxyEnd,
  attributesEnd,
}: Extract<Observation, { about: 'registration' }>): RegistrationFacts {
  const { fileName, identity, voms } = registration
  const stored = storedCredentialOf(state)
  const storedEnd = stored.kind === 'seen' ? stored.end : 0
  return {
    fileName,
    identity,
    kind: isJobFile(fileName) ? 'job' : 'vobox',
    voms,
    proxyEnd: proxyEnd ?? 0,
    attributesEnd,
    storedEnd: stored.kind === 'unknown' ? undefined : storedEnd,
    failures: state.failures,
  }
}

function countAttempt(metrics: ServiceMetrics, outcome: RenewalOutcome, seconds: number): void {
  const { kind } = outcome
  if (kind === 'failed') metrics.attempted(kind, seconds, outcome.error.code)
  if (kind === 'renewed' || kind === 'capped') metrics.attempted(kind, seconds)
}
