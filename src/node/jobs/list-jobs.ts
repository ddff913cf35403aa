/** Jobs and the proxies that they share, from the journal: the service need not run. */
import { readJobs } from '../../jobs/job-store.js'
import { ProxyTimesCache } from '../../renewal/proxy-times-cache.js'
import type { SharedJobProxy } from '../../report/jobs-text.js'
import { ProxyRepository } from '../../repository/proxy-repository.js'
import type { VoContext } from '../compose/compose.js'

/** @throws VoboxError `FILE_…` when the journal is somebody else's, or cannot be read. */
export async function listJobs(
  vo: Pick<VoContext, 'files' | 'paths' | 'directory'>,
): Promise<SharedJobProxy[]> {
  const { files, paths } = vo
  const owners = [vo.directory.uid]
  const book = await readJobs({ files, directory: paths.directory, owners })
  const repository = new ProxyRepository({ files, directory: paths.jobRepository, owners })
  const times = new ProxyTimesCache({ files, repository })
  const rows: SharedJobProxy[] = []
  for (const { proxy, jobs } of book.proxies.values()) {
    const { identityDer: _bytes, fileName, ...worth } = proxy
    rows.push({
      ...worth,
      file: repository.path(fileName),
      end: (await times.get(fileName))?.end ?? null,
      jobs: [...jobs].map(([jobId, count]) => ({ jobId, count })),
    })
  }
  return rows
}
