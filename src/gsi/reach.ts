/**
 * One exchange with the first server of a list that can be reached: servers strictly in order; the
 * addresses of one may race until TLS stands.
 *
 * A server that answers has the last word, also when it refuses: the next one is for when this one
 * cannot be reached or does not speak the protocol. Otherwise a replica that lags behind would be
 * asked after every "no".
 */
import { toVoboxError } from '../errors.js'
import type { Address } from '../ports/dialer.js'
import type { Credential } from '../proxy/credential.js'
import { type Attempt, AttemptLog } from './attempts.js'
import type { GsiContext } from './context.js'
import { findAddresses, MAX_ADDRESSES } from './find-addresses.js'
import { type Opened, type OpeningResult, openFirst } from './open-first.js'
import {
  allFailed,
  isNotReached,
  leavesDoubt,
  namingPeer,
  notAsked,
  outcomeUnknown,
} from './reach-failures.js'
import type { PeerTrust, SecureChannel } from './secure-channel.js'
import { type ServerAddress, showAddress } from './server-address.js'

export type { Attempt, AttemptOutcome, AttemptPhase, FailedAttempt } from './attempts.js'

export interface Reach<S extends ServerAddress> {
  servers: readonly S[]
  /** Whether the caller goes on to others when these fail, which lets it leave the dead early. */
  othersFollow?: boolean
  /** Absent: TLS without a certificate of ours. */
  credential?: Credential | undefined
  /**
   * What the exchange does to the server. `writes` goes to the first server alone, since a later one
   * may be a read-only copy, and once a byte has left it is never sent again. Default `reads`.
   */
  moves?: 'reads' | 'writes'
  /** Default `anchors`. */
  trust?: PeerTrust | undefined
  serverDn?: string | undefined
  /** What sets it, for people. */
  dnSetting?: string
  services?: readonly string[]
  signal?: AbortSignal | undefined
  /** Told of each try as it ends, in that order. */
  onAttempt?: ((attempt: Attempt) => void) | undefined
}

/** How long after the first try the last one may begin, in connect deadlines: 2 min with one of 5 s. */
const WALK_DEADLINES = 24

/**
 * Runs `exchange` on a channel to the first server that answers, and closes the channel. At most 16
 * addresses of each name are tried, and none begins after 24 times `connectMs`. Of one server, the
 * next address starts a second after the one before, or at its failure; the first with which TLS
 * stands is used. Where the exchange breaks, a read goes on to what is left.
 *
 * @throws `ALL_SERVERS_FAILED` when none could be reached: `data.attempts` lists each
 *   `FailedAttempt`, `data.untried` counts the addresses that were left out, `data.notAsked` names the
 *   servers that a write leaves alone; permanent only when every attempt was and no address is left.
 *   `OUTCOME_UNKNOWN` when a write broke, or was cancelled, after its request had left. Anything else that `exchange`
 *   throws, and `signal.reason`, end the walk at once.
 */
export async function withFirstReachable<S extends ServerAddress, T>(
  context: GsiContext,
  reach: Reach<S>,
  exchange: (channel: SecureChannel, server: S) => Promise<T>,
): Promise<T> {
  const walk = new Walk(context, reach)
  for (const server of walk.servers) {
    let left = await walk.addressesOf(server)
    while (left.length > 0) {
      const step = await walk.open(server, left)
      if (step.opened === undefined) {
        walk.leaveOut(server, step.left)
        break
      }
      const result = await walk.converse(step.opened, (channel) => exchange(channel, server))
      if (result !== undefined) return result.value
      left = step.left
    }
  }
  throw walk.failure()
}

/** What was tried so far, and how long it may go on. */
class Walk<S extends ServerAddress> {
  /** Those that are asked, in order. */
  readonly servers: readonly S[]
  readonly #context: GsiContext
  readonly #reach: Reach<S>
  readonly #log: AttemptLog
  readonly #lastStartMs: number
  #untried = 0

  constructor(context: GsiContext, reach: Reach<S>) {
    this.#context = context
    this.#reach = reach
    this.#log = new AttemptLog(context, reach.onAttempt)
    this.servers = this.#writes ? reach.servers.slice(0, 1) : reach.servers
    this.#lastStartMs = context.clock.monotonicMs() + WALK_DEADLINES * context.connectMs
  }

  /** In the resolver's order; none, and a failure noted, when there is no answer. */
  async addressesOf(server: S): Promise<readonly Address[]> {
    const { signal } = this.#reach
    const attempt = this.#log.begin(server)
    try {
      const follow = this.#othersFollow(server)
      const addresses = await findAddresses(this.#context, server.host, signal, follow)
      this.leaveOut(server, addresses.slice(MAX_ADDRESSES))
      return addresses.slice(0, MAX_ADDRESSES)
    } catch (error) {
      signal?.throwIfAborted()
      if (!isNotReached(error)) throw error
      attempt.fail('failed', error)
      return []
    }
  }

  open(server: S, addresses: readonly Address[]): Promise<OpeningResult> {
    const { credential, trust, serverDn, dnSetting, services, signal } = this.#reach
    return openFirst(this.#context, this.#log, {
      server,
      addresses,
      target: {
        port: server.port,
        expectation: { host: server.host, serverDn, dnSetting, ...(services && { services }) },
        credential,
        trust,
        signal,
      },
      othersFollow: this.#othersFollow(server),
      lastStartMs: this.#lastStartMs,
    })
  }

  /** What the exchange comes to; undefined: it broke, and something else may be tried. */
  async converse<T>(
    { channel, attempt }: Opened,
    exchange: (channel: SecureChannel) => Promise<T>,
  ): Promise<{ value: T } | undefined> {
    try {
      const value = await exchange(channel)
      attempt.end('answered', `${channel.label} answered`)
      return { value }
    } catch (thrown) {
      const { signal } = this.#reach
      if (signal?.aborted) throw this.#cancelled(channel, signal)
      const error = namingPeer(thrown, channel.label)
      attempt.fail(isNotReached(error) ? 'failed' : 'refused', error)
      if (!isNotReached(error)) throw error
      if (!this.#writes || !channel.hasSent) return undefined
      throw leavesDoubt(error) ? outcomeUnknown(channel.label, error) : this.failure()
    } finally {
      channel.close()
    }
  }

  /** Who takes back a change that has left must know that it may be made. */
  #cancelled(channel: SecureChannel, { reason }: AbortSignal): unknown {
    if (!this.#writes || !channel.hasSent) return reason
    const error = toVoboxError(namingPeer(toVoboxError(reason), channel.label))
    return outcomeUnknown(channel.label, error)
  }

  leaveOut(server: S, addresses: readonly Address[]): void {
    const [first] = addresses
    if (first === undefined) return
    const name = showAddress(server)
    const sentence = `${name} has more addresses than are tried; the first left out is ${first.ip}`
    if (this.#untried === 0) {
      const facts = { server: name, address: first.ip }
      this.#context.journal.write('warn', 'addresses-left-out', sentence, facts)
    }
    this.#untried += addresses.length
    this.#log.leftOut(server, first, sentence)
  }

  failure(): Error {
    const later = this.#reach.servers.slice(this.servers.length)
    for (const server of later) {
      this.#log.leftOut(server, undefined, notAsked([showAddress(server)]))
    }
    const servers = later.map(showAddress)
    return allFailed(this.#log.failures, { addresses: this.#untried, servers })
  }

  get #writes(): boolean {
    return this.#reach.moves === 'writes'
  }

  #othersFollow(server: S): boolean {
    return server !== this.servers.at(-1) || this.#reach.othersFollow === true
  }
}
