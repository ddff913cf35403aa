/**
 * Job proxies for who only looks: `query`, `forecast`, `check`. Read from the journal, so that they
 * are seen as well while the service is down.
 */
import type { Config } from '../config/config.js'
import type { VoPaths } from '../config/vo-paths.js'
import type { Files } from '../ports/files.js'
import { isJobFile } from '../registry/job-file-name.js'
import type { Registration } from '../registry/registration.js'
import { RegistrationFiles } from '../registry/registration-files.js'
import type { Registry } from '../registry/registry.js'
import type { ProxyFiles } from '../repository/proxy-files.js'
import { ProxyRepository } from '../repository/proxy-repository.js'
import { filesBeside, registriesBeside } from './beside.js'
import { jobSettings } from './job-registration.js'
import { JobRegistry } from './job-registry.js'
import { readJobs } from './job-store.js'

export interface JobViewDependencies {
  files: Files
  config: Config
  paths: Pick<VoPaths, 'directory' | 'jobRepository' | 'jobState'>
  /** The VO admin alone. */
  owners: readonly number[]
  /** Those of the VO-Box. */
  registry: Registry
  repository: ProxyFiles
}

export interface JobView {
  /** Job proxies as registrations, oldest first. */
  registrations: readonly Registration[]
  /** How many jobs share the proxy; undefined for a registration of the VO-Box. */
  jobsOf(fileName: string): number | undefined
  /** Those of the VO-Box and job proxies, told apart by name. */
  registry: Registry
  repository: ProxyFiles
}

/** @throws VoboxError `FILE_UNSAFE`, `FILE_TOO_LARGE`, `FILE_UNREADABLE` of the journal. */
export async function readJobView(deps: JobViewDependencies): Promise<JobView> {
  const { files, config, paths, owners } = deps
  const book = await readJobs({ files, directory: paths.directory, owners })
  const states = new RegistrationFiles(files, { state: paths.jobState, locks: paths.jobState })
  const registry = new JobRegistry({ book, states, settings: jobSettings(config) })
  const repository = new ProxyRepository({ files, directory: paths.jobRepository, owners })
  return {
    registrations: [...(await registry.all()).values()],
    jobsOf: (fileName) => (isJobFile(fileName) ? (book.get(fileName)?.jobs.size ?? 0) : undefined),
    registry: registriesBeside(deps.registry, registry),
    repository: filesBeside(deps.repository, repository),
  }
}
