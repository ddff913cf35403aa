/** What the service adds to an open VO: alerts with their mail, and the way from them to the logs. */
import { hostname } from 'node:os'
import { AlertKeeper } from '../../alerts/alert-keeper.js'
import { MailSpool } from '../../alerts/spool.js'
import { voboxCommand } from '../../registry/cure-commands.js'
import type { EventName } from '../../renewal/events.js'
import { makeMailer } from '../ports/mailer.js'
import type { Hooks } from '../service/hooks.js'
import type { VoContext } from './compose.js'
import { noteMailTrouble } from './mail-trouble.js'

const EVENT_OF_STEP = {
  begin: 'alert-began',
  worse: 'alert-began',
  reminder: 'alert-reminded',
  end: 'alert-ended',
} as const satisfies Record<string, EventName>

/** @param hooks told of every alert as well; absent: there are none. */
export function alertKeeperFor(vo: VoContext, hooks?: Pick<Hooks, 'alert'>): AlertKeeper {
  const { files, clock, journal, config, paths, events } = vo
  const host = hostname()
  const mailer = makeMailer({ mail: config.mail, host, journal })
  const spool =
    mailer === null
      ? null
      : new MailSpool({
          files,
          clock,
          journal,
          directory: paths.spool,
          mailer,
          deadlineMs: config.mail.deadlineSeconds * 1000,
          onTrouble: ({ message, hint }) =>
            void noteMailTrouble(events, { message: `mail was not sent: ${message}`, hint }),
        })
  return new AlertKeeper({
    files,
    clock,
    journal,
    stateDirectory: paths.state,
    spool,
    host,
    vo: vo.vo,
    admin: config.mail.admin,
    reminderSeconds: config.mail.reminderSeconds,
    onAlert: (event) => {
      hooks?.alert(event)
      const { step, alert, sentence, identity, fileName, condition, to } = event
      return events.write(EVENT_OF_STEP[step], {
        alert,
        dn: identity,
        file: fileName,
        condition,
        mail: to.length === 0 ? undefined : to.join(','),
        reason: sentence,
        look: fileName === undefined ? undefined : voboxCommand(vo.vo, 'query'),
      })
    },
  })
}
