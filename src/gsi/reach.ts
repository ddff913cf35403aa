/**
 * One exchange with the first server of a list that can be reached: servers strictly in order, and
 * every address of each in the resolver's order.
 *
 * A server that answers has the last word, also when it refuses: the next one is for when this one
 * cannot be reached or does not speak the protocol. Otherwise a replica that lags behind would be
 * asked after every "no".
 */
import { type ErrorCode, isVoboxError, type Persistence, VoboxError } from '../errors.js'
import { withDeadline } from '../ports/deadline.js'
import type { Address } from '../ports/dialer.js'
import type { Credential } from '../proxy/credential.js'
import type { GsiContext } from './context.js'
import {
  type ChannelTarget,
  openSecureChannel,
  type SecureChannel,
  targetLabel,
} from './secure-channel.js'
import { type ServerAddress, showAddress } from './server-address.js'

export interface Reach<S extends ServerAddress> {
  servers: readonly S[]
  credential: Credential
  serverDn?: string | undefined
  /** What sets it, for people. */
  dnSetting?: string
  services?: readonly string[]
  signal?: AbortSignal | undefined
}

/** One try that failed, as it stands in `ALL_SERVERS_FAILED`'s `data.attempts`. */
export interface FailedAttempt {
  /** `host:port`. */
  server: string
  /** Numeric address; absent when the name could not be resolved. */
  address?: string
  code: ErrorCode
  message: string
  persistence: Persistence
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

/**
 * Runs `exchange` on a channel to the first server that answers, and closes the channel.
 *
 * @throws `ALL_SERVERS_FAILED` when none could be reached: `data.attempts` lists each
 *   {@link FailedAttempt}; permanent only when every attempt was. Anything else that `exchange`
 *   throws, and `signal.reason`, end the walk at once.
 */
export async function withFirstReachable<S extends ServerAddress, T>(
  context: GsiContext,
  reach: Reach<S>,
  exchange: (channel: SecureChannel, server: S) => Promise<T>,
): Promise<T> {
  const failures: { attempt: FailedAttempt; error: VoboxError }[] = []
  const note = (server: S, address: string | undefined, thrown: unknown) => {
    reach.signal?.throwIfAborted()
    if (!isVoboxError(thrown, ...NOT_REACHED)) throw thrown
    const attempt: FailedAttempt = {
      server: showAddress(server),
      ...(address === undefined ? {} : { address }),
      code: thrown.code,
      message: thrown.message,
      persistence: thrown.persistence,
    }
    failures.push({ attempt, error: thrown })
    context.journal.write('debug', 'server-not-reached', thrown.message, {
      server: attempt.server,
      address,
      code: thrown.code,
    })
  }

  for (const server of reach.servers) {
    const addresses = await resolve(context, server, reach).catch((error) => {
      note(server, undefined, error)
      return []
    })
    for (const address of addresses) {
      try {
        return await tryOnce(context, reach, server, address, exchange)
      } catch (error) {
        note(server, address.ip, error)
      }
    }
  }
  throw allFailed(failures)
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
  { credential, serverDn, dnSetting, services, signal }: Reach<S>,
  server: S,
  address: Address,
  exchange: (channel: SecureChannel, server: S) => Promise<T>,
): Promise<T> {
  const target: ChannelTarget = {
    address,
    port: server.port,
    expectation: { host: server.host, serverDn, dnSetting, ...(services && { services }) },
    credential,
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

function allFailed(failures: readonly { attempt: FailedAttempt; error: VoboxError }[]): VoboxError {
  const attempts = failures.map(({ attempt }) => attempt)
  const reasons = attempts.map(({ message }) => message).join('; ')
  const last = failures.at(-1)?.error
  return new VoboxError('ALL_SERVERS_FAILED', `no server could be used: ${reasons}`, {
    data: { attempts },
    hint:
      failures.findLast(({ error }) => error.hint !== undefined)?.error.hint ??
      'Check the names and ports of the servers, and that no firewall is in the way',
    persistence: attempts.every(({ persistence }) => persistence === 'permanent')
      ? 'permanent'
      : 'transient',
    cause: last,
  })
}
