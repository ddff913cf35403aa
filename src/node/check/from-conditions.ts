/** What the alerts would mail about something, as findings: the same sentence and the same cure. */

import { conditionSentence } from '../../alerts/condition-texts.js'
import { type AlertName, assess, type Condition } from '../../alerts/conditions.js'
import { type CureLine, machineProxyCure, registrationCure } from '../../alerts/cures.js'
import { printable } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import type {
  MachineProxyObservation,
  RegistrationObservation,
} from '../../registry/observation.js'
import type { Registration } from '../../registry/registration.js'
import type { About, CheckName, Finding } from '../../renewal/checking/finding.js'

/** Conditions of one alert; none: the thing is well. */
export function registrationFindings(
  vo: string,
  observation: RegistrationObservation,
  alert: AlertName,
): Finding[] {
  const { registration, at } = observation
  const storedUseless = assess(observation).conditions.some(
    ({ kind }) => kind === 'stored-credential-expired',
  )
  return assess(observation)
    .conditions.filter((condition) => condition.alert === alert)
    .map((condition) =>
      findingOf('user-proxy', condition, at, cureOf(condition, vo, registration, storedUseless), {
        identity: registration.identity,
        fileName: registration.fileName,
      }),
    )
}

function cureOf(
  condition: Condition,
  vo: string,
  registration: Registration,
  storedUseless: boolean,
): readonly CureLine[] {
  return registrationCure(condition, { vo, registration, storedUseless })
}

export function machineProxyFindings(vo: string, observation: MachineProxyObservation): Finding[] {
  return assess(observation).conditions.map((condition) =>
    findingOf('machine-proxy', condition, observation.at, machineProxyCure(vo), {}),
  )
}

function findingOf(
  check: CheckName,
  condition: Condition,
  now: UnixSeconds,
  cure: readonly CureLine[],
  about: About,
): Finding {
  const { level, endsAt } = condition
  return {
    check,
    verdict: level === 3 ? 'bad' : 'doubtful',
    sentence: printable(conditionSentence(condition, now, now)).replace(/\.$/, ''),
    cure: cure.map((line) => ('say' in line ? line.say : line.run)).join(' '),
    ...about,
    ...(endsAt !== undefined && { end: endsAt }),
  }
}
