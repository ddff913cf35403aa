/**
 * A MyProxy server: listens, judges who is there, and serves each connection by itself.
 *
 * TLS 1.2 at most, because the C clients give up on 1.3. Node's own verification of clients is off,
 * since it knows no proxy certificates: the chain is read from the very socket that is then used
 * and judged by us. No session is resumed and no handshake repeated, so that the chain that was
 * judged stays the one in force.
 */
import { constants } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import { printable, VoboxError } from '../../errors.js'
import { ByteStream } from '../../gsi/byte-stream.js'
import type { Clock } from '../../ports/clock.js'
import { withDeadline } from '../../ports/deadline.js'
import type { Journal } from '../../ports/journal.js'
import type { KeyGenerator, KeyKind } from '../../ports/key-generator.js'
import type { Random } from '../../ports/random.js'
import type { Credential } from '../../proxy/credential.js'
import { CertificateCache } from '../../x509/certificate-cache.js'
import { encodePem } from '../../x509/pem.js'
import { encodePrivateKey } from '../../x509/private-key.js'
import type { TrustAnchors } from '../../x509/trust-anchors.js'
import { AnswerRoom, type AnswerRoomOptions } from './answer-room.js'
import { RequestAudit } from './audit.js'
import { NetworkCounter, plainAddress } from './client-network.js'
import { GuessBrake, type GuessBrakeOptions } from './policy/guess-brake.js'
import { identifyClient } from './policy/identify-client.js'
import { authoritiesAbove } from './server-authorities.js'
import type { ServerContext, ServerSettings } from './server-context.js'
import { serveSession } from './session.js'
import type { CredentialRepository } from './store/credential-repository.js'

export interface MyProxyServerOptions {
  /** What the configuration file decides; replaced by {@link MyProxyServer.reconfigure}. */
  settings: ServerSettings
  /** Address to listen on; default every one. */
  host?: string
  /** Default 7512; 0: a free one. */
  port?: number
  /** The host certificate and its key. */
  credential: Credential
  anchors(): Promise<TrustAnchors>
  repository: CredentialRepository
  clock: Clock
  random: Random
  keys: KeyGenerator
  journal: Journal
  /** Kind of the key of a stored credential; default `rsa2048`. */
  keyKind?: KeyKind
  /** Connections at once, in all (default 256) and from one address or IPv6 /64 (default 64). */
  maxConnections?: number
  maxConnectionsPerAddress?: number
  /** Deadlines in milliseconds: TLS (10,000), each message (30,000). */
  handshakeMs?: number
  answerMs?: number
  guesses?: GuessBrakeOptions
  answers?: AnswerRoomOptions
  /** Called when a connection has ended, however that was. */
  onConnectionEnd?: () => void
}

const DEFAULT_PORT = 7512
const MAX_CONNECTIONS = 256

/** How long `stop` lets running requests end by default, in milliseconds. */
const STOP_GRACE_MS = 2000

/** TLS sockets, and no resumption, renegotiation or tickets. */
const SECURE_OPTIONS =
  constants.SSL_OP_NO_TICKET |
  constants.SSL_OP_NO_RENEGOTIATION |
  constants.SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION

export class MyProxyServer {
  readonly #options: MyProxyServerOptions
  #context: ServerContext
  readonly #server: Server
  readonly #stopping = new AbortController()
  readonly #perNetwork = new NetworkCounter()
  readonly #answerRoom: AnswerRoom
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<Promise<void>>()
  /** Of the host, as it is now. */
  #presented: Credential | undefined

  constructor(options: MyProxyServerOptions) {
    this.#options = options
    // Each connection listens for the end of the server.
    setMaxListeners(0, this.#stopping.signal)
    this.#context = contextOf(options, options.settings)
    this.#answerRoom = new AnswerRoom(options.clock, options.answers)
    this.#server = createServer({
      ...tlsOf(options.credential),
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: options.handshakeMs ?? 10_000,
    })
    this.#server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS
    this.#server.on('connection', (socket: Socket) => this.#admit(socket))
    this.#server.on('secureConnection', (socket: TLSSocket) => this.#serve(socket))
    this.#server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      this.#context.journal.write('debug', 'tls-failed', printable(error.message), {
        peer: plainAddress(socket.remoteAddress),
      })
      socket.destroy()
    })
  }

  /** Opens the repository and listens. @throws `FILE_UNSAFE`, `CONNECTION_FAILED`. */
  async start(): Promise<{ port: number }> {
    await this.#options.repository.open()
    await this.#sendAuthorities(this.#options.credential)
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

  /** Takes no new connection, lets running requests end for so long, then cuts them. */
  async stop(graceMs = STOP_GRACE_MS): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    const grace = new AbortController()
    const ended = Promise.all(this.#sessions).then(() => grace.abort())
    await this.#context.clock.sleep(graceMs, grace.signal).catch(() => undefined)
    this.#stopping.abort(new VoboxError('CANCELLED', 'the server is stopping'))
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all([closed, ended])
  }

  /** One client must not take all connections. */
  #admit(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress)
    const { before, leave } = this.#perNetwork.enter(address)
    const { maxConnections = MAX_CONNECTIONS, maxConnectionsPerAddress = 64 } = this.#options
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      leave()
      this.#options.onConnectionEnd?.()
    })
    const requests = this.#sessions.size
    if (before < maxConnectionsPerAddress && requests < maxConnections) return
    const message = requests < maxConnections ? 'Too many from one address' : 'Too many requests'
    const facts = { peer: address, open: before, requests }
    this.#context.journal.write('warn', 'too-many-connections', message, facts)
    socket.destroy()
  }

  /** Whoever hangs up is counted for as long as what was asked for goes on. */
  #serve(socket: TLSSocket): void {
    const address = plainAddress(socket.remoteAddress)
    let leave: (() => void) | undefined
    const stay = () => {
      leave = this.#perNetwork.enter(address).leave
    }
    socket.once('close', stay)
    const session = this.#runSession(socket).finally(() => {
      this.#sessions.delete(session)
      socket.off('close', stay)
      leave?.()
    })
    this.#sessions.add(session)
  }

  async #runSession(socket: TLSSocket): Promise<void> {
    const context = this.#context
    const { clock, requestMs } = context
    const { answerMs = 30_000 } = this.#options
    const address = socket.remoteAddress ?? ''
    const host = address.includes(':') ? `[${address}]` : address
    const label = `${host}:${socket.remotePort ?? 0}`
    const audit = new RequestAudit(context.journal, label)
    const tooSlow = () =>
      new VoboxError('DEADLINE_EXCEEDED', `${label} took longer than ${requestMs / 1000} s`, {
        data: { peer: label, deadlineMs: requestMs },
      })
    try {
      await withDeadline(clock, requestMs, this.#stopping.signal, tooSlow, async (signal) => {
        const stream = new ByteStream(socket, {
          ...{ clock, answerMs, label, signal },
          maxReceivedBytes: context.requestSizeLimitBytes,
          enterRoom: (bytes) => this.#answerRoom.enter(address, bytes, signal),
        })
        const identify = () => identifyClient(context, socket, address)
        await serveSession(context, stream, audit, identify, signal)
      })
    } catch (error) {
      audit.refused(error)
    } finally {
      socket.destroy()
    }
  }

  /** From the next request on; requests that run end as they began. */
  reconfigure(settings: ServerSettings): void {
    this.#context = contextOf(this.#options, settings, this.#context)
  }

  /** For the next connection on; hosts are given new certificates while their services run. */
  replaceCredential(credential: Credential): void {
    this.#server.setSecureContext(tlsOf(credential))
    void this.#sendAuthorities(credential)
  }

  async #sendAuthorities(credential: Credential): Promise<void> {
    this.#presented = credential
    const anchors = await this.#options.anchors().catch(() => undefined)
    if (anchors === undefined || this.#presented !== credential) return
    const chain = [...credential.chain, ...authoritiesAbove(credential.chain, anchors)]
    this.#server.setSecureContext(tlsOf({ ...credential, chain }))
  }
}

/** Nothing else is in it: what serves a request has no use for the key of the host. */
function contextOf(
  options: MyProxyServerOptions,
  settings: ServerSettings,
  { guesses, certificates }: Pick<ServerContext, 'guesses' | 'certificates'> = {
    guesses: new GuessBrake(options.clock, options.journal, options.guesses),
    certificates: new CertificateCache(),
  },
): ServerContext {
  const { clock, random, keys, keyKind = 'rsa2048', journal, repository } = options
  const anchors = () => options.anchors()
  const collaborators = { clock, random, keys, keyKind, journal, anchors, repository }
  return { ...settings, ...collaborators, guesses, certificates }
}

function tlsOf({ chain, privateKey }: Credential): SecureContextOptions {
  return {
    cert: chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
    key: encodePrivateKey(privateKey),
    // Nothing is trusted by OpenSSL, and no list of CAs is sent: see above.
    ca: [],
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    secureOptions: SECURE_OPTIONS,
  }
}

/** What is wrong, and what to do about it, by the error of the system. */
const CANNOT_LISTEN: Readonly<Record<string, readonly [problem: string, cure: string]>> = {
  EADDRINUSE: [
    'another server has that port',
    'ss -tlnp shows which; end it, or name another port with --port',
  ],
  EACCES: ['only root may take a port under 1024', 'Name a higher one with --port'],
  EADDRNOTAVAIL: ['no interface of this machine has that address', 'ip address shows them'],
  ENOTFOUND: ['that name has no address', 'Name one of this machine with --listen'],
}

function cannotListen(host: string | undefined, port: number, cause: Error): VoboxError {
  const { code: errno = '' } = cause as NodeJS.ErrnoException
  const [problem, hint] = CANNOT_LISTEN[errno] ?? [printable(cause.message), undefined]
  const where = `${printable(host ?? '*')}:${port}`
  return new VoboxError('CONNECTION_FAILED', `cannot listen on ${where}: ${problem}`, {
    data: { host, port, errno },
    hint,
    cause,
  })
}
