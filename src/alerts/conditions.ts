/**
 * What deserves a warning, judged from one look at something that is kept alive.
 *
 * Pure. Says facts only; the sentences are in `condition-texts.ts`. What cannot be judged, because
 * the state that would tell is lost, is reported as unknown: an alert that is on then stays on,
 * instead of being declared over by a missing file.
 */
import type { UnixSeconds } from '../ports/clock.js'
import { isJobFile } from '../registry/job-file-name.js'
import type {
  MachineProxyObservation,
  Observation,
  RegistrationObservation,
  ServiceObservation,
} from '../registry/observation.js'
import type {
  GrantLimit,
  LastFailure,
  RegistrationState,
  StoredEnd,
} from '../registry/registration.js'
import { storedCredentialOf } from '../registry/stored-credential.js'

/** Names an alert within what it is about; it keeps its name when it gets worse. */
export type AlertName =
  | 'user-proxy'
  | 'stored-credential'
  | 'renewal'
  | 'attributes'
  | 'short-grant'
  | 'machine-proxy'
  | 'service'

export type ConditionKind =
  | 'user-proxy-short'
  | 'user-proxy-expired'
  | 'user-proxy-unreadable'
  | 'attributes-expired'
  | 'stored-credential-short'
  | 'stored-credential-expired'
  | 'renewal-failing'
  | 'renewal-refused'
  | 'attributes-failing'
  | 'attributes-refused'
  | 'attributes-partial'
  | 'short-grant'
  | 'machine-proxy-short'
  | 'machine-proxy-expired'
  | 'machine-proxy-missing'
  | 'service-problem'

/** 1: should be put right some day; 2: will hurt; 3: hurts now. A higher one is mailed at once. */
export type AlertLevel = 1 | 2 | 3

export interface Condition {
  alert: AlertName
  kind: ConditionKind
  level: AlertLevel
  /** What it is about ends, or ended, then. */
  endsAt?: UnixSeconds
  /** How the end of a stored credential is known: the server said so, or the last renewal showed it. */
  seen?: StoredEnd['from']
  /** It is about a proxy that jobs share. */
  ofJobs?: boolean
  /** An expired proxy that a pass phrase renews all the same. */
  revivable?: boolean
  /** It is mailed when it has lasted this long, in seconds; absent: at once. */
  graceSeconds?: number
  /** The failure behind a `renewal` or `attributes` condition. */
  failure?: LastFailure
  /** Behind `attributes-partial`. */
  missing?: readonly string[]
  /** Behind a `short-grant`. */
  grant?: { askedSeconds: number; grantedSeconds: number; limit: GrantLimit }
  /** Behind a condition of the service or of the machine proxy. */
  problem?: string
  cure?: string
}

export interface Assessment {
  conditions: readonly Condition[]
  /** Alerts about which this look says nothing. */
  unknown: readonly AlertName[]
}

export interface ConditionRules {
  /** Warn when the machine proxy has less left, in seconds; default 6 h: three cron runs missed. */
  machineProxySafeSeconds: number
  /** A transient failure is mailed when it has lasted this long, in seconds; default 2 h. */
  lastingSeconds: number
}

export const defaultRules: ConditionRules = Object.freeze({
  machineProxySafeSeconds: 6 * 3600,
  lastingSeconds: 2 * 3600,
})

/** Within which a service that works has renewed what is short, in seconds. */
const RENEWAL_COMES_SECONDS = 300

/** What no renewal can bring back. */
const LOST: readonly ConditionKind[] = ['user-proxy-expired', 'user-proxy-unreadable']

/**
 * Failures of the machine proxy strike every registration at once and no user can cure them: the
 * machine proxy has an alert of its own, which goes to the site.
 */
const MACHINE_PROXY_CODES: readonly string[] = ['MACHINE_PROXY_MISSING', 'MACHINE_PROXY_EXPIRED']

export function assess(observation: Observation, rules: ConditionRules = defaultRules): Assessment {
  switch (observation.about) {
    case 'registration':
      return assessRegistration(observation, rules)
    case 'machine-proxy':
      return { conditions: machineProxyConditions(observation, rules), unknown: [] }
    case 'service':
      return { conditions: serviceConditions(observation), unknown: [] }
  }
}

function assessRegistration(
  observation: RegistrationObservation,
  rules: ConditionRules,
): Assessment {
  const { registration, state, at } = observation
  const unknown: AlertName[] = []
  const ofJobs = isJobFile(registration.fileName)
  const conditions: Condition[] = userProxyConditions(observation, ofJobs)
  const proxyLost = conditions.some(({ kind, revivable }) => LOST.includes(kind) && !revivable)

  // One that is gone is told by the renewal that fails for it.
  const stored = storedCredentialOf(state)
  if (stored.kind !== 'seen') unknown.push('stored-credential')
  else conditions.push(...storedConditions(stored, registration.myproxySafeSeconds, at))
  const storedShort = conditions.some(({ alert }) => alert === 'stored-credential')

  // Nothing can renew a proxy that is lost; saying so twice would hide the one thing to do.
  const attempted = state.attemptedAt !== undefined || state.renewedAt !== undefined
  const halves: AlertName[] = registration.voms.length > 0 ? ['renewal', 'attributes'] : ['renewal']
  const siteFault = MACHINE_PROXY_CODES.includes(state.lastFailure?.code ?? '')
  if (proxyLost || !attempted || (state.failures > 0 && siteFault)) {
    unknown.push(...halves)
  } else if (state.failures > 0) {
    // Whether the other half works again is known when both do.
    const failing = state.lastFailure?.stage ?? 'renewal'
    unknown.push(...halves.filter((half) => half !== failing))
    conditions.push(...renewalConditions(state.lastFailure, rules))
  } else conditions.push(...partialConditions(state))

  if (state.renewedAt === undefined) unknown.push('short-grant')
  else if (state.shortGrant !== undefined) {
    // The alert about the stored credential says the same, with the same cure.
    const saidAlready = storedShort && state.shortGrant.limit === 'stored-credential-ends'
    if (!saidAlready) {
      conditions.push({
        alert: 'short-grant',
        kind: 'short-grant',
        level: 1,
        grant: state.shortGrant,
      })
    }
  }
  if (!ofJobs) return { conditions, unknown }
  return { conditions: conditions.map((one) => ({ ...one, ofJobs })), unknown }
}

/**
 * A job proxy whose attributes have ended still has its end before it, at which it is dropped: that is
 * worse, so that it is told too.
 */
function userProxyConditions(observation: RegistrationObservation, ofJobs: boolean): Condition[] {
  const { at, proxyEnd, registration, state } = observation
  const alert = 'user-proxy'
  if (proxyEnd === undefined) return [{ alert, kind: 'user-proxy-unreadable', level: 3 }]
  const { chainEnd = proxyEnd } = observation
  if (proxyEnd <= at) {
    const kind = chainEnd > at ? 'attributes-expired' : 'user-proxy-expired'
    const revivable = registration.passPhraseFile !== undefined && kind === 'user-proxy-expired'
    const level = ofJobs && kind === 'attributes-expired' ? 2 : 3
    return [{ alert, kind, level, endsAt: proxyEnd, ...(revivable && { revivable }) }]
  }
  if (isUndressed(observation)) {
    return [{ alert, kind: 'attributes-expired', level: ofJobs ? 2 : 3 }]
  }
  const leftSeconds = proxyEnd - at
  if (leftSeconds >= registration.proxySafeSeconds) return []
  // Just registered, or after a long standstill: the renewal that is due comes first.
  const untried = Math.min(RENEWAL_COMES_SECONDS, Math.floor(leftSeconds / 4))
  const graceSeconds = state.failures > 0 ? 0 : untried
  return [{ alert, kind: 'user-proxy-short', level: 2, endsAt: proxyEnd, graceSeconds }]
}

/** A plain one that only keeps its place until VOMS is back. */
function isUndressed({ state, lacksAttributes }: RegistrationObservation): boolean {
  if (lacksAttributes !== true) return false
  return state.failures > 0 && state.lastFailure?.stage === 'attributes'
}

function storedConditions(
  { end, from: seen }: { end: UnixSeconds; from: StoredEnd['from'] },
  safeSeconds: number,
  at: UnixSeconds,
): Condition[] {
  const alert = 'stored-credential'
  if (end <= at) return [{ alert, kind: 'stored-credential-expired', level: 3, endsAt: end, seen }]
  if (end - at >= safeSeconds) return []
  return [{ alert, kind: 'stored-credential-short', level: 2, endsAt: end, seen }]
}

function renewalConditions(failure: LastFailure | undefined, rules: ConditionRules): Condition[] {
  if (failure === undefined) return []
  const alert = failure.stage ?? 'renewal'
  if (failure.persistence === 'permanent') {
    return [{ alert, kind: `${alert}-refused`, level: 2, failure }]
  }
  return [
    { alert, kind: `${alert}-failing`, level: 1, graceSeconds: rules.lastingSeconds, failure },
  ]
}

function partialConditions({ missingAttributes: missing }: RegistrationState): Condition[] {
  if (missing === undefined || missing.length === 0) return []
  return [{ alert: 'attributes', kind: 'attributes-partial', level: 1, missing }]
}

function machineProxyConditions(
  { at, end, problem }: MachineProxyObservation,
  rules: ConditionRules,
): Condition[] {
  const alert = 'machine-proxy'
  if (end === undefined) {
    return [
      {
        alert,
        kind: 'machine-proxy-missing',
        level: 3,
        ...(problem === undefined ? {} : { problem }),
      },
    ]
  }
  if (end <= at) return [{ alert, kind: 'machine-proxy-expired', level: 3, endsAt: end }]
  if (end - at >= rules.machineProxySafeSeconds) return []
  return [{ alert, kind: 'machine-proxy-short', level: 2, endsAt: end }]
}

function serviceConditions({ problem, cure }: ServiceObservation): Condition[] {
  if (problem === undefined) return []
  return [
    {
      alert: 'service',
      kind: 'service-problem',
      level: 2,
      problem,
      ...(cure === undefined ? {} : { cure }),
    },
  ]
}
