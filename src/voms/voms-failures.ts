/** What it means when no server of a VO granted what was asked for. */
import { VoboxError } from '../errors.js'
import type { FailedAttempt } from '../gsi/reach.js'
import { showAddress } from '../gsi/server-address.js'
import type { GrantedVerdict } from './check-granted.js'
import { showFqan } from './fqan.js'
import { mostTelling, type RefusedQuestion } from './voms-refusals.js'
import type { VomsServer } from './vomses.js'

/** What became of asking one server. */
export interface ServerFailure {
  server: VomsServer
  error: VoboxError
}

/** A server that grants less, or in another order, though it does not refuse. */
export function notAsAsked(
  asked: RefusedQuestion,
  verdict: Exclude<GrantedVerdict, { kind: 'as-asked' }>,
  warnings: readonly string[],
): VoboxError {
  const { label, ...rest } = asked
  const { vo, fqans } = rest
  const serverText = warnings.join('; ')
  const facts = { ...rest, peer: label, ...(serverText !== '' && { serverText }) }
  const words = serverText === '' ? '' : `; it says: "${serverText}"`
  const hint = /already contains attributes/.test(serverText)
    ? 'Ask with a proxy that carries no attributes'
    : undefined
  if (verdict.kind === 'less') {
    const missing = verdict.missing.map(showFqan)
    return new VoboxError(
      'VOMS_ATTRIBUTE_NOT_GRANTED',
      `VO ${vo}: ${label} leaves out ${missing.join(', ')}${words}`,
      {
        data: { ...facts, reason: 'left-out', missing },
        hint: hint ?? 'Ask the administrators of the VO for it, or ask for less',
      },
    )
  }
  const primary = verdict.primary === undefined ? 'nothing' : showFqan(verdict.primary)
  return new VoboxError(
    'VOMS_ATTRIBUTE_NOT_GRANTED',
    `VO ${vo}: ${label} grants ${fqans.join(', ')}, but not in this order: ${primary} is first${words}`,
    {
      data: { ...facts, reason: 'order', primary },
      hint: hint ?? 'Ask for what the server puts first alone, or ask whoever runs it',
    },
  )
}

/** The refusal that tells most, or that nobody answered; what each server did is beside it. */
export function allServersFailed(
  vo: string,
  servers: readonly VomsServer[],
  failures: readonly ServerFailure[],
): VoboxError {
  const attempts = failures.flatMap(attemptsOf)
  const errors = failures.map(({ error }) => error)
  const refusal = mostTelling(errors)
  if (refusal !== undefined) {
    return new VoboxError(refusal.code, refusal.message, {
      data: { ...refusal.data, attempts },
      hint: refusal.hint,
      persistence: refusal.persistence,
      cause: refusal.cause,
    })
  }
  const reasons = attempts.map(({ message }) => message).join('; ')
  return new VoboxError(
    'VOMS_SERVERS_FAILED',
    `no VOMS server of ${vo} could be used: ${reasons}`,
    {
      data: { vo, servers: servers.map(showAddress), attempts },
      hint:
        errors.findLast(({ hint }) => hint !== undefined)?.hint ??
        'Check the vomses file, and that no firewall is in the way',
      persistence: attempts.every(({ persistence }) => persistence === 'permanent')
        ? 'permanent'
        : 'transient',
      cause: errors.at(-1),
    },
  )
}

/** Those inside `ALL_SERVERS_FAILED`, one an address; or the failure itself. */
function attemptsOf({ server, error }: ServerFailure): FailedAttempt[] {
  if (error.code === 'ALL_SERVERS_FAILED') return error.data.attempts as FailedAttempt[]
  const { code, message, persistence } = error
  return [{ server: showAddress(server), code, message, persistence }]
}

export function tooLong(deadlineMs: number): VoboxError {
  return new VoboxError('DEADLINE_EXCEEDED', `gave up after ${deadlineMs / 1000} s in all`, {
    data: { deadlineMs },
  })
}
