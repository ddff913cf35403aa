/** A TLS peer whose every word a test decides, to see what a client makes of it. */
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { ByteStream } from '../../src/gsi/byte-stream.js'
import { systemClock } from '../../src/node/ports/clock.js'
import type { Credential } from '../../src/proxy/credential.js'
import { encodePem } from '../../src/x509/pem.js'
import { encodePrivateKey } from '../../src/x509/private-key.js'

/** One connection, from the side of the peer. */
export interface Conversation {
  stream: ByteStream
  socket: TLSSocket
}

export interface ScriptedPeer {
  port: number
  /** TCP connections taken so far. */
  connections(): number
  /** What scripts threw, which is usually because the client went away. */
  failures: unknown[]
  stop(): Promise<void>
}

export interface ScriptedPeerOptions {
  credential: Credential
  /** Runs once a connection, after TLS. Whatever it wrote arrives; then the connection ends. */
  script(conversation: Conversation): Promise<unknown>
  /** Address to listen on; default 127.0.0.1. */
  host?: string
  /** 0 (default): any. */
  port?: number
  tls?: TlsOptions
}

/** Starts a TLS peer that asks for a client certificate and takes any. */
export function startScriptedPeer(options: ScriptedPeerOptions): Promise<ScriptedPeer> {
  const failures: unknown[] = []
  const server = createTlsServer({
    cert: options.credential.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
    key: encodePrivateKey(options.credential.privateKey),
    requestCert: true,
    rejectUnauthorized: false,
    maxVersion: 'TLSv1.2',
    ...options.tls,
  })
  server.on('tlsClientError', (error) => failures.push(error))
  server.on('secureConnection', (socket) => {
    const stream = new ByteStream(socket, { clock: systemClock, answerMs: 10_000, label: 'client' })
    options
      .script({ stream, socket })
      .catch((error) => failures.push(error))
      .then(() => stream.finish())
      .catch(() => socket.destroy())
  })
  return listen(server, options, failures)
}

/** A peer below TLS: it may say nothing, or nonsense. */
export function startTcpPeer(
  script: (socket: Socket) => void,
  options: { host?: string } = {},
): Promise<ScriptedPeer> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    script(socket)
  })
  return listen(server, options, [])
}

/** Passes bytes on to another port of 127.0.0.1 and keeps those of the client. */
export async function startRelay(target: number): Promise<ScriptedPeer & { sent: Buffer[] }> {
  const sent: Buffer[] = []
  const peer = await startTcpPeer((client) => {
    const upstream = connect(target, '127.0.0.1')
    upstream.on('error', () => client.destroy())
    client.on('data', (chunk) => sent.push(chunk))
    client.pipe(upstream).pipe(client)
  })
  return { ...peer, sent }
}

/** A port of 127.0.0.1 on which nothing listens. */
export async function deadPort(): Promise<number> {
  const peer = await startTcpPeer(() => undefined)
  await peer.stop()
  return peer.port
}

async function listen(
  server: Server,
  { host = '127.0.0.1', port = 0 }: { host?: string; port?: number },
  failures: unknown[],
): Promise<ScriptedPeer> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    connections: () => connections,
    failures,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
