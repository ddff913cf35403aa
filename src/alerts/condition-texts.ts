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
  attributes: 'VOMS attributes',
  'short-grant': 'granted lifetime',
  'machine-proxy': 'machine proxy',
  service: 'service',
}

/** The thing in the subject of a mail. */
export function alertTitle(alert: AlertName, ofJobs: boolean): string {
  return ofJobs && alert === 'user-proxy' ? 'job proxy' : ALERT_TITLES[alert]
}

/** How the thing is, as it stands in subject lines. */
export const KIND_WORDS: Readonly<Record<ConditionKind, string>> = {
  'user-proxy-short': 'ends soon',
  'user-proxy-expired': 'EXPIRED',
  'user-proxy-unreadable': 'UNREADABLE',
  'attributes-expired': 'attributes EXPIRED',
  'stored-credential-short': 'ends soon',
  'stored-credential-expired': 'EXPIRED',
  'renewal-failing': 'keeps failing',
  'renewal-refused': 'refused',
  'attributes-failing': 'keep failing',
  'attributes-refused': 'no longer granted',
  'attributes-partial': 'not all granted',
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
  const thing = condition.ofJobs ? 'job proxy' : 'user proxy'
  switch (condition.kind) {
    case 'user-proxy-short':
      return `The ${thing} ends ${when} and has not been renewed.`
    case 'user-proxy-expired':
      if (condition.ofJobs) return `The job proxy expired ${when} and is dropped. ${DROPPED}`
      return condition.revivable
        ? `The user proxy expired ${when}. A pass phrase can still renew it: the service goes on trying.`
        : `The user proxy expired ${when}, and an expired proxy cannot be renewed any more.`
    case 'user-proxy-unreadable':
      return `The file of the ${thing} is missing or damaged, so that it cannot be renewed.`
    case 'stored-credential-short':
      return `The credential on the MyProxy server ends ${when}${seenWords(condition)}. Nothing is renewed after that.`
    case 'stored-credential-expired':
      return `The credential on the MyProxy server expired ${when}${seenWords(condition)}. Nothing is renewed from it.`
    case 'renewal-failing':
      return `Renewal has been failing for ${showDuration(now - since)}: ${messageOf(condition)}.`
    case 'renewal-refused':
      return `Renewal fails, and trying again will not help. ${sentenceOf(condition)}`
    case 'attributes-failing':
    case 'attributes-refused':
    case 'attributes-partial':
    case 'attributes-expired':
      return attributesSentence(condition.kind, condition, when, now - since)
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

type AttributesKind = Extract<ConditionKind, `attributes-${string}`>

function attributesSentence(
  kind: AttributesKind,
  condition: Condition,
  when: string,
  lastedSeconds: number,
): string {
  const thing = condition.ofJobs ? 'job proxy' : 'user proxy'
  switch (kind) {
    case 'attributes-failing':
      return (
        `The MyProxy server renews, but VOMS has been failing for ${showDuration(lastedSeconds)}: ` +
        `${messageOf(condition)}. The old proxy stays while it lives.`
      )
    case 'attributes-refused':
      return (
        'The MyProxy server renews, but VOMS does not give what is registered, and trying again ' +
        `will not help. ${sentenceOf(condition)} The old proxy stays while it lives.`
      )
    case 'attributes-partial':
      return (
        'The user proxy is renewed without some of its VOMS attributes, which are not granted any ' +
        `more: ${(condition.missing ?? []).join(', ')}.`
      )
    case 'attributes-expired':
      return condition.endsAt === undefined
        ? `The ${thing} carries none of its VOMS attributes, so that services refuse it. It is kept renewable.`
        : `The VOMS attributes of the ${thing} expired ${when}, so that services refuse it. It can ` +
            'still be renewed.'
  }
}

/** Which of the two it is: a server that answers INFO would know of a new one. */
function seenWords({ seen }: Condition): string {
  if (seen === undefined) return ''
  return seen === 'info' ? ', as the server says' : ', as the last renewal showed'
}

const UNKNOWN = 'the reason is not known any more'

const messageOf = ({ failure }: Condition): string => failure?.message ?? UNKNOWN

/** The same as a sentence of its own; a name that it begins with, of a host or a file, stays as it is. */
function sentenceOf(condition: Condition): string {
  const message = messageOf(condition)
  const word = /^[a-z]+(?=[ ,])/.exec(message)?.[0] ?? ''
  return `${word.charAt(0).toUpperCase()}${message.slice(Math.min(1, word.length))}.`
}

const LIMIT_REASONS: Readonly<Record<GrantLimit, string>> = {
  'stored-lifetime': 'the credential was uploaded with a shorter -t',
  'stored-credential-ends': 'the stored credential itself ends then',
  'secondary-behind': 'it stands in for the first one, and holds an older credential',
  'server-cap': 'the server grants no more to anybody',
  attributes: 'VOMS gives its attributes for no longer',
  unknown: 'the server does not say why',
}

function grantSentence({ grant }: Condition): string {
  if (grant === undefined) return 'The MyProxy server grants less than was asked for.'
  const { askedSeconds, grantedSeconds, limit } = grant
  const who = limit === 'attributes' ? '' : 'the MyProxy server granted '
  return (
    `Of the ${showDuration(askedSeconds)} asked for, ${who}${showDuration(grantedSeconds)}` +
    `${who === '' ? ' were granted' : ''}: ${LIMIT_REASONS[limit]}.`
  )
}

const DROPPED = 'Its jobs are told that they are not registered.'

/** What is said when it is over. */
export function endSentence(alert: AlertName, ofJobs = false): string {
  const sentence = END_SENTENCES[alert]
  return ofJobs ? sentence.replace('The user proxy', 'The job proxy') : sentence
}

const END_SENTENCES: Readonly<Record<AlertName, string>> = {
  'user-proxy': 'The user proxy is alive again and has enough time left.',
  'stored-credential': 'The credential stored on the MyProxy server has enough time left again.',
  renewal: 'Renewal works again.',
  attributes: 'VOMS grants the registered attributes again.',
  'short-grant': 'The MyProxy server grants the lifetime that is asked for.',
  'machine-proxy': 'The machine proxy is alive again and has enough time left.',
  service: 'The problem of the service is over.',
}
