/**
 * What the service keeps open beside its VO, as the configuration has it: jobs, hooks, alerts, metrics.
 *
 * At the start all of it must be there, or whoever starts the service is told. Later, with another
 * configuration, nothing of this is worth the renewals of all: what cannot be had as it is written now
 * stays as it was, and what cannot even be had again as it was is gone without.
 */
import type { AlertKeeper } from '../../alerts/alert-keeper.js'
import { cureOf, toVoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import type { VoContext } from '../compose/compose.js'
import { hooksFor } from '../compose/compose-hooks.js'
import { jobsLeft, type OpenJobs, openJobs, sayJobsLeft } from '../compose/compose-jobs.js'
import { alertKeeperFor } from '../compose/compose-service.js'
import type { Hooks } from './hooks.js'
import { type ServiceMonitor, startMonitor } from './service-monitor.js'

export interface ServiceParts {
  vo: VoContext
  /** Absent: none are served. */
  jobs: OpenJobs | undefined
  hooks: Pick<Hooks, 'renewed' | 'alert' | 'close'>
  keeper: AlertKeeper
  monitor: ServiceMonitor
  /** Something is missing, and was said: the next reload tries again. */
  isLacking: boolean
  close(): Promise<void>
}

export interface PartsOptions {
  environment: Readonly<Record<string, string | undefined>>
  startedAt: UnixSeconds
}

/** For the hooks that run when the service ends; then they are killed. */
const HOOKS_GRACE_MS = 5_000

const NO_HOOKS: ServiceParts['hooks'] = {
  renewed: () => undefined,
  alert: () => undefined,
  close: async () => undefined,
}

/** @throws VoboxError as `openJobs` does; nothing is open then. */
export async function openParts(vo: VoContext, options: PartsOptions): Promise<ServiceParts> {
  const jobs = await openJobs(vo)
  try {
    const hooks = await hooksFor(placesOf(vo, jobs), options.environment)
    return await join(vo, jobs, hooks, options)
  } catch (error) {
    await jobs?.close()
    throw error
  }
}

/**
 * Those of another configuration, or else of the one before. `before` is closed when it is needed no
 * more. What went wrong is in log and events.
 */
export async function openPartsAnew(
  before: VoContext,
  openNext: () => Promise<VoContext>,
  options: PartsOptions,
): Promise<ServiceParts> {
  let next: VoContext | undefined
  try {
    next = await openNext()
    const parts = await openParts(next, options)
    before.close()
    return parts
  } catch (error) {
    next?.close()
    await say(before, 'reload-failed', 'going on as before', error)
    return openAsBefore(before, options)
  }
}

/** Whatever of it there is. */
async function openAsBefore(vo: VoContext, options: PartsOptions): Promise<ServiceParts> {
  let isLacking = false
  const without = async (what: string, error: unknown) => {
    isLacking = true
    await say(vo, 'service-lacking', `going on without ${what}`, error)
    return undefined
  }
  const jobs = await openJobs(vo, (error) => without('the job socket', error)).catch((error) =>
    without('jobs', error),
  )
  const hooks = await hooksFor(placesOf(vo, jobs), options.environment).catch((error) =>
    without('hooks', error),
  )
  return { ...(await join(vo, jobs, hooks ?? NO_HOOKS, options)), isLacking }
}

async function join(
  vo: VoContext,
  jobs: OpenJobs | undefined,
  hooks: ServiceParts['hooks'],
  { startedAt }: PartsOptions,
): Promise<ServiceParts> {
  const { config, paths, files, clock, journal, events } = vo
  const keeper = alertKeeperFor(vo, hooks)
  const monitor = await startMonitor({
    ...{ vo: vo.vo, files, clock, journal, events, startedAt },
    config: config.metrics,
    socket: paths.metricsSocket,
  })
  await sayWhatIsLeft(vo)
  return {
    ...{ vo, jobs, hooks, keeper, monitor, isLacking: false },
    async close() {
      await Promise.all([hooks.close(HOOKS_GRACE_MS), monitor.close(), jobs?.close()])
    },
  }
}

/** Where registrations and proxies of all are. */
export function placesOf(vo: VoContext, jobs: OpenJobs | undefined) {
  if (jobs === undefined) return vo
  const { service, onTouched, close, ...places } = jobs
  return { ...vo, ...places }
}

/** Whoever switched jobs off may not know that some are there. */
async function sayWhatIsLeft(vo: VoContext): Promise<void> {
  const left = await jobsLeft(vo).catch(() => undefined)
  if (left === undefined) return
  const { reason, cure } = sayJobsLeft(left)
  vo.journal.write('warn', 'jobs-left', reason, { ...left, cure })
  await vo.events.write('warning', { reason, cure })
}

async function say(vo: VoContext, event: string, what: string, error: unknown): Promise<void> {
  const failure = toVoboxError(error)
  const { code, message } = failure
  const [reason, cure] = [`${what}: ${message}`, cureOf(failure)]
  vo.journal.write('error', event, reason, { code, cure })
  await vo.events.write('warning', { reason, cure })
}
