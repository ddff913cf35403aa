/**
 * The Proxy Renewal Service of one VO, without its process: keeps every registered proxy alive until
 * its signal aborts.
 *
 * Each registration is looked at when something of it may change: when it is due, when a threshold
 * passes that somebody wants mail about, when the registry says that it was touched, and every half
 * hour. A look reads a file or two; only what is due takes a worker and the network. The registry and
 * the proxy files are the truth: what is kept here in memory can be lost without harm.
 */
import { toVoboxError } from '../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import { isJobFile } from '../registry/job-file-name.js'
import type { ObservationSink } from '../registry/observation.js'
import type { Registration, RegistrationState } from '../registry/registration.js'
import type { RenewalContext } from './context.js'
import { isOfAttributes } from './dress-fresh.js'
import { laneOf } from './lane-of.js'
import type { MachineProxyFile } from './machine-proxy-file.js'
import { attemptTime, earliestRetry, nextLook } from './next-look.js'
import type { RenewalOutcome } from './outcome.js'
import type { ProxyTimes } from './proxy-facts.js'
import { type KnownTimes, ProxyTimesCache } from './proxy-times-cache.js'
import { renewOne } from './renew-one.js'
import { type NextStep, Scheduler, type WorkResult } from './scheduler.js'
import { ServiceWatch } from './service-watch.js'
import { learnStoredEnd, STORED_END_PAUSE_SECONDS, wantsStoredEnd } from './stored-end.js'

export interface DaemonContext extends RenewalContext {
  sink: ObservationSink
  machineProxyFile: MachineProxyFile
  /** What is known of the proxy files, where somebody else looks at them too; default: its own. */
  times?: KnownTimes
  /** Forgets what was read of CA directory, `vomsdir` and `vomses`. */
  forgetTrust?(): void
  /** Called at least once a minute while all is well; for the watchdog and for `status`. */
  onTurn?(summary: DaemonSummary): void
  /**
   * Asked about a proxy whose chain has ended, or that cannot be read, once it was told. Absent:
   * registrations stay until somebody unregisters them.
   */
  retire?(registration: Registration): Promise<Retirement>
  /** Told at each look of a proxy whose chain has not ended. */
  seenAlive?(fileName: string): void
  /** Called after each try of a renewal, with how long it took, in seconds; for metrics. */
  onOutcome?(outcome: RenewalOutcome, seconds: number): void
}

/** Whether it is registered no more; if it is, when to ask again at the latest. */
export interface Retirement {
  isGone: boolean
  askAgainSeconds?: number
}

export interface DaemonSummary {
  /** Of the VO-Box; job proxies are counted by who has them. */
  registrations: number
  /** Renewals under way. */
  working: number
  /** Those that are due and wait for a worker. */
  queued: number
  /** When something is looked at next. */
  nextDueAt?: UnixSeconds
}

/** What is remembered between two looks at one registration. */
interface Memory {
  registration: Registration
  /** No attempt before; for what a full disk kept from being written down. */
  holdUntil: UnixSeconds | undefined
  /** INFO was asked last. */
  askedAt: UnixSeconds | undefined
  /** The cause of the last failure may be gone: try though the back-off has not ended. */
  retryNow: boolean
  /** As the last look found it. */
  lastFailure: RegistrationState['lastFailure']
}

/** How long to leave alone a registration that another process is working on. */
const BUSY_SECONDS = 5

export class RenewalDaemon {
  readonly #context: DaemonContext
  readonly #scheduler: Scheduler
  readonly #times: KnownTimes
  readonly #service: ServiceWatch
  readonly #known = new Map<string, Memory>()
  /** How many of these are. */
  #jobProxies = 0
  #reconciledAt: UnixSeconds | undefined
  #reconciling: Promise<void> = Promise.resolve()

  constructor(context: DaemonContext) {
    this.#context = context
    this.#times = context.times ?? new ProxyTimesCache(context)
    this.#service = new ServiceWatch(context)
    const { clock, config, journal } = context
    this.#scheduler = new Scheduler({
      clock,
      workers: config.renewal.workers,
      workersPerLane: config.renewal.workersPerServer,
      look: (fileName) => this.#look(fileName),
      work: (fileName, signal) => this.#work(fileName, signal),
      onClockJump: (seconds) => {
        journal.write('warn', 'clock-jumped', `the clock jumped by ${seconds} s`, { seconds })
        this.reload()
      },
      onFault: (file, error) => {
        const { code, message } = toVoboxError(error)
        journal.write('error', 'look-failed', message, { file, code })
      },
      onTurn: () => {
        this.#service.lookIfDue()
        context.onTurn?.(this.summary)
      },
    })
  }

  get summary(): DaemonSummary {
    const { nextDueAt, working, queued } = this.#scheduler
    const registrations = this.#known.size - this.#jobProxies
    return { registrations, working, queued, ...(nextDueAt && { nextDueAt }) }
  }

  /** Works until `signal` aborts, then ends what is under way; rejects when the registry is unusable. */
  async run(signal: AbortSignal): Promise<void> {
    const { registry, machineProxyFile, events } = this.#context
    const watches = [
      registry.watch(() => this.#registryChanged()),
      machineProxyFile.watch(() => this.#machineProxyChanged()),
    ]
    try {
      this.#reconciling = this.#reconcile()
      await this.#reconciling
      await events.write('service-started', { registrations: this.summary.registrations })
      await this.#scheduler.run(signal)
      await events.write('service-stopped', {})
    } finally {
      for (const watch of watches) watch.close()
      await this.#reconciling
      await this.#service.settled()
    }
  }

  /** Looks at the clock, and tries again at once what failed for a reason that may have passed. */
  wake(): void {
    this.#retry(({ lastFailure }) => lastFailure?.persistence === 'transient')
    this.#scheduler.wake()
  }

  /** One registration came, changed or went; for a registry that says which. */
  async touch(fileName: string): Promise<void> {
    const registration = await this.#context.registry.get(fileName)
    if (registration === undefined) return this.#forget(fileName)
    this.#know(registration)
    this.#times.delete(fileName)
    this.#scheduler.set(fileName)
  }

  /** Reads everything again. */
  reload(): void {
    this.#times.clear()
    this.#context.forgetTrust?.()
    this.#service.lookNow()
    this.#reconciledAt = undefined
    this.#registryChanged()
  }

  #registryChanged(): void {
    const { journal } = this.#context
    this.#reconciling = this.#reconciling
      .then(() => this.#reconcile())
      .catch((error) => {
        const { code, message } = toVoboxError(error)
        journal.write('error', 'registry-unreadable', message, { code })
      })
  }

  /** Brings the schedule in line with the registry. The only thing that costs the number of all. */
  async #reconcile(): Promise<void> {
    const { registry, clock } = this.#context
    const since = this.#reconciledAt
    const now = clock.now()
    const registrations = await registry.all()
    for (const fileName of this.#known.keys()) {
      if (registrations.has(fileName)) continue
      // One that was touched since is not in what was read.
      if ((await registry.get(fileName)) === undefined) await this.#forget(fileName)
    }
    for (const [fileName, registration] of registrations) {
      const known = this.#known.get(fileName)
      const same = known !== undefined && isSame(known.registration, registration)
      // An update within the second of the last look at the registry may show in the file alone.
      const recent = since === undefined || registration.updatedAt >= since - 1
      if (same && !recent) continue
      const anew = !same || since === undefined
      if (anew) this.#know(registration)
      this.#times.delete(fileName)
      this.#scheduler.set(fileName)
    }
    this.#reconciledAt = now
    await this.#service.registryRead()
  }

  #know(registration: Registration): void {
    const { fileName } = registration
    const known = this.#known.get(fileName)
    this.#known.set(fileName, memoryOf(registration, known))
    if (known === undefined && isJobFile(fileName)) this.#jobProxies += 1
  }

  async #forget(fileName: string): Promise<void> {
    if (this.#known.delete(fileName) && isJobFile(fileName)) this.#jobProxies -= 1
    this.#times.delete(fileName)
    this.#context.grants.forget(fileName)
    this.#scheduler.delete(fileName)
    await this.#context.sink.forget(fileName)
  }

  #machineProxyChanged(): void {
    this.#service.lookNow()
    this.#retry(({ lastFailure }) => lastFailure?.code.startsWith('MACHINE_PROXY_') === true)
  }

  #retry(which: (memory: Memory) => boolean): void {
    for (const [fileName, memory] of this.#known) {
      if (!which(memory)) continue
      memory.retryNow = true
      memory.holdUntil = undefined
      this.#scheduler.set(fileName)
    }
  }

  async #look(fileName: string): Promise<NextStep> {
    const { registry, clock, config } = this.#context
    const registration = await registry.get(fileName)
    const memory = this.#known.get(fileName)
    if (registration === undefined || memory === undefined) return { kind: 'forget' }
    const state = await registry.state(fileName)
    const times = await this.#times.get(fileName)
    // It ended meanwhile, and its file with it: nobody wants to be told that this is unreadable.
    if (!this.#known.has(fileName)) return { kind: 'forget' }
    await this.#observe(registration, state, times)
    const { isGone, askAgainSeconds } = await this.#retire(registration, times)
    if (isGone) return { kind: 'forget' }
    memory.registration = registration
    memory.lastFailure = state.lastFailure

    const now = clock.now()
    const facts = { registration, state, times, config, now }
    const held = memory.holdUntil !== undefined && memory.holdUntil > now
    const attemptAt = memory.retryNow ? earliestRetry(facts) : attemptTime(facts)
    if (!held && (attemptAt <= now || this.#wantsInfo(memory, state, times, now))) {
      return { kind: 'work', lane: laneOf(this.#context, registration) }
    }
    const attempt = Math.max(attemptAt, memory.holdUntil ?? 0)
    const askAgainAt = now + (askAgainSeconds ?? Number.POSITIVE_INFINITY)
    const until = asUnixSeconds(Math.min(nextLook(facts, attempt), askAgainAt))
    return { kind: 'wait', until }
  }

  async #retire(registration: Registration, times: ProxyTimes | undefined): Promise<Retirement> {
    const { retire, seenAlive, clock } = this.#context
    const { fileName } = registration
    if (times !== undefined && times.chainEnd > clock.now()) {
      seenAlive?.(fileName)
      return { isGone: false }
    }
    if (retire === undefined) return { isGone: false }
    const retirement = await retire(registration)
    if (retirement.isGone) await this.#forget(fileName)
    return retirement
  }

  async #work(fileName: string, signal: AbortSignal): Promise<WorkResult> {
    const { clock, registry } = this.#context
    const memory = this.#known.get(fileName)
    if (memory === undefined) return { next: { kind: 'forget' } }
    const { retryNow } = memory
    memory.retryNow = false
    const startedMs = clock.monotonicMs()
    const outcome = await renewOne(this.#context, fileName, { signal, evenIfBackingOff: retryNow })
    this.#context.onOutcome?.(outcome, (clock.monotonicMs() - startedMs) / 1000)
    let reachable = reachabilityOf(outcome)
    memory.holdUntil = holdOf(outcome, clock.now())
    if (outcome.kind === 'not-due') {
      const state = await registry.state(fileName)
      const times = await this.#times.get(fileName)
      if (this.#wantsInfo(memory, state, times, clock.now())) {
        memory.askedAt = clock.now()
        reachable = (await learnStoredEnd(this.#context, memory.registration, signal)).reachable
      }
    }
    const next: NextStep = signal.aborted ? { kind: 'forget' } : await this.#look(fileName)
    return { next, ...(reachable !== undefined && { reachable }) }
  }

  #wantsInfo(
    { registration, askedAt }: Memory,
    state: RegistrationState,
    times: ProxyTimes | undefined,
    now: UnixSeconds,
  ): boolean {
    if (times === undefined || times.chainEnd <= now) return false
    if (askedAt !== undefined && Math.abs(now - askedAt) < STORED_END_PAUSE_SECONDS) return false
    return wantsStoredEnd(registration, state, now)
  }

  async #observe(
    registration: Registration,
    state: RegistrationState,
    times: ProxyTimes | undefined,
  ): Promise<void> {
    const { sink, clock, repository } = this.#context
    await sink.observe({
      about: 'registration',
      at: clock.now(),
      registration,
      state,
      file: repository.path(registration.fileName),
      ...(times && { proxyEnd: times.end, chainEnd: times.chainEnd }),
      ...(times?.attributesEnd !== undefined && { attributesEnd: times.attributesEnd }),
      ...(times && { lacksAttributes: registration.voms.length > 0 && !times.hasAttributes }),
    })
  }
}

/** What is known at the start, or after somebody touched the registration: they may have cured it. */
function memoryOf(registration: Registration, before: Memory | undefined): Memory {
  return {
    registration,
    holdUntil: undefined,
    askedAt: undefined,
    retryNow: before?.lastFailure !== undefined,
    lastFailure: before?.lastFailure,
  }
}

function isSame(one: Registration, other: Registration): boolean {
  if (one === other) return true
  return one.updatedAt === other.updatedAt && JSON.stringify(one) === JSON.stringify(other)
}

function reachabilityOf(outcome: RenewalOutcome): boolean | undefined {
  if (outcome.kind === 'renewed' || outcome.kind === 'capped') return true
  if (outcome.kind !== 'failed') return undefined
  const { code } = outcome.error
  // The MyProxy server has answered; the VOMS servers, which the lane is of as well, may not have.
  if (isOfAttributes(outcome.error)) return code !== 'VOMS_SERVERS_FAILED'
  if (code === 'ALL_SERVERS_FAILED') return false
  // What was refused or sent shows that there is somebody; anything else happened on our side.
  return /^(MYPROXY|RENEWED)_/.test(code) ? true : undefined
}

function holdOf(outcome: RenewalOutcome, now: UnixSeconds): UnixSeconds | undefined {
  if (outcome.kind === 'failed' || outcome.kind === 'capped') return outcome.retryAt
  if (outcome.kind === 'busy') return asUnixSeconds(now + BUSY_SECONDS)
  return undefined
}
