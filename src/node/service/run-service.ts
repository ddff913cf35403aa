/**
 * The life of the service's process: lock, pid file, signals, readiness, watchdog, and an end within a
 * deadline that leaves nothing half-written, because everything is written by rename.
 */
import type { Config } from '../../config/config.js'
import { toVoboxError, VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import type { Journal } from '../../ports/journal.js'
import { RenewalDaemon } from '../../renewal/daemon.js'
import { encodeServiceStatus, type ServiceSummary } from '../../renewal/service-status.js'
import { EXIT } from '../../report/exit-status.js'
import { removeOrphans } from '../../repository/orphans.js'
import { removeOldRehearsals } from '../check/rehearsal-directory.js'
import { openVo, type VoContext } from '../compose/compose.js'
import { readEffectiveConfig } from '../compose/compose-config.js'
import { findMailTrouble, noteMailTrouble } from '../compose/mail-trouble.js'
import { prepareVoDirectory } from '../compose/prepare-vo-directory.js'
import { replacementsSettled } from '../ports/file-replace.js'
import { nodeFiles } from '../ports/files.js'
import { openServiceJournal, type ServiceJournal } from './open-service-journal.js'
import type { PidFile } from './pid-file.js'
import { type ServiceFacts, takeServiceLock } from './service-lock.js'
import {
  openParts,
  openPartsAnew,
  type PartsOptions,
  placesOf,
  type ServiceParts,
} from './service-parts.js'
import { listenForSignals } from './service-signals.js'
import { feedWatchdog, type ServiceManager, serviceManager } from './systemd-notify.js'

export interface RunOptions {
  service: ServiceFacts
  root: string
  /** Written once the lock is ours, and kept. */
  pidFile: PidFile
  environment: Readonly<Record<string, string | undefined>>
}

/** From the first `SIGTERM` to the end of the process at the latest. */
const STOP_DEADLINE_MS = 15_000
/** `state/service.json` is written at most this often. */
const STATUS_PAUSE_MS = 60_000
/** The scheduler turns every minute; the watchdog is no longer told that all is well after this. */
const STUCK_MS = 180_000

/** @returns the exit status. @throws VoboxError before the service runs. */
export async function runService(options: RunOptions): Promise<number> {
  const { service, environment } = options
  // Before the lock, so that a wrong configuration or directory is what the caller hears about.
  const first = await openService(options)
  const lock = await takeServiceLock(nodeFiles, service)
  const { pidFile } = options
  pidFile.write(process.pid)
  const { journal } = first
  journal.write('info', 'started', `keeping the proxies of ${service.vo} alive`, {
    pid: process.pid,
    pidFile: pidFile.path,
  })
  const manager = serviceManager(environment, process.pid, journal)
  const running = new RunningService(options, first, manager)
  try {
    await running.run()
    return EXIT.ok
  } finally {
    manager.notify('STOPPING=1')
    await manager.settled()
    pidFile.clear()
    await lock.release()
    journal.write('info', 'stopped', 'ended in order')
    await journal.close()
  }
}

interface OpenService {
  vo: VoContext
  journal: ServiceJournal
}

async function openService({ service, root, environment }: RunOptions): Promise<OpenService> {
  const { log } = await readEffectiveConfig(nodeFiles, environment, process.getuid?.() ?? 0)
  const journal = await openServiceJournal(service.vo, log, environment)
  const vo = await reopen({ service, root, environment }, journal)
  await prepareVoDirectory(nodeFiles, vo.paths)
  const { directory, repository, state, spool } = vo.paths
  for (const each of [directory, repository, state, spool]) {
    await removeOrphans(nodeFiles, vo.clock, each)
  }
  await removeOldRehearsals(vo.clock, directory)
  return { vo, journal }
}

function reopen(
  { service, root, environment }: Pick<RunOptions, 'service' | 'root' | 'environment'>,
  journal: Journal,
): Promise<VoContext> {
  return openVo({ vo: service.vo, root, environment, journal, asService: true })
}

type End = 'stopped' | 'reconfigured'

class RunningService {
  readonly #options: RunOptions
  readonly #manager: ServiceManager
  readonly #journal: ServiceJournal
  readonly #stopping = new AbortController()
  readonly #startedAt: UnixSeconds
  #vo: VoContext
  /** Something is not served as the configuration has it: the next reload tries again. */
  #isLacking = false
  #daemon: RenewalDaemon | undefined
  #restart: (() => void) | undefined
  #lastTurnMs = performance.now()
  #lastStatusMs = Number.NEGATIVE_INFINITY
  #writing: Promise<void> = Promise.resolve()

  constructor(options: RunOptions, first: OpenService, manager: ServiceManager) {
    this.#options = options
    this.#vo = first.vo
    this.#journal = first.journal
    this.#manager = manager
    this.#startedAt = first.vo.clock.now()
  }

  /** Serves until a signal ends it; again with another configuration when that has changed. */
  async run(): Promise<void> {
    const forget = this.#listen()
    const isWell = () => performance.now() - this.#lastTurnMs < STUCK_MS
    const leave = feedWatchdog(this.#manager, isWell)
    try {
      // First of all: where somebody else holds the socket, nothing else is begun.
      let parts = await openParts(this.#vo, this.#given)
      while ((await this.#serve(parts)) === 'reconfigured') parts = await this.#reconfigure()
    } finally {
      leave()
      forget()
      this.#vo.close()
      await this.#writing
      await this.#vo.files.remove(this.#vo.paths.serviceStatus).catch(() => undefined)
      await replacementsSettled()
    }
  }

  async #reconfigure(): Promise<ServiceParts> {
    const openNext = () => reopen(this.#options, this.#journal)
    const parts = await openPartsAnew(this.#vo, openNext, this.#given)
    this.#vo = parts.vo
    this.#isLacking = parts.isLacking
    try {
      await this.#journal.follow(parts.vo.config.log)
    } catch (error) {
      const { code, message } = toVoboxError(error)
      this.#journal.write('error', 'reload-failed', `the log stays as it was: ${message}`, { code })
    }
    return parts
  }

  get #given(): PartsOptions {
    return { environment: this.#options.environment, startedAt: this.#startedAt }
  }

  async #serve(parts: ServiceParts): Promise<End> {
    const { vo, jobs, hooks, keeper, monitor } = parts
    const again = new AbortController()
    this.#restart = () => again.abort()
    const signal = AbortSignal.any([this.#stopping.signal, again.signal])
    const trouble = findMailTrouble(vo.config.mail)
    if (trouble !== undefined) await noteMailTrouble(vo.events, trouble)
    const daemon = new RenewalDaemon({
      ...placesOf(vo, jobs),
      ...(jobs && {
        retire: (registration) => jobs.service.retire(registration),
        seenAlive: (fileName) => jobs.service.seenAlive(fileName),
      }),
      sink: monitor.watching(keeper),
      onOutcome: (outcome, seconds) => monitor.attempted(outcome, seconds),
      onRenewed: (renewed) => hooks.renewed(renewed),
      onTurn: (turn) => {
        const summary = { ...turn, ...jobs?.service.counts }
        monitor.turned(summary)
        this.#turned(summary)
      },
    })
    this.#daemon = daemon
    jobs?.onTouched((fileName) => {
      daemon.touch(fileName).catch((error: unknown) => {
        const { code, message } = toVoboxError(error)
        this.#journal.write('error', 'look-failed', message, { file: fileName, code })
      })
    })
    const mail = keeper.run(signal)
    try {
      await daemon.run(signal)
    } finally {
      // Whatever ended the daemon ends the mail as well.
      again.abort()
      this.#daemon = undefined
      this.#restart = undefined
      await Promise.all([mail, parts.close()])
    }
    return this.#stopping.signal.aborted ? 'stopped' : 'reconfigured'
  }

  /** @returns what takes the handlers away. */
  #listen(): () => void {
    return listenForSignals({
      journal: this.#journal,
      stopDeadlineMs: STOP_DEADLINE_MS,
      onStop: () => this.#stop(),
      onReload: () => void this.#reload(),
      onWake: () => this.#daemon?.wake(),
    })
  }

  #stop(): void {
    this.#journal.write('info', 'stopping', 'asked to stop')
    this.#manager.notify('STOPPING=1', 'STATUS=stopping')
    this.#stopping.abort(new VoboxError('CANCELLED', 'the service is stopping'))
  }

  async #reload(): Promise<void> {
    this.#journal.write('info', 'reloading', 'reading everything again')
    try {
      const { environment } = this.#options
      const config = await readEffectiveConfig(nodeFiles, environment, process.getuid?.() ?? 0)
      const same = sameConfig(config, this.#vo.config) && !this.#isLacking
      if (same) this.#daemon?.reload()
      else this.#restart?.()
    } catch (error) {
      const { code, message } = toVoboxError(error)
      this.#journal.write('error', 'reload-failed', `going on as before: ${message}`, { code })
      this.#daemon?.reload()
    }
  }

  #turned(summary: ServiceSummary): void {
    this.#keepPidFile()
    const now = performance.now()
    this.#lastTurnMs = now
    if (now - this.#lastStatusMs < STATUS_PAUSE_MS) return
    if (this.#lastStatusMs < 0) this.#manager.notify('READY=1', `STATUS=${describe(summary)}`)
    else this.#manager.notify(`STATUS=${describe(summary)}`)
    this.#lastStatusMs = now
    this.#writing = this.#writing.then(() => this.#writeStatus(summary))
  }

  #keepPidFile(): void {
    const { pidFile } = this.#options
    if (!pidFile.keep(process.pid)) return
    this.#journal.write('warn', 'pid-file-lost', 'the pid file was gone and is written again', {
      pidFile: pidFile.path,
    })
  }

  async #writeStatus(summary: ServiceSummary): Promise<void> {
    const { files, paths } = this.#vo
    const status = { pid: process.pid, startedAt: this.#startedAt, ...summary }
    try {
      await files.replace(paths.serviceStatus, encodeServiceStatus(status), { mode: 0o600 })
    } catch (error) {
      const { code, message } = toVoboxError(error)
      this.#journal.write('warn', 'status-unwritable', message, { code })
    }
  }
}

function describe({ registrations, working, nextDueAt, ...rest }: ServiceSummary): string {
  const next = nextDueAt === undefined ? 'nothing is due' : `next look at ${clockTime(nextDueAt)}`
  const jobs = rest.jobs === undefined ? '' : `, ${rest.jobProxies} proxies of ${rest.jobs} jobs`
  return `${registrations} registered${jobs}, ${working} being renewed, ${next}`
}

function clockTime(at: UnixSeconds): string {
  return `${new Date(at * 1000).toISOString().slice(11, 19)}Z`
}

function sameConfig(one: Config, other: Config): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
