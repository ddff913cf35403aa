/**
 * Finds out why a renewal got less than it asked for, once: the answer is kept in the state, and asked
 * for again only when the grant has changed.
 */
import { showServer } from '../../myproxy/server-list.js'
import { describeChain } from '../../proxy/chain-facts.js'
import type { GrantLimit } from '../../registry/registration.js'
import type { Acceptance } from '../accept-proxy.js'
import type { RenewalContext, RenewalRequest } from '../context.js'
import { isShortGrant, limitOfGrant, sameGrant } from '../grant.js'
import type { Attempt } from '../outcome.js'

/** More than any stored credential lives, in seconds: servers then give all that they would. */
export const FAR_MORE_SECONDS = 365 * 86_400

/** Undefined when as much was granted as was asked for. Never rejects. */
export async function limitOfShortGrant(
  context: RenewalContext,
  { registration, state }: Attempt,
  { request, acceptance }: { request: RenewalRequest; acceptance: Acceptance },
): Promise<GrantLimit | undefined> {
  const { clock, grants } = context
  const { fileName, lifetimeSeconds: askedSeconds } = registration
  const { grantedSeconds, chainSeconds } = acceptance
  const [first] = request.servers
  const server = first === undefined ? '' : showServer(first)
  const short = isShortGrant(askedSeconds, chainSeconds)
  grants.note(server, fileName, chainSeconds, short)
  // Whatever the MyProxy server granted, this is what ends first.
  if (isShortGrant(Math.min(askedSeconds, chainSeconds), grantedSeconds)) return 'attributes'
  if (!short) return undefined

  const facts = {
    askedSeconds,
    grantedSeconds: chainSeconds,
    storedLeftSeconds: acceptance.storedEnd - clock.now(),
    longestFromServerSeconds: grants.longestSeconds(server) ?? 0,
    othersWithSame: grants.othersWithSame(server, fileName, chainSeconds),
  }
  if (limitOfGrant(facts) === 'stored-credential-ends') return 'stored-credential-ends'
  const before = state.shortGrant
  const known =
    before !== undefined &&
    before.limit !== 'unknown' &&
    before.limit !== 'attributes' &&
    before.askedSeconds === askedSeconds &&
    sameGrant(before.grantedSeconds, chainSeconds)
  const probedSeconds = known ? chainSeconds : await probe(context, request)
  return limitOfGrant({ ...facts, ...(probedSeconds !== undefined && { probedSeconds }) })
}

/** What is granted when far more is asked for; the proxy that comes back is thrown away. */
async function probe(
  { source, clock, journal }: RenewalContext,
  request: RenewalRequest,
): Promise<number | undefined> {
  try {
    const { credential } = await source.renew({ ...request, lifetimeSeconds: FAR_MORE_SECONDS })
    return describeChain(credential.chain).effectiveEnd - clock.now()
  } catch (error) {
    const reason = error instanceof Error ? error.message : ''
    journal.write('debug', 'probe-failed', `a probe for the longest lifetime failed: ${reason}`)
    return undefined
  }
}
