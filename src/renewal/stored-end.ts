/**
 * When the stored credential ends, in the words of the server that holds it.
 *
 * A renewal shows it in the chain that it brings, every hour; that stands in where a server answers no
 * INFO. INFO itself is asked once a day, and each hour when the end comes near enough for an alarm, or
 * there is none any more: its owner may have stored a new one meanwhile.
 */
import { isVoboxError, printable, toVoboxError, type VoboxError } from '../errors.js'
import { noCredential } from '../myproxy/classify-refusal.js'
import { showServer } from '../myproxy/server-list.js'
import type { UnixSeconds } from '../ports/clock.js'
import { describeChain } from '../proxy/chain-facts.js'
import type { Credential } from '../proxy/credential.js'
import type { Registration, RegistrationState } from '../registry/registration.js'
import type { RenewalContext } from './context.js'
import { serversOf, usernameOf } from './renewal-request.js'
import { knownAfter, type StoredSight, standsIn } from './stored-news.js'

/** INFO is not asked more often, in seconds. */
export const STORED_END_PAUSE_SECONDS = 3600
const OLD_SECONDS = 86_400
const LEASE_DEADLINE_MS = 5000

/** Whether INFO is worth asking. Pure. */
export function wantsStoredEnd(
  registration: Registration,
  { storedEnd, storedGoneAt, infoFailure }: RegistrationState,
  now: UnixSeconds,
): boolean {
  const said = storedEnd?.from === 'info' ? storedEnd.learnedAt : undefined
  const asked = [said, storedGoneAt, infoFailure?.at].filter((at) => at !== undefined)
  if (storedEnd === undefined || asked.length === 0) return true
  const age = Math.abs(now - Math.max(...asked))
  if (age < STORED_END_PAUSE_SECONDS) return false
  const near = storedEnd.at - now < registration.myproxySafeSeconds
  return near || storedGoneAt !== undefined || age >= OLD_SECONDS
}

/**
 * Asks and remembers, also that nobody answered. A failure is harmless; `reachable` says whether a
 * server was there.
 */
export async function learnStoredEnd(
  context: RenewalContext,
  registration: Registration,
  signal?: AbortSignal,
): Promise<{ reachable: boolean }> {
  const { repository, clock, journal } = context
  const { fileName, identity } = registration
  try {
    const credential = await repository.read(fileName)
    if (describeChain(credential.chain).effectiveEnd <= clock.now()) return { reachable: true }
    const answer = await askInfo(context, registration, credential, signal)
    await remember(context, registration, answer, signal)
    if (!('failure' in answer)) return { reachable: true }
    const { code, message } = answer.failure
    const sentence = `${identity}: no answer about what is stored: ${message}`
    journal.write('debug', 'info-failed', sentence, { file: fileName, code })
    return { reachable: code !== 'ALL_SERVERS_FAILED' }
  } catch (error) {
    const { code, message } = toVoboxError(error)
    const sentence = `${identity}: what is stored could not be looked at: ${message}`
    journal.write('debug', 'info-failed', sentence, { file: fileName, code })
    return { reachable: true }
  }
}

type Answer = { sight: StoredSight } | { gone: true } | { failure: VoboxError }

async function askInfo(
  context: RenewalContext,
  registration: Registration,
  credential: Credential,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  try {
    const { server: address, credentials } = await context.source.info({
      servers: serversOf(context, registration),
      username: usernameOf(registration),
      credential,
      ...(signal && { signal }),
    })
    const server = showServer(address)
    const stored = credentials.find(({ name }) => name === registration.credentialName)
    if (stored === undefined) return noneAt(registration, server, noCredential(server))
    return { sight: { at: stored.end, learnedAt: context.clock.now(), from: 'info', server } }
  } catch (thrown) {
    signal?.throwIfAborted()
    const failure = toVoboxError(thrown)
    const none = isVoboxError(failure, 'MYPROXY_NO_CREDENTIAL')
    return none ? noneAt(registration, failure.data.peer, failure) : { failure }
  }
}

/** That a copy which is behind has none is no news of what its owner stored. */
function noneAt(registration: Registration, server: unknown, failure: VoboxError): Answer {
  return standsIn(registration, server) ? { failure } : { gone: true }
}

async function remember(
  { registry, clock }: RenewalContext,
  registration: Registration,
  answer: Answer,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { fileName } = registration
  const lease = await registry.lease(fileName, LEASE_DEADLINE_MS, signal)
  try {
    if ((await registry.get(fileName)) === undefined) return
    const state = await registry.state(fileName)
    await registry.writeState(fileName, stateAfter(registration, state, answer, clock.now()))
  } finally {
    await lease.release()
  }
}

/** Pure. INFO answers its owner alone: "none" is news only of one that was known to be there. */
function stateAfter(
  registration: Registration,
  state: RegistrationState,
  answer: Answer,
  now: UnixSeconds,
): RegistrationState {
  if ('failure' in answer) {
    const { code, message } = answer.failure
    return { ...state, infoFailure: { at: now, code, message: printable(message) } }
  }
  const { infoFailure: _answered, ...answered } = state
  if ('gone' in answer) return state.storedEnd ? { ...answered, storedGoneAt: now } : answered
  const { storedGoneAt: _past, behind: _before, ...rest } = answered
  return { ...rest, ...knownAfter(registration, state, answer.sight) }
}
