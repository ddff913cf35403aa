/**
 * Alerts are states, not events: one mail when it begins, one reminder a day while it lasts, one
 * when it is over.
 *
 * Pure: the caller keeps the states and passes the time, which may jump. An alert that comes and
 * goes is damped: after it was declared over, its next beginning is held back for an hour, then
 * two, four…, up to the reminder's interval, unless it is worse than before. A day of flapping
 * makes a handful of mails, not a hundred; and what still holds when the hour is over is mailed
 * then.
 */
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import type { AlertLevel, AlertName, Assessment, Condition, ConditionKind } from './conditions.js'

export interface AlertState {
  alert: AlertName
  kind: ConditionKind
  level: AlertLevel
  /** When it was first seen, this time. */
  since: UnixSeconds
  /** What the person has been told, this time; absent: nothing yet. */
  told?: { at: UnixSeconds; level: AlertLevel; mails: number }
  /** It is over since then; kept for a while so that flapping can be told from news. */
  endedAt?: UnixSeconds
  /** How often it ended without a quiet interval in between, and the worst that was told. */
  flaps?: { count: number; level: AlertLevel; endedAt: UnixSeconds }
}

/** `worse`: it rose to a level that nobody was told about. */
export type AlertStep = 'begin' | 'worse' | 'reminder' | 'end'

export interface AlertChange {
  step: AlertStep
  state: AlertState
  /** What holds now; absent when it is over. */
  condition?: Condition
}

const FIRST_HOLD_SECONDS = 3600

/**
 * One look later.
 *
 * @param reminderSeconds time between two mails about the same alert.
 * @returns the states to keep, and what must be told now.
 */
export function stepAlerts(
  previous: readonly AlertState[],
  { conditions, unknown }: Assessment,
  now: UnixSeconds,
  reminderSeconds: number,
): { states: AlertState[]; changes: AlertChange[] } {
  const states: AlertState[] = []
  const changes: AlertChange[] = []
  const keep = (stepped: Stepped | undefined) => {
    if (stepped === undefined) return
    states.push(stepped.state)
    if (stepped.change !== undefined) changes.push(stepped.change)
  }
  for (const condition of conditions) {
    const before = previous.find(({ alert }) => alert === condition.alert)
    keep(stepActive(before && notInFuture(before, now), condition, now, reminderSeconds))
  }
  for (const before of previous) {
    if (conditions.some(({ alert }) => alert === before.alert)) continue
    if (unknown.includes(before.alert)) keep({ state: before })
    else keep(stepAbsent(notInFuture(before, now), now, reminderSeconds))
  }
  return { states, changes }
}

interface Stepped {
  state: AlertState
  change?: AlertChange
}

function stepActive(
  before: AlertState | undefined,
  condition: Condition,
  now: UnixSeconds,
  reminderSeconds: number,
): Stepped {
  const state = activeState(before, condition, now)
  const step = decideStep(state, condition, now, reminderSeconds)
  if (step === undefined) return { state }
  const told = {
    at: now,
    level: condition.level,
    mails: (state.told?.mails ?? 0) + 1,
  }
  const next = { ...state, told }
  return { state: next, change: { step, state: next, condition } }
}

/**
 * The state of a condition that holds: the same episode, or a new one that remembers the flapping.
 */
function activeState(
  before: AlertState | undefined,
  condition: Condition,
  now: UnixSeconds,
): AlertState {
  const { alert, kind, level } = condition
  if (before === undefined) return { alert, kind, level, since: now }
  if (before.endedAt === undefined) return { ...before, kind, level }
  return {
    alert,
    kind,
    level,
    since: now,
    ...(before.flaps === undefined ? {} : { flaps: before.flaps }),
  }
}

function decideStep(
  state: AlertState,
  condition: Condition,
  now: UnixSeconds,
  reminderSeconds: number,
): AlertStep | undefined {
  if (state.told === undefined) {
    if (now - state.since < (condition.graceSeconds ?? 0)) return undefined
    const flaps = state.flaps
    if (flaps === undefined || condition.level > flaps.level) return 'begin'
    return now - flaps.endedAt >= holdSeconds(flaps.count, reminderSeconds) ? 'begin' : undefined
  }
  if (condition.level > state.told.level) return 'worse'
  return now - state.told.at >= reminderSeconds ? 'reminder' : undefined
}

function stepAbsent(
  before: AlertState,
  now: UnixSeconds,
  reminderSeconds: number,
): Stepped | undefined {
  if (before.endedAt !== undefined) {
    return now - before.endedAt >= reminderSeconds ? undefined : { state: before }
  }
  const { told, flaps, ...rest } = before
  if (told === undefined) {
    // Nobody was told that it began, so nobody is told that it is over.
    if (flaps === undefined) return undefined
    return { state: { ...rest, flaps, endedAt: flaps.endedAt } }
  }
  const level = Math.max(told.level, flaps?.level ?? 1) as AlertLevel
  const state: AlertState = {
    ...rest,
    endedAt: now,
    flaps: { count: (flaps?.count ?? 0) + 1, level, endedAt: now },
  }
  return { state, change: { step: 'end', state: { ...state, told } } }
}

function holdSeconds(flaps: number, reminderSeconds: number): number {
  return Math.min(FIRST_HOLD_SECONDS * 2 ** Math.min(flaps - 1, 20), reminderSeconds)
}

/** After the clock was set back, what seems to lie ahead happened just now. */
function notInFuture(state: AlertState, now: UnixSeconds): AlertState {
  const past = (at: UnixSeconds) => asUnixSeconds(Math.min(at, now))
  return {
    ...state,
    since: past(state.since),
    ...(state.told && { told: { ...state.told, at: past(state.told.at) } }),
    ...(state.endedAt !== undefined && { endedAt: past(state.endedAt) }),
    ...(state.flaps && { flaps: { ...state.flaps, endedAt: past(state.flaps.endedAt) } }),
  }
}
