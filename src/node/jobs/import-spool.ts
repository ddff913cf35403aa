/**
 * `job import`: takes over what a `glite-proxy-renewd` kept alive, while its jobs run.
 *
 * Each job is registered with the service, with the proxy of the spool; then that proxy becomes a link
 * to the file that the service keeps alive, so that a job which reads the old path reads a fresh
 * proxy. At no moment is nothing there, and what cannot be taken over stays as it is. A run that was
 * cut short is called again: what is done is known by its link, and jobs by the journal.
 */
import { dirname, join, resolve } from 'node:path'
import pLimit from 'p-limit'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { JobBook, SharedProxy } from '../../jobs/job-book.js'
import { askJobService, isAnswered, type JobCall } from '../../jobs/job-client.js'
import { readJobs } from '../../jobs/job-store.js'
import { readSpool, type SpoolProxy } from '../../jobs/spool/read-spool.js'
import type { FileFacts } from '../../ports/files.js'
import type { Imported, ImportedProxy, RefusedJob } from '../../report/job-import-text.js'
import type { VoContext } from '../compose/compose.js'
import { legacyJobSocket } from '../compose/compose-jobs.js'
import { type JobAsking, jobCallOf } from './ask-service.js'
import { judgeJobProxy } from './judge-job-proxy.js'
import { refuseOldDaemon } from './old-daemon.js'
import { linkTarget, replaceByLink } from './replace-by-link.js'

export interface ImportOptions extends JobAsking {
  /** Looks, judges and changes nothing, whichever daemon runs. Default false. */
  dryRun?: boolean
  /** Where the C daemon would listen; default `/tmp/dgpr_renew_<uid>`. */
  oldSocket?: string
}

/** So many jobs are registered at once: the service writes them down together. */
const AT_ONCE = 8

/**
 * What is refused is in what is returned, and no failure of this.
 *
 * @throws VoboxError `SERVICE_ALREADY_RUNNING` while the C daemon serves; `SOCKET_TAKEN` where another
 *   account holds its place; `JOB_SERVICE_UNREACHABLE`; `FILE_MISSING`, `FILE_UNSAFE` of the spool; `FILE_UNWRITABLE`; as `askJob`; `signal.reason`.
 */
export async function importSpool(
  vo: VoContext,
  spool: string,
  options: ImportOptions,
): Promise<Imported> {
  const { files, paths } = vo
  const { uid } = vo.directory
  const { dryRun = false, signal } = options
  const directory = resolve(spool)
  const call = await jobCallOf(vo, options)
  if (!dryRun) {
    await refuseOldDaemon(options.oldSocket ?? legacyJobSocket(uid), uid)
    await requireService(call)
  }
  const { proxies: found, problems, strays } = await readSpool({ files, directory, uid })
  const book = await readJobs({ files, directory: paths.directory, owners: [uid] })
  const proxies: ImportedProxy[] = []
  for (const proxy of found) {
    signal.throwIfAborted()
    proxies.push(await importProxy({ vo, call, book, dryRun }, proxy))
  }
  return { directory, dryRun, proxies, problems, strays: strays.map((one) => join(directory, one)) }
}

async function requireService(call: JobCall): Promise<void> {
  if (await isAnswered(call)) return
  throw new VoboxError('JOB_SERVICE_UNREACHABLE', `nobody listens on ${printable(call.socket)}`, {
    data: { socket: call.socket },
  })
}

interface Importing {
  vo: VoContext
  call: JobCall
  book: JobBook
  dryRun: boolean
}

async function importProxy(importing: Importing, proxy: SpoolProxy): Promise<ImportedProxy> {
  const { path, server, jobIds, facts } = proxy
  const { jobRepository } = importing.vo.paths
  const outcome = { path, server, proxyFile: null, jobs: 0, refused: [] }
  if (facts?.kind === 'symlink') {
    const target = await linkTarget(path)
    if (target !== undefined && dirname(target) === jobRepository) {
      return { ...outcome, outcome: 'before', proxyFile: target }
    }
  }
  const verdict = await judgeJobProxy(importing.vo, proxy, importing.call.signal)
  if ('error' in verdict || facts === undefined) {
    const error = 'error' in verdict ? verdict.error : gone(path)
    return { ...outcome, outcome: 'refused', refused: jobIds.map((jobId) => ({ jobId, error })) }
  }
  const shared = importing.book.worth(verdict.key)
  const wanted = notYetRegistered(jobIds, shared)
  if (importing.dryRun) return { ...outcome, outcome: 'possible', jobs: wanted.length }
  return takeOver(importing, proxy, { facts, wanted, shared })
}

const gone = (path: string) => new VoboxError('FILE_MISSING', `there is no ${printable(path)}`)

/**
 * A job that stands three times, and shares a proxy worth the same once, is wanted twice: what an
 * earlier run registered is not registered again.
 */
function notYetRegistered(jobIds: readonly string[], shared: SharedProxy | undefined): string[] {
  const left = new Map(shared?.jobs)
  return jobIds.filter((jobId) => {
    const known = left.get(jobId) ?? 0
    left.set(jobId, known - 1)
    return known <= 0
  })
}

interface TakingOver {
  /** Of the spool's proxy, as it was judged. */
  facts: FileFacts
  /** Jobs to register. */
  wanted: readonly string[]
  /** What is worth the same already. */
  shared: SharedProxy | undefined
}

async function takeOver(
  { call, vo }: Importing,
  { path, server }: SpoolProxy,
  { facts, wanted, shared }: TakingOver,
): Promise<ImportedProxy> {
  const answers = await registerAll(call, { path, server }, wanted)
  const refused = answers.filter((one) => 'error' in one)
  const registered = answers.flatMap((one) => ('proxyFile' in one ? [one.proxyFile] : []))
  const known = shared && join(vo.paths.jobRepository, shared.proxy.fileName)
  const proxyFile = registered[0] ?? (refused.length === 0 ? known : undefined) ?? null
  const result = { path, server, proxyFile, jobs: registered.length, refused }
  if (proxyFile === null) return { ...result, outcome: 'refused' }
  await requireOurs(vo, proxyFile)
  await replaceByLink(path, proxyFile, facts)
  return { ...result, outcome: 'imported' }
}

/** The first one alone, which makes the proxy; then the others, which share it. */
async function registerAll(
  call: JobCall,
  { path, server }: { path: string; server: string },
  [first, ...others]: readonly string[],
): Promise<(RefusedJob | { proxyFile: string })[]> {
  const register = async (jobId: string) => {
    try {
      const request = { command: 'register', proxyFile: path, jobId, server } as const
      return { proxyFile: (await askJobService(call, request)).proxyFile }
    } catch (error) {
      if (isVoboxError(error, 'JOB_REQUEST_REFUSED', 'JOB_REQUEST_INVALID')) return { jobId, error }
      throw error
    }
  }
  if (first === undefined) return []
  const limit = pLimit(AT_ONCE)
  const answered = await register(first)
  const more = await Promise.allSettled(others.map((jobId) => limit(() => register(jobId))))
  return [answered, ...more.map(settledValue)]
}

function settledValue<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'fulfilled') return settled.value
  throw settled.reason
}

/** A link must lead to what this VO's service keeps alive, and something must be there. */
async function requireOurs({ paths, files }: VoContext, proxyFile: string): Promise<void> {
  const ours = dirname(proxyFile) === paths.jobRepository
  if (ours && (await files.facts(proxyFile))?.kind === 'file') return
  throw new VoboxError('INTERNAL', `the service answered ${printable(proxyFile)}`, {
    hint: ours
      ? 'It is gone already: call again'
      : 'The service of another VO listens on jobs.socket: give each its own configuration',
    data: { path: proxyFile },
  })
}
