/**
 * TLS to a grid service, with a proxy credential of ours and a chain of theirs that we judge.
 *
 * Node's own verification knows neither proxy certificates, nor a hashed trust directory, nor
 * signing policies: a server that presents a proxy always fails it. So it is switched off and
 * everything (chain, CRLs, key usage, name) is decided here, on the very socket that is then used,
 * before a byte of ours leaves. No session is ever resumed: a resumed one has no chain to judge. Nor
 * may the peer renegotiate (RFC 5246 §7.4.1.1): it could become somebody else after it was judged.
 */
import { constants } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import {
  connect as connectTls,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import { isVoboxError, printable, VoboxError } from '../errors.js'
import { withDeadline } from '../ports/deadline.js'
import type { Address } from '../ports/dialer.js'
import type { Credential } from '../proxy/credential.js'
import { type ValidatedChain, validateProxyChain } from '../proxy/validate-proxy-chain.js'
import { encodePem } from '../x509/pem.js'
import { encodePrivateKey } from '../x509/private-key.js'
import type { TrustAnchors } from '../x509/trust-anchors.js'
import { ByteStream } from './byte-stream.js'
import type { GsiContext } from './context.js'
import { readPeerChain } from './peer-chain.js'
import { checkPeerName, type PeerExpectation } from './peer-name.js'
import { CLOSED_HINT, tlsFailure } from './tls-failures.js'

/** A connection to a peer that has been validated and is the one expected. */
export class SecureChannel extends ByteStream {
  readonly peer: ValidatedChain

  constructor(
    socket: TLSSocket,
    peer: ValidatedChain,
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
  /** Presented to the server, whole chain. */
  credential: Credential
  signal?: AbortSignal | undefined
}

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
  const anchors = await readAnchors(context, target.signal)
  const tcp = await openTcp(context, target, label)
  try {
    const socket = await shakeHands(context, target, tcp, label)
    const peer = validatePeer(context, anchors, socket, label)
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

/** A trust directory on a network file system may hang; nothing else here waits without an end. */
function readAnchors(
  { clock, answerMs, anchors }: GsiContext,
  signal: AbortSignal | undefined,
): Promise<TrustAnchors> {
  return withDeadline(
    clock,
    answerMs,
    signal,
    () =>
      new VoboxError(
        'TRUST_ANCHORS_UNREADABLE',
        `the trust directory was not read within ${answerMs / 1000} s`,
        { data: { deadlineMs: answerMs }, hint: 'Is it on a file system that hangs?' },
      ),
    () => anchors(),
  )
}

function openTcp(context: GsiContext, target: ChannelTarget, label: string): Promise<Socket> {
  const { address, port, signal } = target
  return withDeadline(
    context.clock,
    context.connectMs,
    signal,
    () => tooSlow(label, 'cannot be reached: no connection', context.connectMs),
    async (inner) => {
      const socket = await context.dialer.connect(address, port, inner)
      // A dialer that ignores its signal may come too late.
      if (inner.aborted) socket.destroy()
      return socket
    },
  )
}

function shakeHands(
  context: GsiContext,
  { credential, expectation, signal }: ChannelTarget,
  tcp: Socket,
  label: string,
): Promise<TLSSocket> {
  return withDeadline(
    context.clock,
    context.connectMs,
    signal,
    () => tooSlow(label, 'took the connection and then said nothing: no TLS', context.connectMs),
    () =>
      new Promise((resolve, reject) => {
        const socket = connectTls({
          socket: tcp,
          ...(isIP(expectation.host) ? {} : { servername: expectation.host }),
          secureContext: secureContextFor(credential, context.tlsMaxVersion),
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

const secureContexts = new WeakMap<Credential, Map<string, SecureContext>>()

/**
 * What Node makes of a credential, kept as long as the credential: parsing and checking the key costs
 * more than the rest of a renewal, and the machine proxy is presented thousands of times.
 */
function secureContextFor(
  credential: Credential,
  maxVersion: GsiContext['tlsMaxVersion'],
): SecureContext {
  const byVersion = secureContexts.get(credential) ?? new Map<string, SecureContext>()
  secureContexts.set(credential, byVersion)
  const known = byVersion.get(maxVersion)
  if (known !== undefined) return known
  const made = makeSecureContext(credential, maxVersion)
  byVersion.set(maxVersion, made)
  return made
}

/** @throws `KEY_TOO_WEAK`, or `PROXY_KEY_MISMATCH`, for a credential that OpenSSL does not take. */
function makeSecureContext(
  credential: Credential,
  maxVersion: GsiContext['tlsMaxVersion'],
): SecureContext {
  try {
    return createSecureContext({
      cert: credential.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
      key: encodePrivateKey(credential.privateKey),
      ca: [],
      minVersion: 'TLSv1.2',
      maxVersion,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    })
  } catch (cause) {
    const subject = credential.chain[0]?.subject.oneLine ?? 'nobody'
    const { code = '', message } = cause as NodeJS.ErrnoException
    throw new VoboxError(
      code.endsWith('KEY_VALUES_MISMATCH') ? 'PROXY_KEY_MISMATCH' : 'KEY_TOO_WEAK',
      `the credential of ${subject} cannot be used for TLS: ${printable(message, 200)}`,
      {
        data: { subject, reason: code },
        hint: 'Make it anew, with RSA of 2048 bits or P-256',
        cause,
      },
    )
  }
}

function validatePeer(
  context: GsiContext,
  anchors: TrustAnchors,
  socket: TLSSocket,
  label: string,
): ValidatedChain {
  try {
    const peer = validateProxyChain(readPeerChain(socket), anchors, {
      now: context.clock.now(),
      allowLegacyProxies: context.allowLegacyProxies,
      maxDelegationDepth: context.maxDelegationDepth,
      purpose: 'server',
    })
    // It has rights of its own and none of its end-entity's, whose name is looked at (RFC 3820 §3.8.2).
    if (peer.facts.policy === 'independent') throw independent(peer)
    return peer
  } catch (error) {
    if (!isVoboxError(error)) throw error
    throw new VoboxError('PEER_UNTRUSTED', `${label} is not trusted: ${error.message}`, {
      data: { ...error.data, peer: label, reason: error.code },
      hint: error.hint ?? 'Check the trust directory (X509_CERT_DIR) and its CRLs on this host',
      persistence: error.persistence,
      cause: error,
    })
  }
}

function independent({ facts }: ValidatedChain): VoboxError {
  const subject = facts.subject.oneLine
  return new VoboxError(
    'PROXY_KIND_REFUSED',
    `${subject} is an independent proxy, which does not speak for its owner`,
    { data: { subject, policy: facts.policy } },
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
