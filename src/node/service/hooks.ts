/**
 * The site's own commands: `renewed` when a fresh proxy is in its file, `alert` whenever there would
 * be mail, also where nobody gave an address. `docs/admin-guide.md` describes them.
 *
 * Whatever a hook does, it delays and harms no renewal: news is put into a queue of its own for each
 * hook and worked off one by one.
 */
import type { AgentsLog } from '../../agents/agents-log.js'
import { HookQueue } from '../../agents/hook-queue.js'
import { runHook } from '../../agents/run-hook.js'
import { within } from '../../agents/within.js'
import type { AlertEvent } from '../../alerts/alert-keeper.js'
import type { AlertStep } from '../../alerts/alert-states.js'
import type { Config } from '../../config/config.js'
import { cureOf, printable, toVoboxError, VoboxError } from '../../errors.js'
import type { Clock } from '../../ports/clock.js'
import type { Journal } from '../../ports/journal.js'
import type { Runner } from '../../ports/runner.js'
import type { RenewedProxy } from '../../renewal/context.js'
import type { EventLog } from '../../renewal/events.js'
import { findHook, type HookName } from './find-hook.js'

export interface HooksDependencies {
  vo: string
  clock: Clock
  journal: Journal
  events: EventLog
  log: AgentsLog
  runner: Runner
  config: Config['hooks']
  /** Full path of a proxy file. */
  pathOf(fileName: string): string
  /** Of every hook; the variables of the occasion come on top. */
  environment: Readonly<Record<string, string>>
}

/** About what a hook is run, and what it is told. */
interface HookJob {
  about: string
  variables: Readonly<Record<string, string>>
}

/** Most that waits for one hook: more is not a slow hook but one that never keeps up. */
const MOST_WAITING = 1000

const LONGEST_DN = 8000

const STATES = {
  begin: 'begins',
  worse: 'begins',
  reminder: 'lasts',
  end: 'ended',
} as const satisfies Record<AlertStep, string>

export class Hooks {
  readonly #deps: HooksDependencies
  readonly #queues: Readonly<Record<HookName, HookQueue<HookJob>>>
  readonly #ending = new AbortController()
  /** What was refused last: said once, and not with every renewal. */
  readonly #refusals = new Map<HookName, string>()

  constructor(deps: HooksDependencies) {
    this.#deps = deps
    this.#queues = { renewed: this.#queueFor('renewed'), alert: this.#queueFor('alert') }
  }

  /** Returns at once and never throws. */
  renewed({ fileName, identity, end }: RenewedProxy): void {
    const variables = { ...this.#about(fileName, identity), VOBOX_END: String(end) }
    this.#queues.renewed.add({ about: fileName, variables })
  }

  /** Returns at once and never throws. */
  alert(event: AlertEvent): void {
    const { alert, kind, step, sentence, cure, fileName, identity, condition, endsAt } = event
    const variables = {
      ...this.#about(fileName, identity),
      ...(endsAt !== undefined && { VOBOX_END: String(endsAt) }),
      VOBOX_ALERT: kind,
      VOBOX_STATE: STATES[step],
      VOBOX_SENTENCE: sentence,
      ...(cure !== undefined && { VOBOX_CURE: cure }),
      ...(condition !== undefined && { VOBOX_CONDITION: condition }),
    }
    this.#queues.alert.add({ about: [alert, fileName, condition].join(' '), variables })
  }

  /** When nothing waits and nothing runs. */
  async settled(): Promise<void> {
    await Promise.all(Object.values(this.#queues).map((queue) => queue.settled()))
  }

  /** Ends within `graceMs` and a moment: what waits is forgotten, what still runs then is killed. */
  async close(graceMs: number): Promise<void> {
    const { clock, journal } = this.#deps
    const waited = Object.values(this.#queues).reduce((sum, queue) => sum + queue.close(), 0)
    if (waited > 0) journal.write('warn', 'hooks-forgotten', `${waited} runs of hooks left out`)
    const settled = this.settled().then(() => true)
    if (await within(clock, graceMs, settled)) return
    this.#ending.abort()
    await settled
  }

  #about(fileName: string | undefined, identity: string | undefined): Record<string, string> {
    return {
      ...(fileName !== undefined && { VOBOX_FILE: this.#deps.pathOf(fileName) }),
      ...(identity !== undefined && { VOBOX_DN: printable(identity, LONGEST_DN) }),
    }
  }

  #queueFor(name: HookName): HookQueue<HookJob> {
    return new HookQueue<HookJob>({
      limit: MOST_WAITING,
      run: (job) => this.#run(name, job).catch((error) => this.#failed(name, job, error)),
      onDropped: (job) => this.#refuse(name, job, tooMany(name)),
    })
  }

  async #run(name: HookName, job: HookJob): Promise<void> {
    const { config, clock, runner, log, vo, environment } = this.#deps
    let file: string | undefined
    try {
      file = findHook(config.directory, name)
    } catch (error) {
      return this.#refuse(name, job, toVoboxError(error))
    }
    this.#refusals.delete(name)
    if (file === undefined) return
    await runHook({
      clock,
      runner,
      log,
      name: `hooks/${name}`,
      file,
      environment: { ...environment, VOBOX_VO: vo, VOBOX_EVENT: name, ...job.variables },
      deadlineMs: config.deadlineSeconds * 1000,
      signal: this.#ending.signal,
    })
  }

  #refuse(name: HookName, job: HookJob, error: VoboxError): void {
    if (this.#refusals.get(name) === error.message) return
    this.#refusals.set(name, error.message)
    this.#failed(name, job, error)
  }

  #failed(name: HookName, { variables }: HookJob, error: unknown): void {
    const { events, journal } = this.#deps
    const failure = toVoboxError(error)
    const { code, message } = failure
    const file = variables.VOBOX_FILE?.split('/').pop()
    const fields = { hook: name, dn: variables.VOBOX_DN, file, alert: variables.VOBOX_ALERT, code }
    journal.write('warn', 'hook-failed', message, fields)
    void events.write('hook-failed', { ...fields, reason: message, cure: cureOf(failure) })
  }
}

function tooMany(name: HookName): VoboxError {
  const message = `${MOST_WAITING} runs of the hook ${name} wait already; news is left out`
  return new VoboxError('HOOK_FAILED', message, {
    hint: 'Make the hook quicker: it gets one run a renewal',
    data: { hook: name },
  })
}
