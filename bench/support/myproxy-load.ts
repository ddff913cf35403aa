/**
 * A MyProxy client that costs little beside the server: no key is made, no chain is judged. What is
 * measured with it is the server, ours or Debian's.
 */
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { ByteStream } from '../../src/gsi/byte-stream.js'
import {
  chooseChallenge,
  encodeAuthorization,
  signChallenge,
} from '../../src/myproxy/authorization.js'
import { encodeCertificateList } from '../../src/myproxy/certificate-list.js'
import {
  readCertificateList,
  readOk,
  readResponse,
  sendRequest,
} from '../../src/myproxy/conversation.js'
import { systemClock } from '../../src/node/ports/clock.js'
import type { Credential } from '../../src/proxy/credential.js'
import { encodePem } from '../../src/x509/pem.js'
import { encodePrivateKey } from '../../src/x509/private-key.js'
import { createRequest } from '../../src/x509/request.js'
import { testKey } from '../../test/support/pki.js'

const ANSWER_MS = 60_000
const LIFETIME_SECONDS = 43_200

export interface LoadClientOptions {
  port: number
  /** User name of what is stored. */
  username: string
  /** Presented in TLS: a machine's for a renewal, the owner's for INFO. */
  credential: Credential
  /** The proxy that signs the challenge of a renewal. */
  current?: Credential
}

/** Sends requests one after the other or many at once; every answer but "yes" is thrown. */
export class LoadClient {
  readonly #options: LoadClientOptions
  readonly #secureContext: SecureContext
  readonly #request: Uint8Array

  constructor(options: LoadClientOptions) {
    this.#options = options
    const { chain, privateKey } = options.credential
    this.#secureContext = createSecureContext({
      cert: chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
      key: encodePrivateKey(privateKey),
      maxVersion: 'TLSv1.2',
    })
    this.#request = createRequest(testKey('rsa2048', 'load client'))
  }

  /** GET by renewal, with a key and a request that were made beforehand. */
  renew(username = this.#options.username): Promise<void> {
    const { current } = this.#options
    if (current === undefined) throw new TypeError('a renewal needs the current proxy')
    return this.#converse(async (stream) => {
      const request = { username, passPhrase: '', lifetimeSeconds: LIFETIME_SECONDS }
      await sendRequest(stream, { ...request, command: 'get' })
      const response = await readResponse(stream)
      if (response.kind !== 'authorization') throw new TypeError('no challenge came')
      const challenge = chooseChallenge(response.challenges, false)
      const signature = signChallenge(challenge, current.privateKey)
      await stream.write(
        Buffer.concat([
          encodeAuthorization(challenge.method, signature),
          encodeCertificateList(current.chain.map(({ der }) => der)),
        ]),
      )
      await readOk(stream)
      await stream.write(this.#request)
      await readCertificateList(stream)
      await readOk(stream)
    })
  }

  async info(username = this.#options.username): Promise<void> {
    await this.#converse(async (stream) => {
      await sendRequest(stream, { username, passPhrase: '', lifetimeSeconds: 0, command: 'info' })
      const { credentials } = await readOk(stream)
      if (credentials.length !== 1)
        throw new Error(`INFO told of ${credentials.length} credentials`)
    })
  }

  async #converse(exchange: (stream: ByteStream) => Promise<void>): Promise<void> {
    const socket = await this.#connect()
    const label = `port ${this.#options.port}`
    try {
      await exchange(new ByteStream(socket, { clock: systemClock, answerMs: ANSWER_MS, label }))
    } finally {
      socket.destroy()
    }
  }

  #connect(): Promise<TLSSocket> {
    const { port } = this.#options
    const secureContext = this.#secureContext
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, secureContext, rejectUnauthorized: false })
      // As our client does: else the request waits for the acknowledgement of the byte before it.
      socket.setNoDelay(true)
      socket.once('error', reject)
      socket.once('secureConnect', () => {
        socket.off('error', reject)
        resolve(socket)
      })
    })
  }
}
