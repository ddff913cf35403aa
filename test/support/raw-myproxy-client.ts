/** A MyProxy client that does what a test tells it, byte by byte. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { ByteStream } from '../../src/gsi/byte-stream.js'
import { requestPut, requestRenewal } from '../../src/myproxy/client.js'
import type { MyProxyRequest } from '../../src/myproxy/request.js'
import { type MyProxyResponse, parseResponse } from '../../src/myproxy/response.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { systemRandom } from '../../src/node/ports/random.js'
import type { Credential } from '../../src/proxy/credential.js'
import { encodePem } from '../../src/x509/pem.js'
import { encodePrivateKey } from '../../src/x509/private-key.js'
import type { EmbeddedGrid } from './embedded-myproxy.js'
import { addProxy } from './pki.js'

const HOUR = 3600

/** The first byte of a conversation. */
export const HELLO = Buffer.from('0')

export type RawClient = ByteStream & { tls: TLSSocket }

export interface RawClients {
  /** Speaks TLS, with the chain of a credential or without any, from 127.0.0.1 or another address. */
  secure(as?: Credential, on?: EmbeddedGrid, from?: string): Promise<RawClient>
  /** Speaks TCP alone. */
  plain(): Socket
  /** Takes a socket that somebody else made. */
  add(socket: Socket): void
  /** Cuts all that were made. */
  end(): void
}

/** @param grid the one that is meant where none is given; asked anew for each client. */
export function rawClients(grid: () => EmbeddedGrid): RawClients {
  const open: Socket[] = []
  return {
    async secure(as, on = grid(), from = '127.0.0.1') {
      const tls = connectTls({
        port: on.port,
        ...{ localAddress: from },
        host: '127.0.0.1',
        rejectUnauthorized: false,
        maxVersion: 'TLSv1.2',
        ...(as && {
          cert: as.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
          key: encodePrivateKey(as.privateKey),
        }),
      })
      open.push(tls)
      await new Promise<void>((resolve, reject) => {
        tls.once('secureConnect', resolve)
        tls.once('error', reject)
        tls.once('close', () => reject(new Error('closed')))
      })
      const stream = new ByteStream(tls, { clock: systemClock, answerMs: 5000, label: 'server' })
      return Object.assign(stream, { tls })
    },
    plain() {
      const socket = connectTcp(grid().port, '127.0.0.1')
      socket.on('error', () => undefined)
      open.push(socket)
      return socket
    },
    add: (socket) => void open.push(socket),
    end() {
      for (const socket of open.splice(0)) socket.destroy()
    },
  }
}

/** A GET of alice's, changed. */
export const rawRequest = (changes: Partial<MyProxyRequest> = {}): MyProxyRequest => ({
  command: 'get',
  username: 'alice',
  passPhrase: '',
  lifetimeSeconds: HOUR,
  ...changes,
})

export const readAnswer = async (stream: ByteStream): Promise<MyProxyResponse> =>
  parseResponse(await stream.readUntilNul(100_000))

/** What an error says, or what came instead. */
export const readErrorLines = async (stream: ByteStream): Promise<readonly string[]> => {
  const answer = await readAnswer(stream)
  return answer.kind === 'error' ? answer.messages : [answer.kind]
}

/** Resolves when the connection has ended, with whatever was said before. */
export const connectionEnds = async (socket: Socket) => {
  // Nobody else reads any more, so that the end is seen.
  socket.removeAllListeners('readable')
  socket.resume()
  if (!socket.destroyed) await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}

/** Stores a proxy of alice's that hosts may renew. */
export const putAlice = (grid: EmbeddedGrid, username = 'alice', passPhrase = '') =>
  requestPut(grid.myproxy, {
    servers: grid.servers,
    username,
    credential: grid.users.alice.credential,
    storedSeconds: 24 * HOUR,
    lifetimeSeconds: 12 * HOUR,
    policies: { renewer: '*' },
    passPhrase,
    random: systemRandom,
  })

/** Renews what {@link putAlice} stored. */
export const renewAlice = (grid: EmbeddedGrid) =>
  requestRenewal(grid.myproxy, {
    servers: grid.servers,
    username: 'alice',
    lifetimeSeconds: HOUR,
    machine: grid.hosts.vobox.credential,
    current: addProxy(grid.users.alice.credential),
  })

/** Fails unless alice's proxy can be renewed. */
export const expectService = async (grid: EmbeddedGrid) => {
  const { credential } = await renewAlice(grid)
  const [leaf] = credential.chain
  if (!leaf?.subject.oneLine.startsWith(`${grid.users.alice.dn}/CN=`)) {
    throw new Error(`somebody else's proxy: ${leaf?.subject.oneLine}`)
  }
}
