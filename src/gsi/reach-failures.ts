/** What a failure on the way to a server means, and what is said when there is no way left. */
import { type ErrorCode, isVoboxError, VoboxError } from '../errors.js'
import type { Failure } from './attempts.js'

/** Failures after which another address or server may do better. */
const NOT_REACHED: readonly ErrorCode[] = [
  'NAME_NOT_RESOLVED',
  'CONNECTION_FAILED',
  'CONNECTION_CLOSED',
  'DEADLINE_EXCEEDED',
  'TLS_FAILED',
  'PEER_UNTRUSTED',
  'PEER_NAME_MISMATCH',
  'PROTOCOL_VIOLATION',
  'MESSAGE_TOO_LARGE',
]

/** Whether another address or server may do better. */
export function isNotReached(error: unknown): error is VoboxError {
  return isVoboxError(error, ...NOT_REACHED)
}

/** Failures that have nothing to do with the server they happened at. */
const OF_THIS_HOST: readonly ErrorCode[] = ['TRUST_ANCHORS_UNREADABLE', 'KEY_TOO_WEAK', 'INTERNAL']

/** The same failure with the server in its sentence: codecs and checks below do not know it. */
export function namingPeer(error: unknown, label: string): unknown {
  if (!isVoboxError(error) || OF_THIS_HOST.includes(error.code)) return error
  if (error.message.includes(label)) return error
  return new VoboxError(error.code, `${label}: ${error.message}`, {
    data: { ...error.data, peer: label },
    hint: error.hint,
    persistence: error.persistence,
    cause: error.cause ?? error,
  })
}

/** Alerts about our certificate (RFC 8446 §6.2). */
const CERTIFICATE_ALERT = /^ALERT_(?:UNKNOWN_CA|DECRYPT_ERROR|[A-Z]*_?CERTIFICATE(?:_[A-Z]+)?)$/

/** With TLS 1.3 a certificate is refused only when we read, and then nothing of ours was looked at. */
function refusedByTls({ code, data }: VoboxError): boolean {
  return code === 'TLS_FAILED' && CERTIFICATE_ALERT.test(String(data.reason))
}

/** Whether a request that had left may have been carried out, though no good answer came. */
export function leavesDoubt(error: unknown): error is VoboxError {
  return isNotReached(error) && !refusedByTls(error)
}

/** For a request that changes something: whether it did cannot be known from here. */
export function outcomeUnknown(label: string, error: VoboxError): VoboxError {
  return new VoboxError(
    'OUTCOME_UNKNOWN',
    `${error.message}, after the request had left: it may or may not have been done`,
    { data: { peer: label, reason: error.code }, cause: error },
  )
}

/** What was not tried when everything else had failed. */
export interface Untried {
  /** How many addresses, of those beyond the limits. */
  addresses: number
  /** Later servers of the list, `host:port`, which a write never goes to. */
  servers: readonly string[]
}

export function allFailed(failures: readonly Failure[], untried: Untried): VoboxError {
  const attempts = failures.map(({ attempt }) => attempt)
  const reasons = attempts.map(({ message }) => message)
  const { addresses, servers } = untried
  if (addresses > 0) reasons.push(`${addresses} more addresses were not tried`)
  if (servers.length > 0) reasons.push(notAsked(servers))
  const permanent =
    addresses === 0 && attempts.every(({ persistence }) => persistence === 'permanent')
  return new VoboxError('ALL_SERVERS_FAILED', `no server could be used: ${reasons.join('; ')}`, {
    data: {
      attempts,
      ...(addresses > 0 && { untried: addresses }),
      ...(servers.length > 0 && { notAsked: servers }),
    },
    hint:
      failures.findLast(({ error }) => error.hint !== undefined)?.error.hint ??
      'Check the names and ports of the servers, and that no firewall is in the way',
    persistence: permanent ? 'permanent' : 'transient',
    cause: failures.at(-1)?.error,
  })
}

/** Why a write leaves the later servers of a list alone. */
export function notAsked(servers: readonly string[]): string {
  const verb = servers.length === 1 ? 'was' : 'were'
  return `${servers.join(', ')} ${verb} not asked: changes go to the first server alone, as later ones may be copies of it`
}
