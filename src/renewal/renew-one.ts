/**
 * One renewal, read top to bottom.
 *
 * Whatever goes wrong on the way, the proxy that works stays where it is: it is replaced in one step,
 * by something that has been checked. Called by the daemon and by `renew`, in any number of processes
 * at once; the lease on the registration makes them take turns.
 */
import { isVoboxError, printable, toVoboxError, VoboxError } from '../errors.js'
import { showServer } from '../myproxy/server-list.js'
import type { UnixSeconds } from '../ports/clock.js'
import { type ChainFacts, describeChain } from '../proxy/chain-facts.js'
import { type Credential, parseCredential } from '../proxy/credential.js'
import type { Registration } from '../registry/registration.js'
import type { Lease } from '../registry/registry.js'
import { type AcceptanceRules, acceptProxy } from './accept-proxy.js'
import type { RenewalContext } from './context.js'
import { REGISTER_AGAIN, withCure } from './cures.js'
import { dressFresh } from './dress-fresh.js'
import { keepRenewable } from './keep-renewable.js'
import { noteCapped, noteFailure, noteRenewed } from './note-outcome.js'
import type { Attempt, RenewalOutcome, RenewOptions } from './outcome.js'
import { decideFor, type ProxyTimes, proxyTimes } from './proxy-facts.js'
import { limitOfShortGrant } from './registering/probe-grant.js'
import { machineFor, renewalRequest } from './renewal-request.js'
import { stayLimited } from './stay-limited.js'
import { ofStandIn } from './stored-news.js'
import { anchorsNow } from './trust-now.js'

/** How long to wait for another process that works on the same registration. */
const LEASE_DEADLINE_MS = 5000

/** Renews one registration if it is due. Never rejects for a failed renewal: that is an outcome. */
export async function renewOne(
  context: RenewalContext,
  fileName: string,
  options: RenewOptions = {},
): Promise<RenewalOutcome> {
  const lease = await takeLease(context, fileName, options.signal)
  if (!('release' in lease)) return lease
  try {
    const registration = await context.registry.get(fileName)
    if (registration === undefined) return { kind: 'not-registered' }
    const state = await context.registry.state(fileName)
    const attempt: Attempt = { registration, state, options }
    try {
      return await renewLeased(context, attempt)
    } catch (error) {
      if (options.signal?.aborted) return { kind: 'cancelled' }
      // It ended while its renewal was under way.
      if (isVoboxError(error, 'NOT_REGISTERED')) return { kind: 'not-registered' }
      const failure = ofStandIn(withCure(toVoboxError(error), attempt), registration)
      return await noteFailure(context, attempt, failure)
    }
  } finally {
    await lease.release()
  }
}

async function renewLeased(context: RenewalContext, attempt: Attempt): Promise<RenewalOutcome> {
  const { registration, options } = attempt
  const { repository, clock, config } = context
  const { fileName } = registration
  const current = await readCurrent(context, attempt)
  const decision = decide(context, attempt, current.times)
  if (decision.action === 'give-up') throw expired(registration, current.times.chainEnd)
  if (decision.action === 'wait' && !options.force) return { kind: 'not-due', decision }
  attempt.emergency = decision.reason === 'emergency'

  await repository.probeWritable(fileName)
  const request = await requestFor(context, attempt, current.credential)
  const fresh = await context.source.renew(request)
  const rules: AcceptanceRules = {
    current: current.facts,
    registration,
    anchors: await anchorsNow(context, options.signal),
    now: clock.now(),
    config,
    evenIfNotLonger: options.force === true || decision.reason === 'attributes',
  }
  const accepted = { ...fresh, acceptance: acceptProxy(fresh.credential, rules) }
  const limited = await stayLimited(context, current.facts, accepted, options.signal)
  const plain = { ...accepted, credential: limited }
  const dressed = await dressFresh(context, registration, plain, rules, options.signal).catch(
    async (error: unknown) => {
      options.signal?.throwIfAborted()
      await keepRenewable(context, attempt, { times: current.times, plain, error })
      throw error
    },
  )
  const server = showServer(fresh.server)
  const { credential, acceptance } = dressed
  if (acceptance.verdict === 'capped') return noteCapped(context, attempt, acceptance, server)

  await repository.replace(fileName, credential)
  const limit = await limitOfShortGrant(context, attempt, {
    request: { ...request, servers: [fresh.server], current: credential },
    acceptance,
  })
  return noteRenewed(context, attempt, dressed, server, limit)
}

interface CurrentProxy {
  credential: Credential
  facts: ChainFacts
  times: ProxyTimes
}

async function readCurrent(context: RenewalContext, attempt: Attempt): Promise<CurrentProxy> {
  const { fileName } = attempt.registration
  try {
    const { bytes, facts: file } = await context.repository.readBytes(fileName)
    const credential = parseCredential(bytes, undefined, context.certificates?.parse)
    const times = proxyTimes(credential.chain, file)
    attempt.currentEnd = times.end
    attempt.currentChainEnd = times.chainEnd
    return { credential, facts: describeChain(credential.chain), times }
  } catch (error) {
    if (!isVoboxError(error)) throw error
    const { code, message, data, persistence } = error
    const hint = code === 'FILE_UNSAFE' ? (error.hint ?? REGISTER_AGAIN) : REGISTER_AGAIN
    throw new VoboxError(code, message, { hint, data, persistence, cause: error })
  }
}

function decide({ config, clock }: RenewalContext, attempt: Attempt, times: ProxyTimes) {
  const { registration, state, options } = attempt
  const { retryAt: _retryAt, attemptedAt: _attemptedAt, ...unhindered } = state
  const believed = options.evenIfBackingOff ? unhindered : state
  return decideFor(registration, believed, times, config, clock.now())
}

async function requestFor(context: RenewalContext, attempt: Attempt, current: Credential) {
  const { registration, options } = attempt
  const machine = await machineFor(context, registration)
  if (machine) attempt.machineDn = describeChain(machine.chain).identity.oneLine
  return renewalRequest(context, registration, { machine, current, signal: options.signal })
}

async function takeLease(
  { registry }: RenewalContext,
  fileName: string,
  signal: AbortSignal | undefined,
): Promise<Lease | { kind: 'busy' } | { kind: 'cancelled' }> {
  try {
    return await registry.lease(fileName, LEASE_DEADLINE_MS, signal)
  } catch (error) {
    if (signal?.aborted) return { kind: 'cancelled' }
    if (isVoboxError(error, 'LOCK_TIMEOUT')) return { kind: 'busy' }
    throw error
  }
}

function expired({ identity }: Registration, end: UnixSeconds): VoboxError {
  return new VoboxError(
    'PROXY_EXPIRED',
    `The proxy of ${printable(identity)} has expired and can no longer authorise its renewal`,
    { data: { end } },
  )
}
