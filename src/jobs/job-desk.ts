/**
 * Serves the requests of workload managers: what `glite-proxy-renewd` does for well-formed ones, and a
 * proper code for all others.
 */
import { basename, isAbsolute } from 'node:path'
import type { Config } from '../config/config.js'
import { isVoboxError, printable, toVoboxError } from '../errors.js'
import type { Clock, UnixSeconds } from '../ports/clock.js'
import { untilAborted, withDeadline } from '../ports/deadline.js'
import type { Files } from '../ports/files.js'
import type { Journal } from '../ports/journal.js'
import type { Random } from '../ports/random.js'
import { parseCredential } from '../proxy/credential.js'
import { quoteShell } from '../registry/cure-commands.js'
import { emptyState } from '../registry/registration.js'
import { decideFor } from '../renewal/proxy-facts.js'
import type { AttributeRules } from '../voms/verify-attributes.js'
import { admitJobProxy, asRefusal } from './admit-job-proxy.js'
import { FewReads, type FileSystemOf } from './few-reads.js'
import { oneServer, readHandedProxy } from './handed-proxy.js'
import { type JobBook, type SharedProxy, tellsProxy } from './job-book.js'
import type { FreshProxy, JobProxies } from './job-proxies.js'
import { type JobProxy, type JobProxyWorth, worthKey } from './job-proxy.js'
import { type JobRenewalSettings, registrationOf } from './job-registration.js'
import type { JobChange, JobStore } from './job-store.js'
import { KnownAdmissions } from './known-admissions.js'
import { JOB_CODES } from './protocol/codes.js'
import { jobRefusal } from './protocol/refusal.js'
import type { JobRequest } from './protocol/request.js'
import type { JobResponse } from './protocol/response.js'
import { UnderWay } from './under-way.js'

export interface JobDeskDependencies {
  files: Files
  clock: Clock
  journal: Journal
  random: Random
  config: Config
  settings: JobRenewalSettings
  store: JobStore
  proxies: JobProxies
  /** Trust anchors and `vomsdir` of the service as they are now. */
  attributeRules(signal: AbortSignal): Promise<AttributeRules>
  /** Where a link leads, as it is written; undefined: no link. */
  linkTarget?: ((path: string) => Promise<string | undefined>) | undefined
  /** As `FewReads` wants it. */
  fileSystemOf?: FileSystemOf | undefined
  /** Who may own a proxy that is handed over: the service's own uid. */
  owners: readonly number[]
  /** A proxy came, or its file was replaced: it may be due. Neither throws nor waits. */
  onChanged(fileName: string): void
  /** Nobody shares it any more. */
  onEnded(fileName: string): void
}

type Register = Extract<JobRequest, { command: 'register' }>
type Unregister = Extract<JobRequest, { command: 'unregister' }>

/** What a job brings. */
type Handed = FreshProxy & { worth: Omit<JobProxyWorth, 'server'> }

/** 128 bits: a name is never drawn twice. */
const NAME_BYTES = 16

/** For the times of a proxy that is told to whom has ended: on a disk that works, milliseconds. */
const TIMES_DEADLINE_MS = 2000

const LISTED = 'vobox-proxy job list --jobs shows each job with its path'

export class JobDesk {
  readonly #deps: JobDeskDependencies
  readonly #admissions = new KnownAdmissions()
  readonly #reads: FewReads
  readonly #writing = new UnderWay()

  constructor(deps: JobDeskDependencies) {
    this.#deps = deps
    this.#reads = new FewReads(deps.clock, deps.fileSystemOf)
  }

  /**
   * @throws VoboxError `JOB_REQUEST_REFUSED` with `data.jobCode`; `FILE_UNWRITABLE` when it could not
   *   be written down, and then nothing has changed; `signal.reason`.
   */
  async serve(request: JobRequest, signal: AbortSignal): Promise<JobResponse> {
    switch (request.command) {
      case 'register':
        return this.#register(request, signal)
      case 'unregister':
        return this.#unregister(request, signal)
      case 'get':
        return this.#get(request.jobId)
    }
  }

  /**
   * Takes a registration back of which its client did not hear: it has gone, or asks again, and would be
   * registered twice, which ends never. Does not throw.
   */
  async unheard(request: JobRequest, { proxyFile }: JobResponse): Promise<void> {
    if (request.command !== 'register' || proxyFile === undefined) return
    await this.#writing.add(this.#takeBack(request.jobId, basename(proxyFile)))
  }

  /** Nobody is being registered, and what was to be taken back is. */
  settled(): Promise<void> {
    return this.#writing.settled()
  }

  async #register(request: Register, signal: AbortSignal): Promise<JobResponse> {
    const server = this.#serverOf(request)
    const handed = await this.#admit(request.proxyFile, signal)
    // Whoever was told that it took too long asks again: registered twice, it would never end.
    signal.throwIfAborted()
    return this.#writing.add(this.#enter(request.jobId, handed, server, signal))
  }

  /** Who is told that it is registered has it on disk; who is told that it failed is not registered. */
  async #enter(
    jobId: string,
    handed: Handed,
    server: string,
    signal: AbortSignal,
  ): Promise<JobResponse> {
    const { store, proxies, onChanged } = this.#deps
    const worth = { ...handed.worth, server }
    const key = worthKey(worth)
    const { fileName, changed } = await store.change((book) => {
      signal.throwIfAborted()
      const proxy = book.worth(key)?.proxy ?? this.#newProxy(worth)
      return this.#share(book, jobId, proxy, handed)
    })
    if (changed()) onChanged(fileName)
    try {
      signal.throwIfAborted()
      const answer = this.#answer(proxies.path(fileName), store.book.get(fileName))
      return await untilAborted(answer, signal)
    } catch (error) {
      await this.#takeBack(jobId, fileName)
      throw error
    }
  }

  /** A job whose client has been told meanwhile that it failed has nobody who would end it. */
  async #takeBack(job: string, fileName: string): Promise<void> {
    const { store, onEnded, journal } = this.#deps
    try {
      const { last } = await store.change((book) => {
        const shared = book.get(fileName)
        if (!shared?.jobs.has(job)) return { result: { last: false } }
        return this.#leave(shared, { job, newest: true })
      })
      if (last) onEnded(fileName)
    } catch (error) {
      const { message } = toVoboxError(error)
      const shown = printable(job, 200)
      const why = `${shown} stays registered though its client was not told so: ${message}`
      const options = `--jobid=${quoteShell(job)} -f ${quoteShell(this.#deps.proxies.path(fileName))}`
      journal.write('error', 'job-left', why, {
        job: shown,
        file: fileName,
        cure: `Call as the VO admin: vobox-proxy job unregister ${printable(options, 5000)}`,
      })
    }
  }

  /** Joins those that share `proxy`, or is the first. */
  #share(
    book: JobBook,
    job: string,
    proxy: JobProxy,
    handed: Handed,
  ): JobChange<{ fileName: string; changed: () => boolean }> {
    const { proxies } = this.#deps
    const { fileName } = proxy
    const shared = book.get(fileName)
    const first = shared === undefined
    let changed = first
    const write = async () => {
      if (first) await proxies.create(fileName, handed.credential())
      else changed = await this.#improve(fileName, handed)
    }
    return {
      record: { op: 'register', job, file: fileName, ...(tellsProxy(shared) && { proxy }) },
      before: { file: fileName, write },
      ...(first && { undo: () => proxies.remove(fileName) }),
      result: { fileName, changed: () => changed },
    }
  }

  /** All that share it may have gone by the time it is written: then there is nothing to improve. */
  async #improve(fileName: string, handed: Handed): Promise<boolean> {
    try {
      return await this.#deps.proxies.replaceIfLater(fileName, handed)
    } catch (error) {
      if (isVoboxError(error, 'NOT_REGISTERED')) return false
      throw error
    }
  }

  #newProxy(worth: Omit<JobProxy, 'fileName' | 'registeredAt'>): JobProxy {
    const { random, clock } = this.#deps
    const fileName = `job-${Buffer.from(random.bytes(NAME_BYTES)).toString('hex')}`
    return { fileName, ...worth, registeredAt: clock.now() }
  }

  async #unregister(request: Unregister, signal: AbortSignal): Promise<JobResponse> {
    const { store, proxies, onEnded } = this.#deps
    const named = await this.#followed(request)
    signal.throwIfAborted()
    const { fileName, last } = await store.change((book) => {
      // Whoever was told that it took too long asks again, and would end another registration.
      signal.throwIfAborted()
      return this.#leave(this.#find(book, named), { job: request.jobId })
    })
    const path = proxies.path(fileName)
    if (!last) return this.#left(path, fileName)
    onEnded(fileName)
    return { code: JOB_CODES.OK, proxyFile: path }
  }

  /** It has ended, and its client hears so, whatever becomes of the file that others share. */
  async #left(path: string, fileName: string): Promise<JobResponse> {
    const { clock, store } = this.#deps
    const late = () => new Error('the times are not known')
    const answer = () => this.#answer(path, store.book.get(fileName))
    try {
      return await withDeadline(clock, TIMES_DEADLINE_MS, undefined, late, answer)
    } catch {
      return { code: JOB_CODES.OK, proxyFile: path }
    }
  }

  /** One registration of a job less; the last one of all takes the file with it. */
  #leave(
    { proxy: { fileName }, jobs }: SharedProxy,
    leaving: { job: string; newest?: true },
  ): JobChange<{ fileName: string; last: boolean }> {
    const last = jobs.size === 1 && jobs.get(leaving.job) === 1
    return {
      record: { op: 'unregister', ...leaving, file: fileName },
      ...(last && { after: () => this.#deps.proxies.remove(fileName) }),
      result: { fileName, last },
    }
  }

  /**
   * Who was moved here by `job import` names the proxy by its old path, which is a link to one of ours.
   * Where the link leads is all that is looked at, and of a path of ours nothing.
   */
  async #followed(request: Unregister): Promise<Unregister> {
    const { proxyFile } = request
    if (proxyFile === undefined || !isAbsolute(proxyFile)) return request
    if (proxyFile === this.#deps.proxies.path(basename(proxyFile))) return request
    const look = async () => this.#deps.linkTarget?.(proxyFile)
    const target = await this.#reads.run(proxyFile, look)
    return target === undefined ? request : { ...request, proxyFile: target }
  }

  /** A path that is not ours is refused, whatever lies there: nothing outside is touched. */
  #find(book: JobBook, { jobId, proxyFile }: Unregister): SharedProxy {
    if (proxyFile === undefined) return this.#ofJob(book, jobId)
    const fileName = proxyFile.slice(proxyFile.lastIndexOf('/') + 1)
    const shared = book.get(fileName)
    if (shared === undefined || this.#deps.proxies.path(fileName) !== proxyFile) {
      const why = `${proxyFile} is no proxy of ours`
      throw jobRefusal(JOB_CODES.ELEMENT_NOT_FOUND, why, { hint: LISTED })
    }
    if (shared.jobs.has(jobId)) return shared
    const why = `${jobId} is not registered for ${proxyFile}`
    throw jobRefusal(JOB_CODES.NOT_REGISTERED, why, { hint: LISTED })
  }

  #ofJob(book: Pick<JobBook, 'ofJob'>, jobId: string): SharedProxy {
    const shared = book.ofJob(jobId)
    if (shared !== undefined) return shared
    throw jobRefusal(JOB_CODES.NOT_REGISTERED, `${jobId} is not registered`)
  }

  #get(jobId: string): JobResponse {
    const { store, proxies } = this.#deps
    const { proxy } = this.#ofJob(store.book, jobId)
    return { code: JOB_CODES.OK, proxyFile: proxies.path(proxy.fileName) }
  }

  #serverOf({ server }: Register): string {
    try {
      return oneServer(server, this.#deps.config.myproxy.port)
    } catch (error) {
      if (!isVoboxError(error)) throw error
      throw jobRefusal(JOB_CODES.GENERIC, error.message, { cause: error, hint: error.hint })
    }
  }

  async #admit(path: string, signal: AbortSignal): Promise<Handed> {
    const { files, clock, config, owners, attributeRules } = this.#deps
    if (!isAbsolute(path)) throw jobRefusal(JOB_CODES.GENERIC, `${path} is not an absolute path`)
    const attributes = await attributeRules(signal)
    const { anchors } = attributes
    try {
      const bytes = await readHandedProxy(this.#reads.of(files), path, owners)
      const rules = { anchors, attributes, now: clock.now(), config, path }
      const judge = () => admitJobProxy(parseCredential(bytes), rules)
      const { worth, end } = this.#admissions.admit(bytes, rules, judge)
      const hasAttributes = worth.voms.length > 0
      return { worth, end, hasAttributes, credential: () => parseCredential(bytes) }
    } catch (error) {
      if (!isVoboxError(error) || error.code === 'JOB_REQUEST_REFUSED') throw error
      throw asRefusal(error)
    }
  }

  /** With its times, as long as somebody shares it. */
  async #answer(proxyFile: string, shared: SharedProxy | undefined): Promise<JobResponse> {
    const { proxies, config, settings, clock } = this.#deps
    const times = shared && (await proxies.timesLately(shared.proxy.fileName))
    if (shared === undefined || times === undefined) return { code: JOB_CODES.OK, proxyFile }
    const now = clock.now()
    const registration = registrationOf(shared.proxy, settings)
    const decision = decideFor(registration, emptyState, times, config, now)
    const renewalAt: UnixSeconds = decision.action === 'wait' ? decision.until : now
    return { code: JOB_CODES.OK, proxyFile, end: times.chainEnd, renewalAt }
  }
}
