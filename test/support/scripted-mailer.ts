/** A mailer that keeps what it is given, and that can be down, refuse, or hang. */
import { type Persistence, VoboxError } from '../../src/errors.js'
import type { Mail, Mailer } from '../../src/ports/mailer.js'

export class ScriptedMailer implements Mailer {
  /** What was taken, in order. */
  readonly sent: Mail[] = []
  /** How often it was tried. */
  attempts = 0
  /** What happens to the next mails; the default takes all. */
  behave: (mail: Mail, signal?: AbortSignal) => void | Promise<void> = () => undefined

  async send(mail: Mail, signal?: AbortSignal): Promise<void> {
    this.attempts += 1
    await this.behave(mail, signal)
    this.sent.push(mail)
  }

  up(): void {
    this.behave = () => undefined
  }

  down(persistence: Persistence = 'transient'): void {
    this.behave = () => {
      throw new VoboxError('MAIL_REFUSED', 'scripted', { persistence })
    }
  }

  /** What followed the fixed head of each subject. */
  get subjects(): string[] {
    return this.sent.map(({ subject }) => subject.replace(/^\[[^\]]*\] /, ''))
  }
}
