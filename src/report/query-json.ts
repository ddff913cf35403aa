/** `query --json`; `docs/json.md` lists the fields. Instants are Unix seconds, durations seconds. */
import type { QueryRow } from '../renewal/query/query.js'
import { JSON_VERSION } from './failure.js'

export function encodeQuery(vo: string, rows: readonly QueryRow[]): string {
  return encodeDocument({ vo, registrations: rows.map(registrationOf) })
}

/** One JSON document with its version first. */
export function encodeDocument(fields: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ version: JSON_VERSION, ...fields }, null, 2)}\n`
}

function registrationOf(row: QueryRow) {
  const { registration, state, file, proxy, attributes, stored, storedSecondsLeft, next } = row
  const { identityDer: _bytes, ...settings } = registration
  const seen = stored.kind === 'seen' ? stored : undefined
  return {
    kind: row.jobs === undefined ? 'vobox' : 'job',
    jobs: row.jobs ?? null,
    ...settings,
    file,
    proxy: proxyOf(proxy),
    attributes,
    storedCredential: {
      secondsLeft: storedSecondsLeft ?? null,
      end: seen?.end ?? null,
      learnedAt: seen?.learnedAt ?? null,
      from: seen?.from ?? null,
      server: seen?.server ?? null,
      infoFailure: state.infoFailure ?? null,
      lostSince: 'since' in stored ? stored.since : null,
    },
    nextRenewal: nextOf(next),
    renewedAt: state.renewedAt ?? null,
    renewedFrom: state.renewedFrom ?? null,
    attemptedAt: state.attemptedAt ?? null,
    failures: state.failures,
    lastFailure: state.lastFailure ?? null,
    shortGrant: state.shortGrant ?? null,
    behind: state.behind ?? null,
    missingAttributes: state.missingAttributes ?? [],
  }
}

function proxyOf(proxy: QueryRow['proxy']) {
  if ('problem' in proxy) {
    const { code, message, hint } = proxy.problem
    return { usable: false, secondsLeft: 0, problem: { code, message, hint } }
  }
  const { notBefore, end, writtenAt } = proxy.times
  return { usable: true, secondsLeft: proxy.secondsLeft, notBefore, end, writtenAt }
}

function nextOf(next: QueryRow['next']) {
  if (next === undefined) return { action: 'give-up', reason: 'unusable', at: null }
  return {
    action: next.action,
    reason: next.reason,
    at: next.action === 'wait' ? next.until : null,
  }
}
