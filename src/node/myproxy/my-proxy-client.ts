/**
 * The MyProxy client: all commands of the protocol, against a list of servers.
 *
 * Servers are tried strictly in their order, the next one only where this one cannot be reached; what
 * a server answers, also a refusal, is the answer. Commands that change something go to the first
 * server alone, and are never sent twice.
 */
import {
  type Answered,
  type AuthenticateCall,
  type CertifyCall,
  type CertifyResult,
  type ChangePassPhraseCall,
  type DestroyCall,
  type GetCall,
  type GetResult,
  type GetTrustRootsCall,
  type GetTrustRootsResult,
  type InfoCall,
  type InfoResult,
  type MyProxyCall,
  type MyProxyContext,
  type PutCall,
  type RetrieveCall,
  type RetrievedFiles,
  requestAuthentication,
  requestCertificate,
  requestChangePassPhrase,
  requestDestroy,
  requestGet,
  requestInfo,
  requestPut,
  requestRetrieval,
  requestStore,
  requestTrustRoots,
  type StoreCall,
} from '../../myproxy/client.js'
import type { MyProxyServer } from '../../myproxy/server-list.js'
import { systemRandom } from '../ports/random.js'
import { contextOf, type OpenMyProxyOptions } from './my-proxy-options.js'

/** A call as the client takes it: to which servers it goes, the client knows. */
export type CallOf<Call> = Omit<Call, 'servers'>

/** Which servers a look is for. */
export interface PrimaryWish {
  /** Ask the first server of the list alone, where changes go: for a look before one. Default false. */
  primaryOnly?: boolean | undefined
}

/**
 * Talks to the first server of a list that can be reached.
 *
 * Every method rejects with a {@link VoboxError}: one of the `MYPROXY_…` codes for a refusal, with
 * the server's words in `data.serverMessage`; `ALL_SERVERS_FAILED` where no server could be used, with
 * each try in `data.attempts`; `CANCELLED` or the signal's own reason. A refusal is never followed by
 * another server.
 *
 * One client serves any number of calls, also at once. It holds no connection between them and needs
 * no closing.
 */
export class MyProxyClient {
  /** Tried in this order. */
  readonly servers: readonly MyProxyServer[]
  readonly #context: MyProxyContext
  readonly #options: Pick<OpenMyProxyOptions, 'signal' | 'onAttempt'>

  private constructor(
    context: MyProxyContext,
    servers: readonly MyProxyServer[],
    options: Pick<OpenMyProxyOptions, 'signal' | 'onAttempt'>,
  ) {
    this.#context = context
    this.servers = servers
    this.#options = options
  }

  /**
   * Reads the configuration and the environment; connects to nothing yet.
   *
   * @throws VoboxError `SERVER_LIST_INVALID` where no server is named, `CONFIG_INVALID`.
   */
  static async open(options: OpenMyProxyOptions): Promise<MyProxyClient> {
    const { context, servers } = await contextOf(options)
    return new MyProxyClient(context, servers, options)
  }

  /**
   * Fetches a fresh proxy of a stored credential: with its pass phrase, as a trusted retriever
   * (`credential` and no pass phrase), or as a renewer (`authorization`).
   */
  get(call: CallOf<GetCall>): Promise<GetResult> {
    return requestGet(this.#context, this.#to(call))
  }

  /** Has the key of a given certification request certified, as `logon -Q`: no key is made here. */
  certify(call: CallOf<CertifyCall>): Promise<CertifyResult> {
    return requestCertificate(this.#context, this.#to(call))
  }

  /** Authenticates and fetches nothing, as `logon -N`. */
  authenticate(call: CallOf<AuthenticateCall>): Promise<Answered> {
    return requestAuthentication(this.#context, this.#to(call))
  }

  /**
   * Stores a credential by delegation: the server makes a key, and a proxy for it is signed here.
   * A credential of that name and owner is replaced. The private key that signs never leaves.
   *
   * Debian's server stores what an EC key signed, and can then make no proxy of it: sign with RSA.
   */
  put(call: CallOf<PutCall>): Promise<Answered> {
    return requestPut(this.#context, { ...this.#to(call), random: systemRandom })
  }

  /** What is stored under a name, of this owner: one or more. */
  info(call: CallOf<InfoCall> & PrimaryWish): Promise<InfoResult> {
    const { primaryOnly = false, ...rest } = call
    const asked = this.#to(rest)
    const servers = primaryOnly ? asked.servers.slice(0, 1) : asked.servers
    return requestInfo(this.#context, { ...asked, servers })
  }

  /** Removes a stored credential. */
  destroy(call: CallOf<DestroyCall>): Promise<Answered> {
    return requestDestroy(this.#context, this.#to(call))
  }

  /**
   * Has the server encrypt a stored key anew. An empty new pass phrase leaves it in the clear there,
   * and Debian's server then changes it no more.
   */
  changePassPhrase(call: CallOf<ChangePassPhraseCall>): Promise<Answered> {
    return requestChangePassPhrase(this.#context, this.#to(call))
  }

  /** Hands certificate and encrypted key to the server, as they are on disk. */
  store(call: CallOf<StoreCall>): Promise<Answered> {
    return requestStore(this.#context, this.#to(call))
  }

  /** Fetches certificate and key as they were stored. */
  retrieve(call: CallOf<RetrieveCall>): Promise<RetrievedFiles> {
    return requestRetrieval(this.#context, this.#to(call))
  }

  /** Fetches the server's CA files. */
  getTrustRoots(call: CallOf<GetTrustRootsCall> = {}): Promise<GetTrustRootsResult> {
    return requestTrustRoots(this.#context, this.#to(call))
  }

  #to<Call extends Partial<MyProxyCall>>(call: Call): Call & Pick<MyProxyCall, 'servers'> {
    const { signal, onAttempt } = this.#options
    return {
      ...call,
      servers: this.servers,
      signal: call.signal ?? signal,
      onAttempt: call.onAttempt ?? onAttempt,
    }
  }
}
