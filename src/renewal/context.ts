/** What the renewal of proxies needs from outside. The composition root makes it; tests make parts. */
import type { Config } from '../config/config.js'
import {
  type MyProxyContext,
  requestInfo,
  requestRenewal,
  type StoredCredential,
} from '../myproxy/client.js'
import type { MyProxyServer } from '../myproxy/server-list.js'
import type { Clock, UnixSeconds } from '../ports/clock.js'
import type { Files } from '../ports/files.js'
import type { Journal } from '../ports/journal.js'
import type { KeyGenerator } from '../ports/key-generator.js'
import type { Random } from '../ports/random.js'
import type { Credential } from '../proxy/credential.js'
import type { Registry } from '../registry/registry.js'
import type { ProxyFiles } from '../repository/proxy-files.js'
import { type DressCall, type DressedProxy, dressProxy } from '../voms/dress-proxy.js'
import type { VomsContext } from '../voms/voms-context.js'
import type { VomsTrust } from '../voms/voms-trust.js'
import type { CertificateCache } from '../x509/certificate-cache.js'
import type { TrustAnchors } from '../x509/trust-anchors.js'
import { requestByPassPhrase } from './by-pass-phrase.js'
import type { EventLog } from './events.js'
import type { GrantMemory } from './grant-memory.js'
import type { PassPhraseFiles } from './pass-phrase-file.js'

/** What is asked of a MyProxy server to keep a proxy alive. */
export interface RenewalRequest {
  /** Tried strictly in this order. */
  servers: readonly MyProxyServer[]
  username: string
  credentialName?: string
  /** Lifetime asked for, in seconds. */
  lifetimeSeconds: number
  /** Authenticates us; absent, which only a pass phrase makes up for: there is none. */
  machine?: Credential
  /** The user proxy as it is; authorises the renewal unless there is a pass phrase. */
  current: Credential
  /** File with the pass phrase of the stored credential. */
  passPhraseFile?: string
  signal?: AbortSignal
}

/** Where fresh proxies come from: MyProxy servers, or a script in a test. */
export interface RenewalSource {
  /**
   * A fresh proxy, its key matching, its chain not yet judged. Rejects as `requestRenewal` or
   * `requestByPassPhrase` do, and with `PASS_PHRASE_FILE_UNUSABLE`.
   */
  renew(request: RenewalRequest): Promise<{ server: MyProxyServer; credential: Credential }>
  /** What is stored, as its owner sees it. Rejects as `requestInfo` does. */
  info(request: {
    servers: readonly MyProxyServer[]
    username: string
    credential: Credential
    signal?: AbortSignal
  }): Promise<{ server: MyProxyServer; credentials: readonly StoredCredential[] }>
}

/** Where VOMS attributes come from: VOMS servers, or a script in a test. */
export interface AttributeSource {
  /** The plain proxy with the attributes; not verified. Rejects as `dressProxy` does. */
  dress(
    call: Pick<
      DressCall,
      'credential' | 'requests' | 'lifetimeSeconds' | 'allowPartial' | 'signal'
    >,
  ): Promise<Pick<DressedProxy, 'credential' | 'missing' | 'warnings'>>
}

/** The real ones. */
export function vomsSource(context: VomsContext): AttributeSource {
  return { dress: (call) => dressProxy(context, call) }
}

export function myProxySource(
  context: MyProxyContext,
  passPhrases: PassPhraseFiles,
): RenewalSource {
  return {
    async renew({ machine, current, passPhraseFile, ...call }) {
      if (passPhraseFile !== undefined) {
        return await passPhrases.lend(passPhraseFile, (passPhrase) =>
          requestByPassPhrase(context, { ...call, credential: machine, passPhrase }),
        )
      }
      if (machine === undefined) throw new TypeError('a renewer has a machine proxy')
      return await requestRenewal(context, { ...call, machine, current })
    },
    info: (request) => requestInfo(context, request),
  }
}

/** A fresh proxy that has just replaced the one before. */
export interface RenewedProxy {
  fileName: string
  identity: string
  end: UnixSeconds
}

export interface RenewalContext {
  clock: Clock
  random: Random
  /** For a step of our own above what a server delegates. */
  keys: KeyGenerator
  journal: Journal
  files: Files
  registry: Registry
  repository: ProxyFiles
  /** Where certificates that come again are known from; absent: each is read anew. */
  certificates?: CertificateCache | undefined
  source: RenewalSource
  passPhrases: PassPhraseFiles
  attributes: AttributeSource
  /** The service's own trust anchors as they are now. */
  anchors(): Promise<TrustAnchors>
  /** The service's own `vomsdir` as it is now: who may speak for which VO. */
  vomsTrust(): Promise<VomsTrust>
  /** Full name of this machine, for attributes that are meant for certain hosts. */
  host: string
  config: Config
  /** The machine proxy as it is on disk now. Rejects with `MACHINE_PROXY_…`. */
  machineProxy(): Promise<Credential>
  events: EventLog
  /** Told of each renewal once its proxy is in the file; must neither throw nor wait. */
  onRenewed?: ((renewed: RenewedProxy) => void) | undefined
  /** What servers have granted; shared by all renewals of this process. */
  grants: GrantMemory
}
