/**
 * Everything about job proxies that the service of one VO keeps open: the journal, the files, the desk
 * behind the socket, and the way to the scheduler.
 */
import type { Config } from '../config/config.js'
import type { VoPaths } from '../config/vo-paths.js'
import { isVoboxError, printable } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import type { Files } from '../ports/files.js'
import type { Journal } from '../ports/journal.js'
import type { Random } from '../ports/random.js'
import { isJobFile } from '../registry/job-file-name.js'
import type { Registration } from '../registry/registration.js'
import { RegistrationFiles } from '../registry/registration-files.js'
import type { Retirement } from '../renewal/daemon.js'
import type { EventLog } from '../renewal/events.js'
import type { JobCounts } from '../renewal/service-status.js'
import { ProxyRepository } from '../repository/proxy-repository.js'
import type { AttributeRules } from '../voms/verify-attributes.js'
import type { CertificateCache } from '../x509/certificate-cache.js'
import { ExpiryWatch } from './expiry-watch.js'
import type { FileSystemOf } from './few-reads.js'
import { JobDesk } from './job-desk.js'
import { JobProxies } from './job-proxies.js'
import { jobSettings } from './job-registration.js'
import { JobRegistry } from './job-registry.js'
import { JobSocket } from './job-socket.js'
import { JobStore } from './job-store.js'
import type { JobRequest } from './protocol/request.js'
import type { JobResponse } from './protocol/response.js'
import { UnderWay } from './under-way.js'

export interface JobServiceDependencies {
  files: Files
  clock: Clock
  random: Random
  journal: Journal
  events: EventLog
  config: Config
  paths: Pick<VoPaths, 'directory' | 'jobRepository' | 'jobState'>
  /** The VO admin alone. */
  owners: readonly number[]
  attributeRules(signal: AbortSignal): Promise<AttributeRules>
  /** As `JobProxies` wants it. */
  certificates?: CertificateCache | undefined
  /** As `JobDesk` wants it. */
  linkTarget?: ((path: string) => Promise<string | undefined>) | undefined
  /** As `FewReads` wants it. */
  fileSystemOf?: FileSystemOf | undefined
}

const STAYS: Retirement = { isGone: false }

export class JobService {
  readonly registry: JobRegistry
  readonly proxies: JobProxies
  readonly socket: JobSocket
  readonly #deps: JobServiceDependencies
  readonly #store: JobStore
  readonly #states: RegistrationFiles
  readonly #desk: JobDesk
  readonly #expiry: ExpiryWatch
  readonly #forgetting = new UnderWay()
  /** Tells the scheduler that one came, changed or went; set once there is one. */
  touched: (fileName: string) => void = () => undefined

  private constructor(deps: JobServiceDependencies, store: JobStore) {
    this.#deps = deps
    this.#store = store
    this.#expiry = new ExpiryWatch(deps.clock)
    const { files, journal, paths, owners, clock, config, certificates } = deps
    const settings = jobSettings(config)
    const repository = new ProxyRepository({ files, clock, directory: paths.jobRepository, owners })
    this.#states = new RegistrationFiles(files, { state: paths.jobState, locks: paths.jobState })
    this.proxies = new JobProxies({ files, journal, repository, store, certificates })
    this.registry = new JobRegistry({ book: store.book, states: this.#states, settings })
    this.#desk = new JobDesk({
      ...deps,
      settings,
      store,
      proxies: this.proxies,
      onChanged: (fileName) => this.touched(fileName),
      onEnded: (fileName) => this.#ended(fileName),
    })
    this.socket = new JobSocket({
      clock,
      journal,
      serve: (request, signal) => this.serve(request, signal),
      unheard: (request, response) => this.#desk.unheard(request, response),
      deadlineMs: config.jobs.deadlineSeconds * 1000,
    })
  }

  /**
   * Reads what is there, and removes what a crash left. The caller holds the lock of the service.
   *
   * @throws VoboxError `FILE_…` when journal or directory cannot be used.
   */
  static async open(deps: JobServiceDependencies): Promise<JobService> {
    const { files, clock, journal, paths, owners } = deps
    await files.makeDirectory(paths.jobRepository, 0o700)
    await files.makeDirectory(paths.jobState, 0o700)
    const store = new JobStore({ files, clock, journal, directory: paths.directory, owners })
    const isWhole = await store.open()
    const service = new JobService(deps, store)
    // What a lost line named may be what a job reads at this moment.
    if (isWhole) await service.proxies.removeStrays()
    await service.#states.removeStrays(store.book.proxies.keys())
    return service
  }

  /** For metrics and `status`. */
  get counts(): JobCounts {
    const { size, shares } = this.#store.book
    return { jobProxies: size, jobs: shares }
  }

  /** What the socket is asked. @throws as `JobDesk.serve`. */
  serve(request: JobRequest, signal: AbortSignal): Promise<JobResponse> {
    return this.#desk.serve(request, signal)
  }

  /**
   * For `RenewalDaemon`: a job proxy that has expired, or whose file somebody removed, is of no use to
   * anybody, and is dropped. One that merely cannot be read at this moment stays, and one that has
   * expired until that is sure.
   */
  async retire({ fileName, identity }: Registration): Promise<Retirement> {
    if (!isJobFile(fileName)) return STAYS
    // What is being registered has its file when this has come to its turn.
    await this.#store.change(() => ({ result: undefined }))
    const shared = this.#store.book.get(fileName)
    if (shared === undefined) return STAYS
    const { generation } = shared
    const why = await this.#whyUseless(fileName)
    if (why !== 'has expired') this.#expiry.forget(fileName)
    else if (!this.#expiry.isSure(fileName)) {
      return { ...STAYS, askAgainSeconds: ExpiryWatch.AGAIN_SECONDS }
    }
    const jobs = why === undefined ? undefined : await this.#drop(fileName, generation)
    if (jobs === undefined) return STAYS
    await this.#forget(fileName)
    const reason = `the proxy of ${jobs} ${jobs === 1 ? 'job' : 'jobs'} ${why} and is dropped`
    const fields = { dn: identity, file: fileName, jobs }
    this.#deps.journal.write(
      'error',
      'job-proxy-dropped',
      printable(`${identity}: ${reason}`),
      fields,
    )
    await this.#deps.events.write('job-proxy-dropped', { ...fields, reason })
    return { isGone: true }
  }

  /** For `RenewalDaemon`: its chain has not ended, as the clock stands. */
  seenAlive(fileName: string): void {
    this.#expiry.forget(fileName)
  }

  async #whyUseless(fileName: string): Promise<'has expired' | 'is gone' | undefined> {
    const { clock } = this.#deps
    const end = (await this.proxies.times(fileName))?.chainEnd
    if (end !== undefined) return end <= clock.now() ? 'has expired' : undefined
    try {
      return (await this.proxies.files().list()).includes(fileName) ? undefined : 'is gone'
    } catch (error) {
      // A directory that is gone as a whole may be back in a moment.
      if (isVoboxError(error)) return undefined
      throw error
    }
  }

  /** How many jobs it had; undefined: one has brought a proxy meanwhile, or it is gone. */
  #drop(fileName: string, generation: number): Promise<number | undefined> {
    return this.#store.change((book) => {
      const shared = book.get(fileName)
      if (shared?.generation !== generation) return { result: undefined }
      return {
        record: { op: 'drop', file: fileName },
        after: () => this.proxies.remove(fileName),
        result: shared.jobs.size,
      }
    })
  }

  /** Takes nobody new; what was asked for is on disk when this has ended. */
  async close(): Promise<void> {
    await this.socket.close()
    // Who was cut off may have something to take back.
    await this.#desk.settled()
    await this.#store.settled()
    await this.#forgetting.settled()
  }

  #ended(fileName: string): void {
    void this.#forgetting.add(this.#forget(fileName))
    this.touched(fileName)
  }

  #forget(fileName: string): Promise<void> {
    this.#expiry.forget(fileName)
    return this.registry.forgetState(fileName)
  }
}
