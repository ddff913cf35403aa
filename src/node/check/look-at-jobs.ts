/**
 * Proxies that jobs share, judged by their files and by what happened to them. There may be ten
 * thousand, and they come and go: no server is asked about any of them.
 */
import pLimit from 'p-limit'
import type { JobView } from '../../jobs/job-view.js'
import type { Registration } from '../../registry/registration.js'
import { bad, type Finding } from '../../renewal/checking/finding.js'
import {
  type FailingJobProxy,
  fewOf,
  judgeJobFailures,
  keptAlive,
} from '../../renewal/checking/judge-jobs.js'
import type { Seen } from '../../renewal/checking/run-probes.js'
import { ProxyTimesCache } from '../../renewal/proxy-times-cache.js'
import { EVERY_DN, selectJobProxies } from '../../renewal/query/query-selection.js'
import type { VoContext } from '../compose/compose.js'
import { jobsLeft, jobViewOf, sayJobsLeft } from '../compose/compose-jobs.js'
import { stillShared } from '../jobs/still-shared.js'
import { registrationFindings } from './from-conditions.js'

/** Files are read side by side, this many at once. */
const READS_AT_ONCE = 32

/**
 * Nothing where no jobs are served, unless proxies were left behind.
 *
 * @param dn only the proxies of this identity; default `all`.
 * @throws VoboxError as `jobViewOf` does.
 */
export async function lookAtJobs(vo: VoContext, dn: string = EVERY_DN): Promise<Seen> {
  const view = await jobViewOf(vo)
  if (view === undefined) {
    const left = await jobsLeft(vo)
    if (left === undefined) return () => []
    const { reason, cure } = sayJobsLeft(left)
    return () => [bad('jobs', reason, cure)]
  }
  const meant = selectJobProxies(view.registrations, { vo: vo.vo, dn, voms: [] }, undefined)
  const look = proxyLook(vo, view)
  const limit = pLimit(READS_AT_ONCE)
  const all = await Promise.all(meant.map((one) => limit(() => look(one))))
  const looks = await stillShared(vo, all, ({ fileName, lost }) => (lost ? fileName : undefined))
  const jobs = looks.reduce((sum, { fileName }) => sum + (view.jobsOf(fileName) ?? 0), 0)
  const failing = looks.flatMap(({ failing }) => failing ?? [])
  const troubles = [...looks.flatMap(({ found }) => found), ...judgeJobFailures(failing)]
  return () => (troubles.length > 0 ? fewOf(troubles, vo.vo) : [keptAlive(looks.length, jobs)])
}

interface ProxyLook {
  fileName: string
  /** There is no file that can be used. */
  lost: boolean
  found: readonly Finding[]
  /** Its renewal fails. */
  failing?: FailingJobProxy
}

function proxyLook(vo: VoContext, view: JobView) {
  const { files, clock } = vo
  const cache = new ProxyTimesCache({ files, repository: view.repository })
  return async (registration: Registration): Promise<ProxyLook> => {
    const { fileName, voms } = registration
    const times = await cache.get(fileName)
    const state = await view.registry.state(fileName)
    const observation = {
      about: 'registration',
      at: clock.now(),
      registration,
      state,
      file: view.repository.path(fileName),
      ...(times && { proxyEnd: times.end, chainEnd: times.chainEnd }),
      ...(times && { lacksAttributes: voms.length > 0 && !times.hasAttributes }),
    } as const
    const found = registrationFindings(vo.vo, observation, 'user-proxy').map(ofJobs)
    const { failures, lastFailure: failure } = state
    const look = { fileName, lost: times === undefined, found }
    return { ...look, ...(failures > 0 && failure && { failing: { registration, failure } }) }
  }
}

const ofJobs = (finding: Finding): Finding => ({ ...finding, check: 'jobs' })
