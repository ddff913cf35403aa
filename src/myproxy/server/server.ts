/**
 * A MyProxy server: listens, judges who is there, and serves each connection by itself.
 *
 * TLS 1.2 at most, because the C clients give up on 1.3. Node's own verification of clients is off,
 * since it knows no proxy certificates: the chain is read from the very socket that is then used
 * and judged by us. No session is resumed and no handshake repeated, so that the chain that was
 * judged stays the one in force.
 */
import { constants } from 'node:crypto'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { isVoboxError, printable, toVoboxError, VoboxError } from '../../errors.js'
import { ByteStream } from '../../gsi/byte-stream.js'
import { readPeerChain } from '../../gsi/peer-chain.js'
import type { Clock } from '../../ports/clock.js'
import { withDeadline } from '../../ports/deadline.js'
import type { Journal } from '../../ports/journal.js'
import type { KeyGenerator, KeyKind } from '../../ports/key-generator.js'
import type { Random } from '../../ports/random.js'
import type { Credential } from '../../proxy/credential.js'
import { encodePem } from '../../x509/pem.js'
import { encodePrivateKey } from '../../x509/private-key.js'
import type { TrustAnchors } from '../../x509/trust-anchors.js'
import { NetworkCounter } from './client-network.js'
import type { CredentialRepository } from './credential-repository.js'
import { ANONYMOUS, plainDn } from './dn-pattern.js'
import { GuessBrake, type GuessBrakeOptions } from './guess-brake.js'
import type { MyProxyPolicy } from './policy.js'
import { untrustedClient } from './refusals.js'
import { type Client, type ServerContext, speaksForOwner, validateChain } from './server-context.js'
import { serveSession } from './session.js'

export interface MyProxyServerOptions {
  /** Address to listen on; default every one. */
  host?: string
  /** Default 7512; 0: a free one. */
  port?: number
  /** The host certificate and its key. */
  credential: Credential
  anchors(): Promise<TrustAnchors>
  policy: MyProxyPolicy
  repository: CredentialRepository
  clock: Clock
  random: Random
  keys: KeyGenerator
  journal: Journal
  /** Kind of the key of a stored credential; default `rsa2048`. */
  keyKind?: KeyKind
  /** Longest delegated proxy, in seconds; default 0: no cap. */
  maxProxyLifetimeSeconds?: number
  /** Longest stored credential, in seconds; default 0: no cap. */
  maxCredentialLifetimeSeconds?: number
  /** Deepest delegation accepted; default 10. */
  maxDelegationDepth?: number
  /** Offer clients the SHA-1 challenge as well; default false. */
  allowSha1Challenge?: boolean
  /** Connections at once, in all (default 256) and from one address or IPv6 /64 (default 64). */
  maxConnections?: number
  maxConnectionsPerAddress?: number
  /** Deadlines in milliseconds: TLS (10,000), each message (30,000), a whole request (120,000). */
  handshakeMs?: number
  answerMs?: number
  requestMs?: number
  guesses?: GuessBrakeOptions
}

const DEFAULT_PORT = 7512

/** How long `stop` lets running requests end, in milliseconds. */
const STOP_GRACE_MS = 2000

/** TLS sockets, and no resumption, renegotiation or tickets. */
const SECURE_OPTIONS =
  constants.SSL_OP_NO_TICKET |
  constants.SSL_OP_NO_RENEGOTIATION |
  constants.SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION

export class MyProxyServer {
  readonly #options: MyProxyServerOptions
  readonly #context: ServerContext
  readonly #server: Server
  readonly #stopping = new AbortController()
  readonly #perNetwork = new NetworkCounter()
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<Promise<void>>()

  constructor(options: MyProxyServerOptions) {
    this.#options = options
    this.#context = contextOf(options)
    this.#server = createServer({
      cert: options.credential.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
      key: encodePrivateKey(options.credential.privateKey),
      requestCert: true,
      rejectUnauthorized: false,
      // Nothing is trusted by OpenSSL, and no list of CAs is sent: see above.
      ca: [],
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
      secureOptions: SECURE_OPTIONS,
      handshakeTimeout: options.handshakeMs ?? 10_000,
    })
    this.#server.maxConnections = options.maxConnections ?? 256
    this.#server.on('connection', (socket: Socket) => this.#admit(socket))
    this.#server.on('secureConnection', (socket: TLSSocket) => this.#serve(socket))
    this.#server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      this.#context.journal.write('debug', 'tls-failed', printable(error.message), {
        peer: socket.remoteAddress,
      })
      socket.destroy()
    })
  }

  /** Opens the repository and listens. @throws `FILE_UNSAFE`, `CONNECTION_FAILED`. */
  async start(): Promise<{ port: number }> {
    await this.#options.repository.open()
    const { host, port = DEFAULT_PORT } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(cannotListen(host, port, cause)))
      this.#server.listen(port, host, resolve)
    })
    // Such as too many open files while accepting: the next client may fare better.
    this.#server.on('error', ({ message }) => {
      this.#context.journal.write('error', 'listener-failed', printable(message))
    })
    return { port: (this.#server.address() as AddressInfo).port }
  }

  /** Takes no new connection, lets running requests end for two seconds, then cuts them. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    const grace = new AbortController()
    const ended = Promise.all(this.#sessions).then(() => grace.abort())
    await this.#context.clock.sleep(STOP_GRACE_MS, grace.signal).catch(() => undefined)
    this.#stopping.abort(new VoboxError('CANCELLED', 'the server is stopping'))
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all([closed, ended])
  }

  /** One client must not take all connections. */
  #admit(socket: Socket): void {
    const address = socket.remoteAddress ?? ''
    const { before, leave } = this.#perNetwork.enter(address)
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      leave()
    })
    if (before < (this.#options.maxConnectionsPerAddress ?? 64)) return
    this.#context.journal.write('warn', 'too-many-connections', 'Too many from one address', {
      peer: address,
      open: before,
    })
    socket.destroy()
  }

  #serve(socket: TLSSocket): void {
    const session = this.#runSession(socket).finally(() => this.#sessions.delete(session))
    this.#sessions.add(session)
  }

  async #runSession(socket: TLSSocket): Promise<void> {
    const { clock } = this.#context
    const { answerMs = 30_000, requestMs = 120_000 } = this.#options
    const address = socket.remoteAddress ?? ''
    const label = `${address}:${socket.remotePort ?? 0}`
    const tooSlow = () =>
      new VoboxError('DEADLINE_EXCEEDED', `${label} took longer than ${requestMs / 1000} s`, {
        data: { peer: label, deadlineMs: requestMs },
      })
    try {
      await withDeadline(clock, requestMs, this.#stopping.signal, tooSlow, async (signal) => {
        const stream = new ByteStream(socket, { clock, answerMs, label, signal })
        await serveSession(this.#context, stream, () => this.#identify(socket, address), signal)
      })
    } catch (error) {
      const { code, message } = toVoboxError(error)
      this.#context.journal.write('warn', 'myproxy-cut', message, { peer: label, code })
    } finally {
      socket.destroy()
    }
  }

  /** The chain is validated before anything that the client sends is looked at. */
  async #identify(socket: TLSSocket, address: string): Promise<Client> {
    try {
      const certificates = readPeerChain(socket)
      if (certificates.length === 0) {
        return { dn: ANONYMOUS, forms: plainDn(ANONYMOUS), address }
      }
      const chain = await validateChain(this.#context, certificates, 'client')
      if (!speaksForOwner(chain)) {
        throw new VoboxError(
          'PROXY_KIND_REFUSED',
          'an independent or restricted proxy does not speak for its owner',
          { data: { policy: chain.facts.policy } },
        )
      }
      const { identity } = chain.facts
      return { dn: identity.oneLine, forms: identity, address, chain }
    } catch (error) {
      if (isVoboxError(error) && error.code !== 'TRUST_ANCHORS_UNREADABLE') {
        throw untrustedClient(error)
      }
      throw error
    }
  }
}

function contextOf(options: MyProxyServerOptions): ServerContext {
  const { clock, random, keys, journal, policy, repository } = options
  return {
    clock,
    random,
    keys,
    journal,
    policy,
    repository,
    anchors: () => options.anchors(),
    keyKind: options.keyKind ?? 'rsa2048',
    guesses: new GuessBrake(clock, options.guesses),
    maxProxyLifetimeSeconds: options.maxProxyLifetimeSeconds ?? 0,
    maxCredentialLifetimeSeconds: options.maxCredentialLifetimeSeconds ?? 0,
    maxDelegationDepth: options.maxDelegationDepth ?? 10,
    allowSha1Challenge: options.allowSha1Challenge ?? false,
  }
}

function cannotListen(host: string | undefined, port: number, cause: Error): VoboxError {
  return new VoboxError('CONNECTION_FAILED', `cannot listen on ${host ?? '*'}:${port}`, {
    data: { host, port, errno: (cause as NodeJS.ErrnoException).code },
    cause,
  })
}
