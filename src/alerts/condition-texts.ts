/** What a condition means, in a word for a subject line and in a sentence for everything else. */
import { showDuration } from '../config/duration.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { GrantLimit } from '../registry/registration.js'
import type { AlertName, Condition, ConditionKind } from './conditions.js'
import { whenText } from './time-text.js'

/** The thing an alert is about, as it stands in subject lines. */
export const ALERT_TITLES: Readonly<Record<AlertName, string>> = {
  'user-proxy': 'user proxy',
  'stored-credential': 'stored credential',
  renewal: 'renewal',
  'short-grant': 'granted lifetime',
  'machine-proxy': 'machine proxy',
  service: 'service',
}

/** How the thing is, as it stands in subject lines. */
export const KIND_WORDS: Readonly<Record<ConditionKind, string>> = {
  'user-proxy-short': 'ends soon',
  'user-proxy-expired': 'EXPIRED',
  'user-proxy-unreadable': 'UNREADABLE',
  'stored-credential-short': 'ends soon',
  'stored-credential-expired': 'EXPIRED',
  'renewal-failing': 'keeps failing',
  'renewal-refused': 'refused',
  'short-grant': 'shorter than asked',
  'machine-proxy-short': 'ends soon',
  'machine-proxy-expired': 'EXPIRED',
  'machine-proxy-missing': 'MISSING',
  'service-problem': 'problem',
}

/** One sentence with its full stop. Texts from outside are still to be made printable. */
export function conditionSentence(
  condition: Condition,
  now: UnixSeconds,
  since: UnixSeconds,
): string {
  const when =
    condition.endsAt === undefined ? 'at an unknown time' : whenText(condition.endsAt, now)
  switch (condition.kind) {
    case 'user-proxy-short':
      return `The user proxy ends ${when} and has not been renewed.`
    case 'user-proxy-expired':
      return `The user proxy expired ${when}, and an expired proxy cannot be renewed any more.`
    case 'user-proxy-unreadable':
      return 'The file of the user proxy is missing or damaged, so that it cannot be renewed.'
    case 'stored-credential-short':
      return `The credential on the MyProxy server ends ${when}. Nothing is renewed after that.`
    case 'stored-credential-expired':
      return `The credential on the MyProxy server expired ${when}. Nothing is renewed from it.`
    case 'renewal-failing':
      return `Renewal has been failing for ${showDuration(now - since)}: ${messageOf(condition)}.`
    case 'renewal-refused':
      return `Renewal fails, and trying again will not help. ${sentenceOf(condition)}`
    case 'short-grant':
      return grantSentence(condition)
    case 'machine-proxy-short':
      return `The machine proxy ends ${when}. No proxy of this VO is renewed after that.`
    case 'machine-proxy-expired':
      return `The machine proxy expired ${when}. No proxy of this VO is renewed without it.`
    case 'machine-proxy-missing': {
      const why = condition.problem === undefined ? '' : `: ${condition.problem}`
      return `There is no machine proxy${why}. No proxy of this VO is renewed without it.`
    }
    case 'service-problem':
      return `${condition.problem ?? 'The service has a problem'}.`
  }
}

const UNKNOWN = 'the reason is not known any more'

const messageOf = ({ failure }: Condition): string => failure?.message ?? UNKNOWN

/** The same as a sentence of its own. */
function sentenceOf(condition: Condition): string {
  const message = messageOf(condition)
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`
}

const LIMIT_REASONS: Readonly<Record<GrantLimit, string>> = {
  'stored-lifetime': 'the credential was uploaded with a shorter -t',
  'stored-credential-ends': 'the stored credential itself ends then',
  'server-cap': 'the server grants no more to anybody',
  unknown: 'the server does not say why',
}

function grantSentence({ grant }: Condition): string {
  if (grant === undefined) return 'The MyProxy server grants less than was asked for.'
  const { askedSeconds, grantedSeconds, limit } = grant
  return (
    `Of the ${showDuration(askedSeconds)} asked for, the MyProxy server granted ` +
    `${showDuration(grantedSeconds)}: ${LIMIT_REASONS[limit]}.`
  )
}

/** What is said when it is over. */
export function endSentence(alert: AlertName): string {
  return END_SENTENCES[alert]
}

const END_SENTENCES: Readonly<Record<AlertName, string>> = {
  'user-proxy': 'The user proxy is alive again and has enough time left.',
  'stored-credential': 'The credential stored on the MyProxy server has enough time left again.',
  renewal: 'Renewal works again.',
  'short-grant': 'The MyProxy server grants the lifetime that is asked for.',
  'machine-proxy': 'The machine proxy is alive again and has enough time left.',
  service: 'The problem of the service is over.',
}
