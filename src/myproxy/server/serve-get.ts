/** GET: a client is given a proxy of a stored credential, for its pass phrase or for a renewal. */
import { isVoboxError } from '../../errors.js'
import { answerDelegation } from '../../gsi/delegation.js'
import { readCertificationRequest, sendCertificateList } from '../conversation.js'
import { encodeResponse, type MyProxyRequest } from '../messages.js'
import { type Admitted, authoriseAccess, candidatesFor } from './authorise-access.js'
import { grantLifetime } from './grant-lifetime.js'
import { storedExpired } from './refusals.js'
import { encodeOkWithTrustRoots } from './serve-trust-roots.js'
import type { Exchange, ServerContext } from './server-context.js'

/** No proxy is issued for less than this, in seconds: it would be over before it arrives. */
const LEAST_LIFETIME_SECONDS = 1

export async function serveGet(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
): Promise<void> {
  const candidates = await candidatesFor(context, request)
  const admitted = await authoriseAccess(context, exchange, request, candidates)
  await exchange.stream.write(await encodeOkWithTrustRoots(context, request, exchange.signal))
  const certificationRequest = await readRequestIfAny(exchange)
  if (certificationRequest === undefined) return saysNothingFetched(context, exchange, request)
  await delegate(context, exchange, request, admitted, certificationRequest)
}

/**
 * Undefined for a client that hangs up instead: `myproxy-logon -N` authenticates and fetches
 * nothing.
 */
async function readRequestIfAny({ stream }: Exchange): Promise<Buffer | undefined> {
  try {
    return await readCertificationRequest(stream)
  } catch (error) {
    if (isVoboxError(error, 'CONNECTION_CLOSED') && error.data.received === 0) return undefined
    throw error
  }
}

function saysNothingFetched(
  { journal }: ServerContext,
  { client, stream }: Exchange,
  { username }: MyProxyRequest,
): void {
  journal.write('info', 'myproxy-authenticated', 'Authenticated, and fetched nothing', {
    peer: stream.label,
    client: client.dn,
    username,
  })
}

async function delegate(
  context: ServerContext,
  { stream }: Exchange,
  request: MyProxyRequest,
  { entry, stored, signer, limited }: Admitted,
  certificationRequest: Buffer,
): Promise<void> {
  const { random } = context
  const now = context.clock.now()
  const lifetimeSeconds = grantLifetime({
    askedSeconds: request.lifetimeSeconds,
    storedSeconds: entry.data.lifetimeSeconds,
    serverSeconds: context.maxProxyLifetimeSeconds,
    chainSeconds: stored.effectiveEnd - now,
  })
  if (lifetimeSeconds < LEAST_LIFETIME_SECONDS) throw storedExpired()
  const certificates = answerDelegation({
    request: certificationRequest,
    signer,
    lifetimeSeconds,
    now,
    random,
    policy: limited ? 'limited' : undefined,
  })
  await sendCertificateList(stream, certificates)
  await stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
}
