/** Job proxies of a VO: for the service, which serves them, and for commands that only look. */
import { chmodSync, lstatSync } from 'node:fs'
import { dirname } from 'node:path'
import type { VoPaths } from '../../config/vo-paths.js'
import { filesBeside, registriesBeside, timesBeside } from '../../jobs/beside.js'
import { JobService } from '../../jobs/job-service.js'
import { readJobs } from '../../jobs/job-store.js'
import { type JobView, readJobView } from '../../jobs/job-view.js'
import type { Registry } from '../../registry/registry.js'
import { type KnownTimes, ProxyTimesCache } from '../../renewal/proxy-times-cache.js'
import type { JobCounts } from '../../renewal/service-status.js'
import { attributeRulesNow } from '../../renewal/trust-now.js'
import { removeOrphans } from '../../repository/orphans.js'
import type { ProxyFiles } from '../../repository/proxy-files.js'
import { MountPoints } from '../jobs/mount-points.js'
import { linkTarget } from '../jobs/replace-by-link.js'
import { listenOnSocket } from '../service/job-listener.js'
import type { VoContext } from './compose.js'
import { prepareForJobs } from './prepare-vo-directory.js'

/** The whole of what the service keeps open, and how it renews with it. */
export interface OpenJobs {
  service: JobService
  onTouched(touched: (fileName: string) => void): void
  close(): Promise<void>
  /** In place of those of the VO-Box alone. */
  registry: Registry
  repository: ProxyFiles
  times: KnownTimes
}

/** Where the C client looks, and nowhere else. */
export const legacyJobSocket = (uid: number): string => `/tmp/dgpr_renew_${uid}`

/**
 * Opens and listens, if the configuration says so. The caller holds the lock of the service.
 *
 * @param onDeaf told why nobody can ask, for who renews what is there all the same; absent: a service
 *   that could not be reached must not start.
 * @throws VoboxError `FILE_…`; without `onDeaf` as `listenOnSocket` does.
 */
export async function openJobs(
  vo: VoContext,
  onDeaf?: (why: unknown) => Promise<unknown>,
): Promise<OpenJobs | undefined> {
  const { directory, files, paths } = vo
  if (!vo.config.jobs.enabled) return undefined
  await prepareForJobs(files, paths)
  for (const each of [paths.jobRepository, paths.jobState]) {
    await removeOrphans(files, vo.clock, each)
  }
  const mounts = new MountPoints(vo.clock)
  const service = await JobService.open({
    ...vo,
    owners: [directory.uid],
    attributeRules: (signal) => attributeRulesNow(vo, signal),
    linkTarget,
    fileSystemOf: (path) => mounts.of(path),
  })
  try {
    await listen(vo, service)
  } catch (error) {
    if (onDeaf === undefined) {
      await service.close()
      throw error
    }
    await onDeaf(error)
  }
  return {
    service,
    onTouched(touched) {
      service.touched = touched
    },
    close: () => service.close(),
    registry: registriesBeside(vo.registry, service.registry),
    repository: filesBeside(vo.repository, service.proxies.files()),
    times: timesBeside(new ProxyTimesCache(vo), service.proxies),
  }
}

async function listen(vo: VoContext, { socket }: JobService): Promise<void> {
  const { jobs } = vo.config
  const { uid } = vo.directory
  const path = jobs.socket ?? vo.paths.jobSocket
  const mode = Number.parseInt(jobs.mode, 8)
  if (jobs.socket === null) {
    await makeSocketDirectory(vo, dirname(path), mode === 0o600 ? 0o700 : 0o750)
  }
  socket.attach(await listenOnSocket({ path, mode, uid }))
  if (jobs.legacyPath) {
    const legacy = { path: legacyJobSocket(uid), mode: 0o600, uid, sticky: true }
    socket.attach(await listenOnSocket(legacy))
  }
}

/** Of our own; it follows `jobs.mode`, for whoever may not enter it cannot connect. */
async function makeSocketDirectory(
  { files, directory: { uid } }: VoContext,
  path: string,
  mode: number,
): Promise<void> {
  await files.makeDirectory(path, mode)
  const facts = lstatSync(path)
  if (facts.isDirectory() && facts.uid === uid && (facts.mode & 0o777) !== mode) {
    chmodSync(path, mode)
  }
}

/**
 * Job proxies beside the registrations, for commands that only look; undefined: none are served here.
 *
 * @throws VoboxError as `readJobView` does.
 */
export async function jobViewOf(vo: VoContext): Promise<JobView | undefined> {
  if (!vo.config.jobs.enabled) return undefined
  return readJobView({ ...vo, owners: [vo.directory.uid] })
}

/**
 * How many job proxies lie there though `jobs.enabled` is off: nobody renews them, answers their jobs,
 * or removes them when they end. Undefined: none, or jobs are served.
 *
 * @throws VoboxError as `readJobView` does.
 */
export async function jobsLeft(
  vo: Pick<VoContext, 'config' | 'directory' | 'files' | 'paths'>,
): Promise<JobCounts | undefined> {
  if (vo.config.jobs.enabled) return undefined
  const { files, paths, directory } = vo
  const { size, shares } = await readJobs({
    files,
    directory: paths.directory,
    owners: [directory.uid],
  })
  return size === 0 ? undefined : { jobProxies: size, jobs: shares }
}

/** The same as a sentence and its cure. */
export function sayJobsLeft({ jobProxies, jobs }: JobCounts): { reason: string; cure: string } {
  const proxies = jobProxies === 1 ? 'a proxy' : `${jobProxies} proxies`
  const sharers = jobs === 1 ? '1 job' : `${jobs} jobs`
  return {
    reason: `jobs are not served, and ${proxies} of ${sharers} ${jobProxies === 1 ? 'is' : 'are'} renewed by nobody`,
    cure: 'Set jobs.enabled = true until the jobs have ended, and reload the service',
  }
}

/** Where the socket is that commands ask. */
export function jobSocketOf({ config, paths }: Pick<VoContext, 'config'> & { paths: VoPaths }) {
  return config.jobs.socket ?? paths.jobSocket
}
