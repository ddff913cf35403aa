/** `query --table`: what a person looks for first comes first; trouble stands below its row. */
import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDistance, showDuration } from '../ports/time-text.js'
import type { RenewalDecision } from '../renewal/decide-renewal.js'
import type { QueryRow } from '../renewal/query/query.js'
import { attributesLeft, carriedFqans, doubtAbout } from './attribute-words.js'
import { showJobs } from './job-words.js'
import { showTable } from './table.js'

const HEADING = ['PROXY', 'STORED', 'NEXT RENEWAL', 'ATTRIBUTES', 'IDENTITY']

/** Why nothing is done before then. */
const WAIT_REASONS: Record<Extract<RenewalDecision, { action: 'wait' }>['reason'], string> = {
  fresh: 'fresh until then',
  'backing-off': 'pause after a failure',
  capped: 'nothing longer to get yet',
  'min-interval': 'tried a moment ago',
}

/** Why it is done now. */
const RENEW_REASONS: Record<Extract<RenewalDecision, { action: 'renew' }>['reason'], string> = {
  due: 'a third of its lifetime is left',
  stale: 'to keep it fresh',
  emergency: 'it is about to expire, or has',
  attributes: 'it lacks its attributes',
}

export function showQueryTable(rows: readonly QueryRow[]): string {
  if (rows.length === 0) return ''
  const lines = showTable(HEADING, rows.map(cellsOf)).split('\n')
  const [heading, ...below] = lines
  const body = rows.flatMap((row, index) => [below[index], ...troubleOf(row)])
  return `${[heading, ...body].join('\n')}\n`
}

function cellsOf(row: QueryRow): string[] {
  const { registration, proxy, stored, storedSecondsLeft } = row
  return [
    'problem' in proxy ? 'unusable' : leftText(proxy.secondsLeft),
    stored.kind === 'gone' ? 'gone' : leftText(storedSecondsLeft),
    isUnsafe(row) ? 'once its file is mended' : nextText(row.next, row.at, row.jobs !== undefined),
    attributesText(row),
    printable(registration.identity) + markText(row),
  ]
}

/** What tells a job proxy from a registration of the same person. */
function markText({ jobs, registration }: QueryRow): string {
  if (jobs === undefined) return ''
  return ` [${showJobs(jobs)}${registration.allowLimited ? ', limited' : ''}]`
}

/** A good proxy in a file that others can reach, say: a person can cure that in a moment. */
function isUnsafe({ proxy }: QueryRow): boolean {
  return 'problem' in proxy && proxy.problem.code === 'FILE_UNSAFE'
}

function leftText(seconds: number | undefined): string {
  if (seconds === undefined) return 'not known'
  return seconds === 0 ? 'expired' : showDuration(seconds)
}

/** What was registered, else what the proxy carries; and what has become of it. */
function attributesText({ registration, proxy, attributes }: QueryRow): string {
  const wanted = registration.voms.map((value) => printable(value))
  const names = wanted.length > 0 ? wanted : carriedFqans(attributes)
  if (names.length === 0) return '-'
  return 'problem' in proxy ? names.join(',') : `${names.join(',')} (${stateOf(attributes)})`
}

function stateOf(attributes: QueryRow['attributes']): string {
  if (attributes.length === 0) return 'none'
  const left = attributesLeft(attributes)
  if (left === 0) return 'expired'
  return doubtAbout(attributes) === undefined ? showDuration(left) : 'not verified'
}

/** Nobody registers a job proxy again: whoever submitted its jobs gives them a fresh one. */
const GIVEN_UP = {
  vobox: { unusable: 'never: register again', expired: 'never: expired, register again' },
  job: { unusable: 'never: its jobs need a fresh proxy', expired: 'never: expired, to be dropped' },
} as const

/** When the service acts next, and why then. */
export function nextText(
  next: RenewalDecision | undefined,
  now: UnixSeconds,
  ofJobs = false,
): string {
  const never = GIVEN_UP[ofJobs ? 'job' : 'vobox']
  if (next === undefined) return never.unusable
  switch (next.action) {
    case 'wait':
      return `${showDistance(next.until, now)} (${WAIT_REASONS[next.reason]})`
    case 'renew':
      if (ofJobs && next.reason === 'due') return 'now (little of its lifetime is left)'
      return `now (${RENEW_REASONS[next.reason]})`
    case 'give-up':
      return never.expired
  }
}

function withCure({ message, hint }: { message: string; hint?: string | null | undefined }) {
  const cure = hint?.split('\n') ?? []
  return [printable(message), ...cure.map((line) => `  ${printable(line)}`)]
}

function troubleOf({ proxy, attributes, state, grantNote, at }: QueryRow): string[] {
  const lines: string[] = []
  if ('problem' in proxy) lines.push(...withCure(proxy.problem))
  const doubt = doubtAbout(attributes)
  if (doubt !== undefined) lines.push(...withCure(doubt))
  const { lastFailure, failures } = state
  if (lastFailure !== undefined && failures > 0) {
    const times = failures === 1 ? '' : `, ${failures} times in a row`
    lines.push(
      `failed ${lastFailure.at === at ? 'just now' : showDistance(lastFailure.at, at)}${times}: ${printable(lastFailure.message)}`,
    )
    if (lastFailure.hint !== undefined) lines.push(`  ${printable(lastFailure.hint)}`)
  }
  if (grantNote !== undefined) lines.push(grantNote.message, `  ${grantNote.hint}`)
  return lines.map((line) => `  ! ${line}`)
}
