/**
 * When the stored credential ends, where no renewal has told.
 *
 * A renewal shows it in the chain that it brings, and renewals are made every hour. So INFO is asked
 * only when nothing is known, or when what is known is old and about to cause an alarm: its owner may
 * have stored a new one meanwhile.
 */
import { isVoboxError, toVoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { describeChain } from '../proxy/chain-facts.js'
import type { Credential } from '../proxy/credential.js'
import type { Registration, RegistrationState } from '../registry/registration.js'
import type { RenewalContext } from './context.js'
import { serversOf } from './renewal-request.js'

/** Knowledge younger than this is not refreshed, in seconds; nor is INFO asked more often. */
export const STORED_END_PAUSE_SECONDS = 3600
const OLD_SECONDS = 86_400
const LEASE_DEADLINE_MS = 5000

/** Whether INFO is worth asking. Pure. */
export function wantsStoredEnd(
  registration: Registration,
  { storedEnd }: RegistrationState,
  now: UnixSeconds,
): boolean {
  if (storedEnd === undefined) return true
  const age = Math.abs(now - storedEnd.learnedAt)
  if (age < STORED_END_PAUSE_SECONDS) return false
  return storedEnd.at - now < registration.myproxySafeSeconds || age >= OLD_SECONDS
}

/**
 * Asks and remembers. A failure is harmless and only noted in the journal; `reachable` says whether a
 * server answered.
 */
export async function learnStoredEnd(
  context: RenewalContext,
  registration: Registration,
  signal?: AbortSignal,
): Promise<{ reachable: boolean }> {
  const { repository, registry, clock, journal } = context
  const { fileName, identity } = registration
  try {
    const credential = await repository.read(fileName)
    if (describeChain(credential.chain).effectiveEnd <= clock.now()) return { reachable: true }
    const end = await storedEndFrom(context, registration, credential, signal)
    const lease = await registry.lease(fileName, LEASE_DEADLINE_MS, signal)
    try {
      if ((await registry.get(fileName)) === undefined) return { reachable: true }
      const state = await registry.state(fileName)
      await registry.writeState(fileName, withInfo(state, end, clock.now()))
    } finally {
      await lease.release()
    }
    return { reachable: true }
  } catch (error) {
    const { code, message } = toVoboxError(error)
    journal.write(
      'debug',
      'info-failed',
      `${identity}: no answer about what is stored: ${message}`,
      {
        file: fileName,
        code,
      },
    )
    return { reachable: !isVoboxError(error, 'ALL_SERVERS_FAILED') }
  }
}

/** What INFO says; undefined: that there is none under this name. */
async function storedEndFrom(
  context: RenewalContext,
  registration: Registration,
  credential: Credential,
  signal: AbortSignal | undefined,
): Promise<UnixSeconds | undefined> {
  try {
    const { credentials } = await context.source.info({
      servers: serversOf(context, registration),
      username: registration.username ?? registration.identity,
      credential,
      ...(signal && { signal }),
    })
    return credentials.find(({ name }) => name === registration.credentialName)?.end
  } catch (error) {
    if (isVoboxError(error, 'MYPROXY_NO_CREDENTIAL')) return undefined
    throw error
  }
}

/** Pure. INFO answers its owner alone: "none" is news only of one that was known to be there. */
function withInfo(
  state: RegistrationState,
  end: UnixSeconds | undefined,
  now: UnixSeconds,
): RegistrationState {
  if (end === undefined) return state.storedEnd ? { ...state, storedGoneAt: now } : state
  const { storedGoneAt: _past, ...rest } = state
  return { ...rest, storedEnd: { at: end, learnedAt: now, from: 'info' } }
}
