/**
 * Turns what the service sees into alerts that begin, last and end, and into mail.
 *
 * Observing never throws and never waits for a mail server: mails go to the spool, and a loop of
 * its own sends them. States live on disk, so that neither a restart nor a second process tells
 * anybody twice: a change is written together with the mail it makes, then the mail is handed to
 * the spool, which knows it by its message id.
 */
import { printable, toVoboxError } from '../errors.js'
import type { Clock, UnixSeconds } from '../ports/clock.js'
import type { FileLock, Files } from '../ports/files.js'
import type { Journal } from '../ports/journal.js'
import { parseMailAddresses } from '../ports/mail-address.js'
import { isOfJobs, type Observation, type ObservationSink } from '../registry/observation.js'
import { AlertFiles, type AlertKey, digestOf, keyOf, registrationKey } from './alert-files.js'
import type { QueuedMail } from './alert-schema.js'
import { type AlertChange, type AlertState, type AlertStep, stepAlerts } from './alert-states.js'
import { conditionSentence, endSentence } from './condition-texts.js'
import { type AlertName, assess, type ConditionKind, type ConditionRules } from './conditions.js'
import { cureInOneLine, type MailOrigin, mailText } from './mail-text.js'
import type { MailSpool } from './spool.js'

/** A change of an alert, for `events.log`, metrics and a command of the site's. */
export interface AlertEvent {
  at: UnixSeconds
  step: AlertStep
  alert: AlertName
  kind: ConditionKind
  /** One sentence, printable. */
  sentence: string
  /** What to do, in one line, printable; absent: there is nothing to do. */
  cure?: string
  since: UnixSeconds
  /** What it is about ends, or ended, then. */
  endsAt?: UnixSeconds
  /** File name of the registration it is about. */
  fileName?: string
  identity?: string
  /** Name of the service's condition it is about. */
  condition?: string
  /** Who gets mail about it; empty: nobody. */
  to: readonly string[]
}

export interface AlertKeeperDependencies {
  files: Files
  clock: Clock
  journal: Journal
  /** The registry's state directory. */
  stateDirectory: string
  /** null: no mail at all (`mail.transport = "none"`). */
  spool: MailSpool | null
  /** Full name of this machine. */
  host: string
  vo: string
  /** Gets what no user can cure (`mail.admin`). */
  admin: string
  reminderSeconds: number
  /** Must not throw; a rejection goes to the journal. */
  onAlert?: (event: AlertEvent) => void | Promise<void>
  rules?: ConditionRules
}

/** How long another process may take to write its alerts. */
const LOCK_DEADLINE_MS = 10_000

export class AlertKeeper implements ObservationSink {
  readonly #deps: AlertKeeperDependencies
  readonly #files: AlertFiles
  readonly #origin: MailOrigin
  /** The last piece of work for each key; one at a time. */
  readonly #chains = new Map<AlertKey, Promise<void>>()
  /** Mail came in since the loop last looked. */
  #mailCame = false
  #wake: () => void = () => undefined

  constructor(deps: AlertKeeperDependencies) {
    this.#deps = deps
    this.#files = new AlertFiles(deps.files, deps.stateDirectory)
    this.#origin = { host: deps.host, vo: deps.vo, reminderSeconds: deps.reminderSeconds }
  }

  observe(observation: Observation): Promise<void> {
    const key = keyOf(observation)
    return this.#serially(key, () => this.#observe(key, observation))
  }

  forget(fileName: string): Promise<void> {
    const key = registrationKey(fileName)
    return this.#serially(key, async () => {
      if (await this.#files.exists(key)) await this.#locked(() => this.#files.remove(key))
    })
  }

  /** Alerts that somebody was told about and that are not over, for `query` and `check`. */
  async active(fileName: string): Promise<AlertState[]> {
    const { states } = await this.#files.read(registrationKey(fileName))
    return states.filter(({ told, endedAt }) => told !== undefined && endedAt === undefined)
  }

  /** Sends spooled mail until `signal` aborts; then resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    while (!signal.aborted) {
      this.#mailCame = false
      const nextAt = await this.flush(signal)
      if (signal.aborted) return
      if (this.#mailCame) continue
      const pause = new AbortController()
      this.#wake = () => pause.abort()
      const waitMs = Math.max(1, nextAt - clock.now()) * 1000
      await clock.sleep(waitMs, AbortSignal.any([signal, pause.signal])).catch(() => undefined)
    }
  }

  /** Sends what is due now. Never rejects. @returns when to call again. */
  async flush(signal?: AbortSignal): Promise<number> {
    const { clock, journal, spool } = this.#deps
    try {
      if (spool !== null) return await spool.flush(signal)
    } catch (error) {
      if (!signal?.aborted) journal.write('error', 'spool-failed', toVoboxError(error).message)
    }
    return clock.now() + 60
  }

  async #observe(key: AlertKey, observation: Observation): Promise<void> {
    const assessment = assess(observation, this.#deps.rules)
    const nothing = assessment.conditions.length === 0
    if (nothing && !(await this.#files.exists(key))) return
    await this.#locked(async () => {
      const { states: before, outbox } = await this.#files.read(key)
      const { reminderSeconds } = this.#deps
      const { states, changes } = stepAlerts(before, assessment, observation.at, reminderSeconds)
      const mails = await this.#mailsFor(key, observation, changes)
      const waiting = [...outbox, ...mails]
      const changed = waiting.length > 0 || JSON.stringify(states) !== JSON.stringify(before)
      if (!changed) return
      await this.#write(key, states, waiting)
      for (const change of changes) await this.#announce(observation, change)
      if (waiting.length === 0) return
      for (const mail of waiting) await this.#deps.spool?.add(mail)
      await this.#write(key, states, [])
      this.#mailCame = true
      this.#wake()
    })
  }

  /** A disk that takes nothing must not keep the news from anybody. */
  async #write(
    key: AlertKey,
    states: readonly AlertState[],
    outbox: readonly QueuedMail[],
  ): Promise<void> {
    try {
      await this.#files.write(key, { states, outbox })
    } catch (error) {
      const { code, message } = toVoboxError(error)
      this.#deps.journal.write('error', 'alert-state-unwritable', message, { code })
    }
  }

  async #mailsFor(
    key: AlertKey,
    observation: Observation,
    changes: readonly AlertChange[],
  ): Promise<QueuedMail[]> {
    const { spool } = this.#deps
    const to = this.#recipients(observation)
    if (spool === null || to.length === 0) return []
    const mails: QueuedMail[] = []
    for (const change of changes) {
      const alert = `${digestOf(key)}:${change.state.alert}`
      // Reminders do not pile up behind a mail server that is down: the first mail still waits.
      if (change.step === 'reminder' && (await spool.holds(alert))) continue
      mails.push({
        ...mailText(change, observation, this.#origin),
        messageId: this.#messageId(key, change),
        alert,
        to,
        queuedAt: observation.at,
        attempts: 0,
        nextAt: observation.at,
        refused: false,
      })
    }
    return mails
  }

  /** The same for the same change of the same alert, whoever sees it. */
  #messageId(key: AlertKey, { step, state }: AlertChange): string {
    const { vo, host } = this.#deps
    const parts = [vo, key, state.alert, state.since, step, state.told?.mails ?? 0]
    return `<${digestOf(parts.join('\n'))}@${host.replace(/[^A-Za-z0-9.-]/g, '-')}>`
  }

  #recipients(observation: Observation): string[] {
    const { admin, journal } = this.#deps
    const address = observation.about === 'registration' ? observation.registration.email : admin
    if (address === null) return []
    try {
      return parseMailAddresses(address)
    } catch (error) {
      journal.write('error', 'mail-address-invalid', toVoboxError(error).message)
      return []
    }
  }

  async #announce(observation: Observation, change: AlertChange): Promise<void> {
    const { journal, onAlert } = this.#deps
    const event = this.#eventOf(observation, change)
    journal.write(change.step === 'end' ? 'info' : 'warn', `alert-${change.step}`, event.sentence, {
      alert: event.alert,
      kind: event.kind,
      dn: event.identity,
      file: event.fileName,
      condition: event.condition,
    })
    try {
      await onAlert?.(event)
    } catch (error) {
      journal.write('error', 'alert-listener-failed', toVoboxError(error).message)
    }
  }

  #eventOf(observation: Observation, change: AlertChange): AlertEvent {
    const { step, state, condition } = change
    const cure = cureInOneLine(change, observation, this.#deps.vo)
    const sentence =
      condition === undefined
        ? endSentence(state.alert, isOfJobs(observation))
        : conditionSentence(condition, observation.at, state.since)
    return {
      at: observation.at,
      step,
      alert: state.alert,
      kind: state.kind,
      sentence: printable(sentence),
      ...(cure !== '' && { cure }),
      since: state.since,
      ...(condition?.endsAt !== undefined && { endsAt: condition.endsAt }),
      to: this.#deps.spool === null ? [] : this.#recipients(observation),
      ...(observation.about === 'registration' && {
        fileName: observation.registration.fileName,
        identity: printable(observation.registration.identity),
      }),
      ...(observation.about === 'service' && { condition: printable(observation.condition) }),
    }
  }

  async #locked(work: () => Promise<void>): Promise<void> {
    const lock = await this.#lock()
    try {
      await work()
    } finally {
      await lock?.release()
    }
  }

  /** Without the lock somebody may be told twice; without the work, nobody would be told. */
  async #lock(): Promise<FileLock | undefined> {
    try {
      return await this.#files.lock(LOCK_DEADLINE_MS)
    } catch (error) {
      const { code, message } = toVoboxError(error)
      this.#deps.journal.write('warn', 'alert-lock-failed', message, { code })
      return undefined
    }
  }

  /** Runs work for one key after all earlier work for it. Never rejects. */
  #serially(key: AlertKey, work: () => Promise<void>): Promise<void> {
    const next = (this.#chains.get(key) ?? Promise.resolve()).then(work).catch((error) => {
      const { code, message } = toVoboxError(error)
      this.#deps.journal.write('error', 'alert-failed', message, { code })
    })
    this.#chains.set(key, next)
    return next.then(() => {
      if (this.#chains.get(key) === next) this.#chains.delete(key)
    })
  }
}
