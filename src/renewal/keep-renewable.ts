/**
 * What becomes of a proxy while no VOMS server can be used, for longer than it lives.
 *
 * The old one stays, since its attributes may still be good for something. But once they have expired
 * it is good for one thing alone, to authorise its renewal, and when its chain ends as well only its
 * owner can help: an outage of two days would cost every registration of the VO. So near that end a
 * plain proxy takes its place, which is as useless to services, and can be renewed and dressed the
 * moment that VOMS is back.
 */
import { isVoboxError } from '../errors.js'
import type { Credential } from '../proxy/credential.js'
import type { Acceptance } from './accept-proxy.js'
import type { RenewalContext } from './context.js'
import { isOfAttributes } from './dress-fresh.js'
import type { Attempt } from './outcome.js'
import type { ProxyTimes } from './proxy-facts.js'

/** So much of the lifetime asked for is left when it is time, as for any proxy. */
const REMAINING_RATIO = 1 / 3

export interface Undressed {
  /** Of the proxy in the file. */
  times: ProxyTimes
  /** The fresh one, accepted but for its attributes. */
  plain: { credential: Credential; acceptance: Acceptance }
  /** Why it got none. */
  error: unknown
}

/** Replaces the file where nothing is lost by that. A refusal by the VO is none of these cases. */
export async function keepRenewable(
  { repository, clock, events, journal }: RenewalContext,
  attempt: Attempt,
  { times, plain, error }: Undressed,
): Promise<void> {
  if (!isOfAttributes(error) || !isVoboxError(error) || error.persistence !== 'transient') return
  const { fileName: file, identity: dn, lifetimeSeconds } = attempt.registration
  const now = clock.now()
  const { end } = plain.acceptance
  const worthless = !times.hasAttributes || times.end <= now
  const near = times.chainEnd - now <= lifetimeSeconds * REMAINING_RATIO
  if (!worthless || !near || end <= times.chainEnd) return
  await repository.replace(file, plain.credential)
  attempt.currentEnd = end
  attempt.currentChainEnd = end
  const reason =
    'its VOMS attributes have expired and no VOMS server can be used: a plain proxy keeps it renewable'
  journal.write('warn', 'kept-renewable', `${dn}: ${reason}`, { dn, file, end })
  await events.write('warning', { dn, file, reason })
}
