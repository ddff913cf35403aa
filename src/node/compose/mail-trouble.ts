/**
 * What keeps every mail from leaving this machine, as far as that shows before one is sent: most
 * minimal installations have no sendmail, and a guardian that cannot speak is none.
 */
import { accessSync, constants } from 'node:fs'
import type { Config } from '../../config/config.js'
import { printable } from '../../errors.js'
import type { EventLog } from '../../renewal/events.js'
import type { RegisterResult } from '../../renewal/registering/register-request.js'

export interface MailTrouble {
  /** One sentence, safe to show. */
  message: string
  hint: string
}

/** The settings that decide. */
export type MailTransport = Pick<Config['mail'], 'transport' | 'sendmail'>

/** Undefined: nothing is known to be wrong. */
export function findMailTrouble({ transport, sendmail }: MailTransport): MailTrouble | undefined {
  if (transport !== 'sendmail') return undefined
  try {
    accessSync(sendmail, constants.X_OK)
    return undefined
  } catch {
    return {
      message: `no mail can be sent: there is no program ${printable(sendmail)}`,
      hint:
        'As root: install a mail server that brings it (postfix, msmtp-mta, …), or set ' +
        'mail.transport = "smtp" and mail.smtp.host in /etc/vobox-proxy/config.toml',
    }
  }
}

/** For `events.log`. */
export async function noteMailTrouble(
  events: EventLog,
  { message, hint }: { message: string; hint?: string | undefined },
  about: { dn?: string; file?: string } = {},
): Promise<void> {
  await events.write('warning', { ...about, reason: message, cure: hint })
}

interface MailContext {
  config: Pick<Config, 'mail'>
  events: EventLog
}

/** The result of a registration that is to get mail, with a warning where none can be sent. */
export async function withMailTrouble(
  { config, events }: MailContext,
  result: RegisterResult,
): Promise<RegisterResult> {
  const { email, identity, fileName } = result.registration
  const trouble = email === null ? undefined : findMailTrouble(config.mail)
  if (trouble === undefined) return result
  await noteMailTrouble(events, trouble, { dn: identity, file: fileName })
  return { ...result, warnings: [...result.warnings, { code: 'mail-not-sent', ...trouble }] }
}

/** For `query`: where any of these registrations is to get mail, what keeps it from leaving. */
export function mailTroubleOf(
  mail: MailTransport,
  registrations: readonly { email: string | null }[],
): MailTrouble | undefined {
  return registrations.some(({ email }) => email !== null) ? findMailTrouble(mail) : undefined
}
