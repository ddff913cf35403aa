/**
 * `check --nagios`: one line and performance data, as the Monitoring Plugins' guidelines want it.
 * DNs stay out of the performance data: whoever reads graphs need not know who works here.
 */
import { printable, type VoboxError } from '../errors.js'
import type { CheckName, CheckVerdict, Finding } from '../renewal/checking/finding.js'
import type { CheckText } from './check-text.js'

/** Exit statuses of a plugin. */
export const NAGIOS = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const

export interface NagiosAnswer {
  /** One line with its line feed. */
  text: string
  status: number
}

const MAX_SENTENCE = 300

/** Least seconds left of each kind, by the label that they have. */
const MEASURED: readonly [label: string, check: CheckName][] = [
  ['user_proxy', 'user-proxy'],
  ['stored_credential', 'stored-credential'],
  ['machine_proxy', 'machine-proxy'],
  ['host_certificate', 'host-certificate'],
]

export function showNagios({ vo, at, findings }: CheckText): NagiosAnswer {
  const of = (verdict: CheckVerdict) => findings.filter((one) => one.verdict === verdict)
  const [bad, doubtful] = [of('bad'), of('doubtful')]
  const first = bad[0] ?? doubtful[0]
  const state = bad.length > 0 ? 'critical' : doubtful.length > 0 ? 'warning' : 'ok'
  const others = bad.length + doubtful.length - 1
  const more = others > 0 ? ` (and ${others} more)` : ''
  const said =
    first === undefined ? `${of('good').length} things are well` : `${first.sentence}${more}`
  const performance = [
    ...MEASURED.flatMap(([label, check]) => leastLeft(findings, label, check, at)),
    `failed=${bad.length};;;0`,
    `doubtful=${doubtful.length};;;0`,
  ].join(' ')
  const text = `VOBOX ${state.toUpperCase()} - ${vo}: ${plain(said)} | ${performance}\n`
  return { text, status: NAGIOS[state] }
}

/** What could not be checked at all. */
export function showNagiosUnknown(error: VoboxError): NagiosAnswer {
  return { text: `VOBOX UNKNOWN - ${plain(error.message)}\n`, status: NAGIOS.unknown }
}

function leastLeft(
  findings: readonly Finding[],
  label: string,
  check: CheckName,
  now: number,
): string[] {
  const ends = findings.flatMap((one) => (one.check === check ? (one.end ?? []) : []))
  if (ends.length === 0) return []
  return [`${label}=${Math.max(0, Math.min(...ends) - now)}s;;;0`]
}

/** A bar begins the performance data. */
const plain = (text: string) => printable(text, MAX_SENTENCE).replaceAll('|', '/')
