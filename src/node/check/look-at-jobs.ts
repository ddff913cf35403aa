/**
 * Proxies that jobs share, judged by their files and by what happened to them. There may be ten
 * thousand, and they come and go: no server is asked about any of them.
 */
import { printable } from '../../errors.js'
import { doubtful, type Finding, good } from '../../renewal/checking/finding.js'
import type { Seen } from '../../renewal/checking/run-probes.js'
import { ProxyTimesCache } from '../../renewal/proxy-times-cache.js'
import type { VoContext } from '../compose/compose.js'
import { jobViewOf } from '../compose/compose-jobs.js'
import { registrationFindings } from './from-conditions.js'

/** Nothing where no jobs are served. @throws VoboxError as `jobViewOf` does. */
export async function lookAtJobs(vo: VoContext): Promise<Seen> {
  const view = await jobViewOf(vo)
  if (view === undefined) return () => []
  const { files, clock } = vo
  const cache = new ProxyTimesCache({ files, repository: view.repository })
  const troubles: Finding[] = []
  let jobs = 0
  for (const registration of view.registrations) {
    const { fileName, identity, voms } = registration
    jobs += view.jobsOf(fileName) ?? 0
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
    const found = registrationFindings(vo.vo, observation, 'user-proxy')
    troubles.push(...found.map((one) => ({ ...one, check: 'jobs' as const })))
    const { failures, lastFailure } = state
    if (failures === 0 || lastFailure === undefined) continue
    const sentence = `its renewal has failed: ${printable(lastFailure.message)}`
    troubles.push(doubtful('jobs', sentence, lastFailure.hint, { identity, fileName }))
  }
  const all = view.registrations.length
  return () => (troubles.length > 0 ? troubles : [good('jobs', kept(all, jobs))])
}

function kept(proxies: number, jobs: number): string {
  if (proxies === 0) return 'no job is registered'
  return `${jobs} jobs share ${proxies === 1 ? '1 proxy' : `${proxies} proxies`}, all of them alive`
}
