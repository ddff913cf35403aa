/**
 * One exchange with the first server of a list that can be reached: servers strictly in order, and
 * every address of each in the resolver's order.
 *
 * A server that answers has the last word, also when it refuses: the next one is for when this one
 * cannot be reached or does not speak the protocol. Otherwise a replica that lags behind would be
 * asked after every "no".
 */
import { type ErrorCode, isVoboxError, VoboxError } from '../errors.js'
import { withDeadline } from '../ports/deadline.js'
import type { Address } from '../ports/dialer.js'
import type { Credential } from '../proxy/credential.js'
import type { Attempt, FailedAttempt } from './attempts.js'
import type { GsiContext } from './context.js'
import {
  type ChannelTarget,
  openSecureChannel,
  type PeerTrust,
  type SecureChannel,
  targetLabel,
} from './secure-channel.js'
import { type ServerAddress, showAddress } from './server-address.js'

export type { Attempt, AttemptOutcome, AttemptPhase, FailedAttempt } from './attempts.js'

export interface Reach<S extends ServerAddress> {
  servers: readonly S[]
  /** Absent: TLS without a certificate of ours. */
  credential?: Credential | undefined
  /**
   * What the exchange does to the server. `writes` goes to the first server alone, since a later one
   * may be a read-only secondary, and once a byte has left it is never sent again. Default `reads`.
   */
  moves?: 'reads' | 'writes'
  /** Default `anchors`. */
  trust?: PeerTrust | undefined
  /** Told of each try as it ends, in that order. */
  onAttempt?: ((attempt: Attempt) => void) | undefined
  serverDn?: string | undefined
  /** What sets it, for people. */
  dnSetting?: string
  services?: readonly string[]
  signal?: AbortSignal | undefined
}

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

/** Most addresses tried of one name: whoever has more made a mistake, or wants us held up. */
const MAX_ADDRESSES = 16

/** How long after the first try the last one may begin, in connect deadlines: 2 min with one of 5 s. */
const WALK_DEADLINES = 24

/**
 * Runs `exchange` on a channel to the first server that answers, and closes the channel. At most 16
 * addresses of each name are tried, and none begins after 24 times `connectMs`.
 *
 * @throws `ALL_SERVERS_FAILED` when none could be reached: `data.attempts` lists each
 *   {@link FailedAttempt}, `data.untried` counts the addresses that were left out; permanent only
 *   when every attempt was and none is left. Anything else that `exchange` throws, and
 *   `signal.reason`, end the walk at once.
 */
export async function withFirstReachable<S extends ServerAddress, T>(
  context: GsiContext,
  reach: Reach<S>,
  exchange: (channel: SecureChannel, server: S) => Promise<T>,
): Promise<T> {
  const walk = new Walk(context, reach)
  for (const server of reach.servers) {
    for (const address of await walk.addressesOf(server)) {
      if (walk.isOver(server, address)) continue
      try {
        return await tryOnce(context, reach, server, address, exchange)
      } catch (error) {
        walk.note(server, address.ip, error)
      }
    }
  }
  throw walk.failure()
}

/** What was tried so far, and how long it may go on. */
class Walk<S extends ServerAddress> {
  readonly #context: GsiContext
  readonly #reach: Reach<S>
  readonly #lastTryMs: number
  readonly #failures: { attempt: FailedAttempt; error: VoboxError }[] = []
  #untried = 0

  constructor(context: GsiContext, reach: Reach<S>) {
    this.#context = context
    this.#reach = reach
    this.#lastTryMs = context.clock.monotonicMs() + WALK_DEADLINES * context.connectMs
  }

  /** In the resolver's order; none, and a failure noted, when there is no answer. */
  async addressesOf(server: S): Promise<readonly Address[]> {
    try {
      const addresses = await resolve(this.#context, server, this.#reach)
      for (const address of addresses.slice(MAX_ADDRESSES)) this.#leaveOut(server, address)
      return addresses.slice(0, MAX_ADDRESSES)
    } catch (error) {
      this.note(server, undefined, error)
      return []
    }
  }

  /** Whether the time for this address has run out. The very first is always tried. */
  isOver(server: S, address: Address): boolean {
    const { clock } = this.#context
    if (this.#failures.length === 0 || clock.monotonicMs() <= this.#lastTryMs) return false
    this.#leaveOut(server, address)
    return true
  }

  #leaveOut(server: S, { ip }: Address): void {
    this.#untried += 1
    if (this.#untried > 1) return
    const name = showAddress(server)
    const message = `${name} has more addresses than are tried; the first left out is ${ip}`
    this.#context.journal.write('warn', 'addresses-left-out', message, {
      server: name,
      address: ip,
    })
  }

  /** Rethrows what another address or server would not do better at. */
  note(server: S, address: string | undefined, thrown: unknown): void {
    this.#reach.signal?.throwIfAborted()
    if (!isVoboxError(thrown, ...NOT_REACHED)) throw thrown
    const attempt: FailedAttempt = {
      server: showAddress(server),
      ...(address === undefined ? {} : { address }),
      code: thrown.code,
      message: thrown.message,
      persistence: thrown.persistence,
    }
    this.#failures.push({ attempt, error: thrown })
    this.#context.journal.write('debug', 'server-not-reached', thrown.message, {
      server: attempt.server,
      address,
      code: thrown.code,
    })
  }

  failure(): VoboxError {
    return allFailed(this.#failures, this.#untried)
  }
}

function resolve<S extends ServerAddress>(
  { clock, connectMs, dialer }: GsiContext,
  { host }: ServerAddress,
  { signal }: Reach<S>,
): Promise<readonly Address[]> {
  return withDeadline(
    clock,
    connectMs,
    signal,
    () =>
      new VoboxError('DEADLINE_EXCEEDED', `no address of ${host} within ${connectMs / 1000} s`, {
        data: { host, deadlineMs: connectMs },
        hint: 'Check this host’s name service',
      }),
    (inner) => dialer.resolve(host, inner),
  )
}

async function tryOnce<S extends ServerAddress, T>(
  context: GsiContext,
  { credential, trust, serverDn, dnSetting, services, signal }: Reach<S>,
  server: S,
  address: Address,
  exchange: (channel: SecureChannel, server: S) => Promise<T>,
): Promise<T> {
  const target: ChannelTarget = {
    address,
    port: server.port,
    expectation: { host: server.host, serverDn, dnSetting, ...(services && { services }) },
    credential,
    trust,
    signal,
  }
  let channel: SecureChannel | undefined
  try {
    channel = await openSecureChannel(context, target)
    return await exchange(channel, server)
  } catch (error) {
    throw namingPeer(error, targetLabel(target))
  } finally {
    channel?.close()
  }
}

/** Failures that have nothing to do with the server they happened at. */
const OF_THIS_HOST: readonly ErrorCode[] = ['TRUST_ANCHORS_UNREADABLE', 'KEY_TOO_WEAK', 'INTERNAL']

/** The same failure with the server in its sentence: codecs and checks below do not know it. */
function namingPeer(error: unknown, label: string): unknown {
  if (!isVoboxError(error) || OF_THIS_HOST.includes(error.code)) return error
  if (error.message.includes(label)) return error
  return new VoboxError(error.code, `${label}: ${error.message}`, {
    data: { ...error.data, peer: label },
    hint: error.hint,
    persistence: error.persistence,
    cause: error.cause ?? error,
  })
}

function allFailed(
  failures: readonly { attempt: FailedAttempt; error: VoboxError }[],
  untried: number,
): VoboxError {
  const attempts = failures.map(({ attempt }) => attempt)
  const reasons = attempts.map(({ message }) => message)
  if (untried > 0) reasons.push(`${untried} more addresses were not tried`)
  const last = failures.at(-1)?.error
  return new VoboxError('ALL_SERVERS_FAILED', `no server could be used: ${reasons.join('; ')}`, {
    data: { attempts, ...(untried > 0 && { untried }) },
    hint:
      failures.findLast(({ error }) => error.hint !== undefined)?.error.hint ??
      'Check the names and ports of the servers, and that no firewall is in the way',
    persistence:
      untried === 0 && attempts.every(({ persistence }) => persistence === 'permanent')
        ? 'permanent'
        : 'transient',
    cause: last,
  })
}
