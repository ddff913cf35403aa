/** What each MyProxy server of a registration says and gives; what it gives is thrown away. */
import { isVoboxError, toVoboxError, VoboxError } from '../../errors.js'
import { type MyProxyServer, showServer } from '../../myproxy/server-list.js'
import { asUnixSeconds } from '../../ports/clock.js'
import { describeChain } from '../../proxy/chain-facts.js'
import type { Credential } from '../../proxy/credential.js'
import type { Registration } from '../../registry/registration.js'
import type { GivenProxy, ServerTrial } from '../../renewal/checking/judge-trials.js'
import type { RenewalContext } from '../../renewal/context.js'
import { isShortGrant } from '../../renewal/grant.js'
import { FAR_MORE_SECONDS } from '../../renewal/registering/probe-grant.js'
import { renewalRequest, serversOf, usernameOf } from '../../renewal/renewal-request.js'

export interface TrialCall {
  registration: Registration
  /** The user proxy as it is in its file. */
  current: Credential
  /** Absent: no renewal is tried, unless by pass phrase. */
  machine?: Credential | undefined
  signal: AbortSignal
}

/** All servers at once, in their order. */
export function tryServers(context: RenewalContext, call: TrialCall): Promise<ServerTrial[]> {
  const servers = serversOf(context, call.registration)
  return Promise.all(servers.map((server) => tryServer(context, server, call)))
}

async function tryServer(
  context: RenewalContext,
  server: MyProxyServer,
  call: TrialCall,
): Promise<ServerTrial> {
  const { registration, current, machine, signal } = call
  // An expired one authenticates nobody; by pass phrase it is renewed all the same.
  const alive = describeChain(current.chain).effectiveEnd > context.clock.now()
  const renews = machine !== undefined || registration.passPhraseFile !== undefined
  const [stored, given] = await Promise.all([
    alive ? orError(askStored(context, server, call), signal) : undefined,
    renews ? orError(askRenewal(context, server, call), signal) : undefined,
  ])
  return { server, stored, given }
}

async function askStored(
  { source }: RenewalContext,
  server: MyProxyServer,
  { registration, current, signal }: TrialCall,
) {
  const { credentialName } = registration
  const username = usernameOf(registration)
  const call = { servers: [server], username, credential: current, signal }
  const { credentials } = await source.info(call)
  const stored = credentials.find(({ name }) => name === credentialName)
  if (stored !== undefined) return stored
  const what = credentialName === undefined ? 'default credential' : `credential ${credentialName}`
  throw new VoboxError('MYPROXY_NO_CREDENTIAL', `${showServer(server)} holds no ${what} of it`)
}

async function askRenewal(
  context: RenewalContext,
  server: MyProxyServer,
  { registration, current, machine, signal }: TrialCall,
): Promise<GivenProxy> {
  const { fileName, lifetimeSeconds } = registration
  const { credential } = await context.source.renew({
    ...renewalRequest(context, registration, { machine, current, signal }),
    servers: [server],
    lifetimeSeconds: FAR_MORE_SECONDS,
  })
  const facts = describeChain(credential.chain)
  const receivedAt = context.clock.now()
  const seconds = facts.effectiveEnd - receivedAt
  const short = isShortGrant(lifetimeSeconds, seconds)
  context.grants.note(showServer(server), fileName, seconds, short)
  const above = credential.chain.slice(1).map(({ notAfter }) => notAfter)
  return { facts, seconds, receivedAt, storedEnd: asUnixSeconds(Math.min(...above)) }
}

async function orError<T>(
  work: Promise<T>,
  signal: AbortSignal,
): Promise<T | { error: VoboxError }> {
  try {
    return await work
  } catch (error) {
    signal.throwIfAborted()
    if (!isVoboxError(error)) throw error
    return { error: toVoboxError(error) }
  }
}
