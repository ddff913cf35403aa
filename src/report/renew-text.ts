/** What became of renewals, a line each for people, and as JSON. */
import { printable, VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDuration } from '../ports/time-text.js'
import type { BehindServer } from '../registry/registration.js'
import type { RenewedNow } from '../renewal/renew-now.js'
import { encodeDocument } from './query-json.js'
import { nextText } from './query-table.js'

/** The failure that an outcome is, with the identity that it is about; undefined: it is none. */
export function failureOfRenewal({ registration, outcome }: RenewedNow): VoboxError | undefined {
  if (outcome.kind !== 'failed') return undefined
  const { code, message, hint, data, persistence } = outcome.error
  const { identity } = registration
  const named = message.includes(identity) ? message : `${printable(identity)}: ${message}`
  return new VoboxError(code, named, { hint, data, persistence, cause: outcome.error })
}

/** One line for stdout; nothing for a failure or an interruption, of which stderr speaks. */
export function showRenewal({ registration, outcome }: RenewedNow, now: UnixSeconds): string {
  const dn = printable(registration.identity)
  switch (outcome.kind) {
    case 'renewed': {
      const left = showDuration(outcome.end - now)
      const asked = outcome.shortGrant?.askedSeconds
      const short = asked === undefined ? '' : `, of ${showDuration(asked)} asked for`
      return `renewed    ${dn}: ${left} from ${outcome.server}${behindWords(outcome.behind)}${short}\n`
    }
    case 'capped':
      return `unchanged  ${dn}: ${outcome.server} gives nothing longer; --force takes it all the same\n`
    case 'not-due':
      return `not due    ${dn}: ${nextText(outcome.decision, now)}; --force renews all the same\n`
    case 'busy':
      return `busy       ${dn}: another process is renewing it\n`
    case 'not-registered':
      return `gone       ${dn}: no longer registered\n`
    case 'cancelled':
    case 'failed':
      return ''
  }
}

const behindWords = (behind: BehindServer | undefined) =>
  behind === undefined ? '' : `, which is behind ${printable(behind.ahead.server)}`

export function encodeRenewals(vo: string, done: readonly RenewedNow[]): string {
  return encodeDocument({ vo, renewals: done.map(renewalOf) })
}

function renewalOf({ registration: { identity, fileName }, outcome }: RenewedNow) {
  if (outcome.kind !== 'failed') return { identity, fileName, ...outcome }
  const { error, ...rest } = outcome
  const { code, message, hint, persistence } = error
  return { identity, fileName, ...rest, error: { code, message, hint, persistence } }
}
