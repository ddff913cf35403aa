/**
 * The mails themselves: plain text, 72 columns where the words allow, that names host, VO, DN,
 * file, what ends when, and the command that cures it.
 *
 * Pure. Whatever came from outside (DNs, server messages, hints) loses its control characters here,
 * so that nobody can write a header or fake a line.
 */
import { showDuration } from '../config/duration.js'
import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { servedBy } from '../registry/cure-commands.js'
import {
  isOfJobs,
  type Observation,
  type RegistrationObservation,
} from '../registry/observation.js'
import type { RegistrationState } from '../registry/registration.js'
import { storedCredentialOf, storedSecondsLeft } from '../registry/stored-credential.js'
import type { AlertChange } from './alert-states.js'
import { alertTitle, conditionSentence, endSentence, KIND_WORDS } from './condition-texts.js'
import { type CureLine, machineProxyCure, registrationCure, serviceCure } from './cures.js'
import { utcText, whenText } from './time-text.js'

/** Where the mail comes from. */
export interface MailOrigin {
  /** Full name of the VO-Box. */
  host: string
  vo: string
  /** Time between two reminders, in seconds, for the last paragraph. */
  reminderSeconds: number
}

export interface MailText {
  subject: string
  text: string
}

const MAX_SUBJECT = 120
const COLUMNS = 72

/** The mail about one change of one alert. */
export function mailText(
  change: AlertChange,
  observation: Observation,
  origin: MailOrigin,
): MailText {
  const paragraphs = [
    wrap(headline(change, observation)),
    table(factsOf(observation, origin)),
    cureParagraph(change, observation, origin.vo),
    wrap(closing(change, observation.at, origin.reminderSeconds)),
  ]
  return {
    subject: subject(change, observation, origin),
    text: `${paragraphs.filter((text) => text !== '').join('\n\n')}\n`,
  }
}

/**
 * `[vobox-proxy alice voalice01.cern.ch] user proxy alicesgm: EXPIRED`: sorted by subject, the
 * mails of one VO, one box, one alert stand together.
 */
function subject(change: AlertChange, observation: Observation, origin: MailOrigin): string {
  const title = alertTitle(change.state.alert, isOfJobs(observation))
  const name = subjectName(observation)
  const head = `[vobox-proxy ${origin.vo} ${origin.host}] ${title}${name === '' ? '' : ` ${name}`}`
  const words =
    change.step === 'end'
      ? 'all clear'
      : KIND_WORDS[change.state.kind] + (change.step === 'reminder' ? ' (reminder)' : '')
  return `${printable(head, MAX_SUBJECT - words.length - 2)}: ${words}`
}

function subjectName(observation: Observation): string {
  switch (observation.about) {
    case 'registration':
      // The last name of the DN that is not a number: `alicesgm` of `/…/CN=alicesgm/CN=123456`.
      return (
        observation.registration.identity
          .split('/CN=')
          .slice(1)
          .findLast((name) => !/^\d+$/.test(name)) ?? ''
      )
    case 'service':
      return observation.condition
    case 'machine-proxy':
      return ''
  }
}

function headline(change: AlertChange, observation: Observation): string {
  const { condition, state } = change
  if (condition === undefined) {
    const over = endSentence(state.alert, isOfJobs(observation))
    return `${over} It was reported first on ${utcText(state.since)}.`
  }
  const sentence = printable(conditionSentence(condition, observation.at, state.since))
  return change.step === 'reminder' ? `Still so: ${sentence}` : sentence
}

type Fact = readonly [name: string, value: string | undefined]

function factsOf(observation: Observation, origin: MailOrigin): Fact[] {
  const where: Fact[] = [
    ['VO-Box', origin.host],
    ['VO', origin.vo],
  ]
  switch (observation.about) {
    case 'registration':
      return [...where, ...registrationFacts(observation)]
    case 'machine-proxy':
      return [
        ...where,
        ['File', observation.file],
        ['Machine proxy ends', endText(observation.end, observation.at)],
      ]
    case 'service':
      return [...where, ['Condition', observation.condition]]
  }
}

function registrationFacts(observation: RegistrationObservation): Fact[] {
  const { registration, state, at } = observation
  const { lastFailure, renewedAt } = state
  const failed = lastFailure !== undefined && state.failures > 0
  return [
    ['DN', registration.identity],
    ['VOMS attributes', registration.voms.length === 0 ? undefined : registration.voms.join(', ')],
    ['File', observation.file],
    [
      isOfJobs(observation) ? 'Job proxy ends' : 'User proxy ends',
      endText(observation.proxyEnd, at),
    ],
    ['Stored credential ends', storedText(state, at)],
    ['As told by', toldText(state)],
    ['MyProxy server', registration.servers.join(', ')],
    ['Stored under', registration.username],
    ['Credential name', registration.credentialName],
    ['Pass phrase file', registration.passPhraseFile],
    ['Renewed from secondary', behindText(state)],
    ['Last renewal', renewedAt === undefined ? 'none yet' : whenText(renewedAt, at)],
    ['Last failure', failed ? `${utcText(lastFailure.at)}: ${lastFailure.message}` : undefined],
    ['Failure code', failed ? lastFailure.code : undefined],
  ]
}

function storedText(state: RegistrationState, now: UnixSeconds): string {
  const stored = storedCredentialOf(state)
  if (stored.kind === 'gone') return `it is gone, said the server on ${utcText(stored.since)}`
  if (stored.kind === 'expired') return `it has, said the server on ${utcText(stored.since)}`
  return endText(stored.kind === 'seen' ? stored.end : undefined, now)
}

function toldText(state: RegistrationState): string | undefined {
  const stored = storedCredentialOf(state)
  if (stored.kind !== 'seen') return undefined
  const who = stored.from === 'info' ? 'the server' : 'the last renewal'
  return `${who}, ${utcText(stored.learnedAt)}`
}

function behindText({ behind }: RegistrationState): string | undefined {
  return behind && `${behind.server}, which is behind ${behind.ahead.server}`
}

function endText(end: UnixSeconds | undefined, now: UnixSeconds): string {
  return end === undefined ? 'not known' : whenText(end, now)
}

function table(facts: readonly Fact[]): string {
  return facts
    .flatMap(([name, value]) =>
      value === undefined ? [] : [`${`${name}:`.padEnd(24)}${printable(value)}`],
    )
    .join('\n')
}

function cureParagraph(change: AlertChange, observation: Observation, vo: string): string {
  const lines = cureLines(change, observation, vo)
  if (lines.length === 0) return ''
  const shown = lines.map((line) =>
    'run' in line ? `    ${printable(line.run, 4000)}` : wrap(printable(line.say)),
  )
  return ['What to do:', ...shown].join('\n')
}

/** The same in one line, for whoever has no use for paragraphs; empty when it is over. */
export function cureInOneLine(change: AlertChange, observation: Observation, vo: string): string {
  const lines = cureLines(change, observation, vo)
  const words = lines.map((line) => ('run' in line ? line.run : line.say))
  return printable(words.join(' '), 4000)
}

function cureLines(change: AlertChange, observation: Observation, vo: string): CureLine[] {
  const { condition } = change
  if (condition === undefined) return []
  switch (observation.about) {
    case 'registration': {
      const { registration, state, at } = observation
      const left = storedSecondsLeft(storedCredentialOf(state), at)
      return registrationCure(condition, {
        vo,
        // A secondary that stands in is no place to upload to.
        registration: state.behind ? registration : servedBy(registration, state.renewedFrom),
        ...(state.failures > 0 && state.lastFailure && { failure: state.lastFailure }),
        storedUseless: left === 0 || (left ?? Infinity) < registration.proxySafeSeconds,
      })
    }
    case 'machine-proxy':
      return machineProxyCure(vo)
    case 'service':
      return serviceCure(condition)
  }
}

function closing(change: AlertChange, now: UnixSeconds, reminderSeconds: number): string {
  if (change.condition === undefined) return 'No more mail about this comes until it happens again.'
  const every = showDuration(reminderSeconds)
  const first = change.state.told?.mails ?? 1
  const told =
    change.step === 'reminder'
      ? `This began on ${utcText(change.state.since)} and this is mail ${first} about it.`
      : `This is how it looked on ${utcText(now)}.`
  return `${told} A reminder comes every ${every} while it lasts, and a last mail when it is over.`
}

/** Breaks at spaces, though not between a number and its unit, after at most 72 columns. */
function wrap(text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/ (?!(?:d|h|min|s|UTC)\b)/)) {
    if (line !== '' && line.length + 1 + word.length > COLUMNS) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].join('\n')
}
