/** `query --table`: what a person looks for first comes first; trouble stands below its row. */
import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDistance, showDuration } from '../ports/time-text.js'
import type { RenewalDecision } from '../renewal/decide-renewal.js'
import type { QueryRow } from '../renewal/query/query.js'
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
  emergency: 'it is about to expire',
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
    nextText(row.next, row.at),
    registration.voms.map((value) => printable(value)).join(',') || '-',
    printable(registration.identity),
  ]
}

function leftText(seconds: number | undefined): string {
  if (seconds === undefined) return 'not known'
  return seconds === 0 ? 'expired' : showDuration(seconds)
}

/** When the service acts next, and why then. */
export function nextText(next: RenewalDecision | undefined, now: UnixSeconds): string {
  if (next === undefined) return 'never: register again'
  switch (next.action) {
    case 'wait':
      return `${showDistance(next.until, now)} (${WAIT_REASONS[next.reason]})`
    case 'renew':
      return `now (${RENEW_REASONS[next.reason]})`
    case 'give-up':
      return 'never: expired, register again'
  }
}

function troubleOf({ proxy, state, grantNote, at }: QueryRow): string[] {
  const lines: string[] = []
  if ('problem' in proxy) lines.push(printable(proxy.problem.message))
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
