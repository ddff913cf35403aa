/**
 * TLS to a grid service, with a proxy credential of ours and a chain of theirs that we judge.
 *
 * Node's own verification knows neither proxy certificates, nor a hashed trust directory, nor
 * signing policies: a server that presents a proxy always fails it. So it is switched off and
 * everything (chain, CRLs, key usage, name) is decided here, on the very socket that is then used,
 * before a byte of ours leaves. No session is ever resumed: a resumed one has no chain to judge. Nor
 * may the peer renegotiate (RFC 5246 §7.4.1.1): it could become somebody else after it was judged.
 */
import { isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { VoboxError } from '../errors.js'
import { withDeadline } from '../ports/deadline.js'
import type { Address } from '../ports/dialer.js'
import type { Credential } from '../proxy/credential.js'
import { ByteStream } from './byte-stream.js'
import type { GsiContext } from './context.js'
import { checkPeerName, type PeerExpectation } from './peer-name.js'
import { type PeerChain, type PeerTrust, prepareJudge } from './peer-trust.js'
import { secureContextFor } from './tls-credential.js'
import { CLOSED_HINT, tlsFailure } from './tls-failures.js'

export type { PeerChain, PeerTrust } from './peer-trust.js'

/** A connection to a peer that is the one expected, and trusted unless `bootstrap` was asked for. */
export class SecureChannel extends ByteStream {
  readonly peer: PeerChain

  constructor(
    socket: TLSSocket,
    peer: PeerChain,
    options: ConstructorParameters<typeof ByteStream>[1],
  ) {
    super(socket, options)
    this.peer = peer
  }
}

/** Where to connect, and whom to find there. */
export interface ChannelTarget {
  address: Address
  port: number
  expectation: PeerExpectation
  /** Presented to the server, whole chain. Absent: none, as `myproxy-logon` does without a proxy. */
  credential?: Credential | undefined
  /** Default `anchors`. */
  trust?: PeerTrust | undefined
  /** Cancels every wait, also those of the channel once it is open. */
  signal?: AbortSignal | undefined
  /** Cancels the opening alone; it must follow `signal`, which is the default. */
  opening?: AbortSignal | undefined
  /** Default: the context's `connectMs` for each. */
  deadlines?: OpeningDeadlines | undefined
  /** Told as each step begins. */
  onPhase?: ((phase: OpeningPhase) => void) | undefined
}

/** In milliseconds. */
export interface OpeningDeadlines {
  connectMs: number
  tlsMs: number
}

/** `peer`: its chain and its name are judged. */
export type OpeningPhase = 'connect' | 'tls' | 'peer'

/**
 * Connects to one address. TCP and TLS have a deadline each.
 *
 * @throws `CONNECTION_FAILED`, `DEADLINE_EXCEEDED`, `TLS_FAILED`, `CONNECTION_CLOSED`,
 *   `PEER_UNTRUSTED` (with the reason in `data.reason` and `cause`), `PEER_NAME_MISMATCH`,
 *   `TRUST_ANCHORS_UNREADABLE`.
 */
export async function openSecureChannel(
  context: GsiContext,
  target: ChannelTarget,
): Promise<SecureChannel> {
  const label = targetLabel(target)
  const { connectMs } = context
  const { opening = target.signal, deadlines = { connectMs, tlsMs: connectMs } } = target
  const judge = await prepareJudge(context, target.trust ?? 'anchors', opening)
  const step = { ...target, label, opening, deadlines }
  target.onPhase?.('connect')
  const tcp = await openTcp(context, step)
  try {
    target.onPhase?.('tls')
    const socket = await shakeHands(context, step, tcp)
    target.onPhase?.('peer')
    const peer = await judge(socket, label)
    checkPeerName(peer.facts.endEntity, target.expectation)
    return new SecureChannel(socket, peer, {
      clock: context.clock,
      answerMs: context.answerMs,
      label,
      signal: target.signal,
      explain: (error) => tlsFailure(label, error),
    })
  } catch (error) {
    tcp.destroy()
    throw error
  }
}

/** `host:port (address)`: people know the name, and the address tells which of several it was. */
export function targetLabel({ address, port, expectation }: ChannelTarget): string {
  const host = isIP(expectation.host) === 6 ? `[${expectation.host}]` : expectation.host
  return expectation.host === address.ip ? `${host}:${port}` : `${host}:${port} (${address.ip})`
}

interface Step extends ChannelTarget {
  label: string
  opening: AbortSignal | undefined
  deadlines: OpeningDeadlines
}

function openTcp(
  { clock, dialer }: GsiContext,
  { address, port, label, opening, deadlines: { connectMs } }: Step,
): Promise<Socket> {
  return withDeadline(
    clock,
    connectMs,
    opening,
    () => tooSlow(label, 'cannot be reached: no connection', connectMs),
    async (inner) => {
      const socket = await dialer.connect(address, port, inner)
      // A dialer that ignores its signal may come too late.
      if (inner.aborted) socket.destroy()
      return socket
    },
  )
}

function shakeHands(
  { clock, tlsMaxVersion }: GsiContext,
  { credential, expectation, label, opening, deadlines: { tlsMs } }: Step,
  tcp: Socket,
): Promise<TLSSocket> {
  return withDeadline(
    clock,
    tlsMs,
    opening,
    () => tooSlow(label, 'took the connection and then said nothing: no TLS', tlsMs),
    () =>
      new Promise((resolve, reject) => {
        const socket = connectTls({
          socket: tcp,
          ...(isIP(expectation.host) ? {} : { servername: expectation.host }),
          secureContext: secureContextFor(credential, tlsMaxVersion),
          // OpenSSL decides nothing: see above.
          rejectUnauthorized: false,
          checkServerIdentity: () => undefined,
        })
        // Also swallows what comes after the deadline; the channel adds a listener of its own.
        socket.on('error', (error) => reject(tlsFailure(label, error)))
        socket.once('close', () => reject(closedInHandshake(label)))
        socket.once('secureConnect', () => resolve(socket))
      }),
  )
}

function tooSlow(label: string, what: string, deadlineMs: number): VoboxError {
  return new VoboxError('DEADLINE_EXCEEDED', `${label} ${what} within ${deadlineMs / 1000} s`, {
    data: { peer: label, deadlineMs },
  })
}

function closedInHandshake(label: string): VoboxError {
  return new VoboxError('CONNECTION_CLOSED', `${label} closed the connection during TLS`, {
    data: { peer: label },
    hint: CLOSED_HINT,
  })
}
