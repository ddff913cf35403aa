/**
 * Mail on its way: handed in once, sent once, retried across restarts until it is taken.
 *
 * Site firewalls often drop mail for days, so a mail is given up after a week at the earliest. One
 * that was sent leaves a note for a day, so that handing it in again, after a crash between two
 * steps, does not send it again. Only a crash between the server's "taken" and that note can send a
 * mail twice; both then carry the same message id.
 */
import { toVoboxError, VoboxError } from '../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import { withDeadline } from '../ports/deadline.js'
import { parseMailAddress } from '../ports/mail-address.js'
import type { Mail, Mailer } from '../ports/mailer.js'
import type { QueuedMail } from './alert-schema.js'
import { SpoolFiles, type SpoolFilesDependencies } from './spool-files.js'
import { utcText } from './time-text.js'

export interface SpoolDependencies extends SpoolFilesDependencies {
  mailer: Mailer
  /** Deadline for handing over one mail, in milliseconds. */
  deadlineMs: number
  /** Told why a mail was not sent; of the same reason in a row, once. Must not throw. */
  onTrouble?: (error: VoboxError) => void
}

export type NewMail = Pick<QueuedMail, 'messageId' | 'alert' | 'to' | 'subject' | 'text'>

/** Beyond this many unsent mails no further one is taken, and the journal says so. */
export const MAX_UNSENT = 1000

/** No mail is given up before it has waited this long, in seconds. */
export const GIVE_UP_AFTER_SECONDS = 7 * 86_400

const FIRST_PAUSE_SECONDS = 60
const LONGEST_PAUSE_SECONDS = 3600

/** After the transport said that trying again will not help, which has been wrong before. */
const REFUSED_PAUSE_SECONDS = 6 * 3600

/**
 * After this many failures in a row the transport is down, and the other mails can wait as well.
 */
const FAILURES_TO_PAUSE = 3

/** How soon others may have left something, and how long a transport that is down is left alone. */
const LOOK_AGAIN_SECONDS = 60

type Outcome = 'sent' | 'failed' | 'refused'

export class MailSpool {
  readonly #deps: SpoolDependencies
  readonly #spool: SpoolFiles
  /** What is known to be wrong. */
  #trouble: string | undefined

  constructor(deps: SpoolDependencies) {
    this.#deps = deps
    this.#spool = new SpoolFiles(deps)
  }

  /**
   * Takes a mail; one with the same `messageId` that waits, or was sent within a day, is the same
   * mail. Resolves with whether it was taken anew; never rejects for a full disk.
   */
  async add(mail: NewMail): Promise<boolean> {
    const { clock, journal } = this.#deps
    if (await this.#spool.knows(mail)) return false
    if ((await this.#spool.count()) >= MAX_UNSENT) {
      const { subject } = mail
      journal.write('error', 'mail-dropped', `${MAX_UNSENT} mails wait already`, { subject })
      return false
    }
    const now = clock.now()
    const queuedAt = await this.#place(mail.alert, now)
    await this.#spool.save({ ...mail, queuedAt, attempts: 0, nextAt: now, refused: false })
    return true
  }

  /** Behind all that waits about the same alert: within a second too, and after the clock went back. */
  async #place(alert: string, now: UnixSeconds): Promise<number> {
    const before = await this.#spool.about(alert)
    return Math.max(now, ...before.map(({ queuedAt }) => queuedAt + 1))
  }

  /** Whether a mail about this alert waits. */
  holds(alert: string): Promise<boolean> {
    return this.#spool.holds(alert)
  }

  /**
   * Sends what is due. One process at a time does; in another this returns at once.
   *
   * @returns when to call again: in a minute at the latest.
   */
  async flush(signal?: AbortSignal): Promise<number> {
    const { clock } = this.#deps
    await this.#spool.sweep()
    if ((await this.#spool.count()) === 0) return clock.now() + LOOK_AGAIN_SECONDS
    const lock = await this.#spool.tryLock()
    if (lock === undefined) return clock.now() + LOOK_AGAIN_SECONDS
    try {
      await this.#sendDue(signal)
      const now = clock.now()
      const waiting = (await this.#spool.load()).map(({ nextAt }) => nextAt)
      // What is due and was not sent waits for its turn, or for a transport that is down.
      return Math.min(...waiting.filter((nextAt) => nextAt > now), now + LOOK_AGAIN_SECONDS)
    } finally {
      await lock.release()
    }
  }

  /**
   * Beginning, reminder and all-clear of one alert leave in this order. One that was refused holds
   * nothing up, since the address may have been corrected since: it is dropped when a later one has
   * been taken, which says so.
   */
  async #sendDue(signal: AbortSignal | undefined): Promise<void> {
    const blocked = new Set<string>()
    const refused = new Map<string, QueuedMail[]>()
    let failures = 0
    for (const mail of await this.#spool.load()) {
      if (blocked.has(mail.alert)) continue
      const earlier = refused.get(mail.alert) ?? []
      if (!this.#isDue(mail)) {
        if (mail.refused) refused.set(mail.alert, [...earlier, mail])
        else blocked.add(mail.alert)
        continue
      }
      const outcome = await this.#send(mail, earlier, signal)
      if (outcome === 'sent') refused.delete(mail.alert)
      if (outcome === 'refused') refused.set(mail.alert, [...earlier, mail])
      if (outcome === 'failed') blocked.add(mail.alert)
      failures = outcome === 'failed' ? failures + 1 : 0
      if (failures === FAILURES_TO_PAUSE) return
    }
  }

  /** Due, or far away because the clock was set back since. */
  #isDue({ nextAt }: QueuedMail): boolean {
    const now = this.#deps.clock.now()
    return nextAt <= now || nextAt > now + REFUSED_PAUSE_SECONDS
  }

  /** @param earlier mails of the same alert that were refused and still wait. */
  async #send(
    mail: QueuedMail,
    earlier: readonly QueuedMail[],
    signal: AbortSignal | undefined,
  ): Promise<Outcome> {
    const { clock, journal, mailer, deadlineMs } = this.#deps
    signal?.throwIfAborted()
    try {
      await withDeadline(
        clock,
        deadlineMs,
        signal,
        () => tookTooLong(deadlineMs),
        async (inner) => mailer.send(toMail(mail, earlier), inner),
      )
    } catch (error) {
      if (signal?.aborted) throw error
      return this.#notSent(mail, toVoboxError(error))
    }
    this.#trouble = undefined
    await this.#spool.markSent(mail)
    for (const { subject, messageId, alert } of earlier) {
      await this.#spool.remove({ alert, messageId })
      journal.write('warn', 'mail-overtaken', `never sent, a later one was: ${subject}`)
    }
    journal.write('info', 'mail-sent', `mail sent: ${mail.subject}`, { to: mail.to.join(',') })
    return 'sent'
  }

  async #notSent(mail: QueuedMail, error: VoboxError): Promise<Outcome> {
    const { clock, journal, onTrouble } = this.#deps
    if (this.#trouble !== error.message) onTrouble?.(error)
    this.#trouble = error.message
    const now = clock.now()
    const attempts = mail.attempts + 1
    const refused = error.persistence === 'permanent'
    const fields = { subject: mail.subject, to: mail.to.join(','), attempts, code: error.code }
    if (now - mail.queuedAt > GIVE_UP_AFTER_SECONDS && attempts > 1) {
      journal.write('error', 'mail-given-up', `not sent for a week: ${error.message}`, fields)
      await this.#spool.remove(mail)
      return 'refused'
    }
    journal.write('warn', 'mail-not-sent', `mail not sent: ${error.message}`, fields)
    const pause = refused ? REFUSED_PAUSE_SECONDS : pauseSeconds(attempts)
    await this.#spool.save({ ...mail, attempts, refused, nextAt: now + pause })
    return refused ? 'refused' : 'failed'
  }
}

/** Addresses are checked again: the file may have been written by an older version, or by hand. */
function toMail(
  { messageId, to, subject, text }: QueuedMail,
  earlier: readonly QueuedMail[],
): Mail {
  return { messageId, to: to.map(parseMailAddress), subject, text: text + note(earlier) }
}

/** What the reader never got, so that an all-clear does not come out of the blue. */
function note(earlier: readonly QueuedMail[]): string {
  if (earlier.length === 0) return ''
  const lines = earlier.map(({ subject, queuedAt }) => {
    return `    ${utcText(asUnixSeconds(queuedAt))}  ${subject}`
  })
  const head = 'Earlier mail about this could not be sent, and does not come any more:'
  return `\n${[head, ...lines].join('\n')}\n`
}

function pauseSeconds(attempts: number): number {
  return Math.min(FIRST_PAUSE_SECONDS * 2 ** Math.min(attempts - 1, 10), LONGEST_PAUSE_SECONDS)
}

function tookTooLong(deadlineMs: number): VoboxError {
  return new VoboxError('MAIL_REFUSED', `the mail was not taken within ${deadlineMs / 1000} s`, {
    data: { reason: 'deadline', deadlineMs },
    persistence: 'transient',
  })
}
