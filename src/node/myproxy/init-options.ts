/** What `myproxy init` is asked for. */
import type { AccessPolicy } from '../../myproxy/access-policy.js'
import type { HandOver } from './hand-over.js'
import type { MyProxyClient } from './my-proxy-client.js'
import type { PassPhrases } from './pass-phrases.js'
import type { Replacing } from './replacement.js'

export interface MyProxyInitOptions {
  client: MyProxyClient
  /** `X509_USER_CERT`, `X509_USER_KEY`, `X509_USER_PROXY`, `LOGNAME`, `GT_PROXY_MODE`, `HOME`. */
  environment: Readonly<Record<string, string | undefined>>
  configFile?: string | undefined
  certificateFile?: string | undefined
  keyFile?: string | undefined
  username?: string | undefined
  dnAsUsername?: boolean | undefined
  credentialName?: string | undefined
  /** For people, on one line. */
  description?: string | undefined
  /** How long the stored credential lives, in seconds; 0: as long as what signs it. Default 7 days. */
  storedSeconds?: number | undefined
  /** Longest proxy to be had from it, in seconds; default 12 hours. */
  lifetimeSeconds?: number | undefined
  access: AccessPolicy
  passPhrases: PassPhrases
  /** Store it without one. */
  noPassPhrase?: boolean | undefined
  /** Make one, and hand it over like this. */
  handOver?: HandOver | undefined
  /** VOMS attributes that the stored credential is to carry. */
  voms?: readonly string[] | undefined
  /** Store attributes that what signs carries already. */
  allowVoms?: boolean | undefined
  /** Make a login proxy too, that lives for `lifetimeSeconds`. */
  localProxy?: boolean | undefined
  mayReplace?: Replacing['mayReplace']
  /** For a VO-Box: its renewal is tried afterwards. */
  forVobox?: ForVobox | undefined
  /** Told what is being used, before anything is sent. */
  onIdentity?: ((identity: string, files: readonly string[]) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface ForVobox {
  /** DN of its host certificate, or of its machine proxy; absent: looked for on this machine. */
  dn?: string | undefined
  /** Which VO's machine proxy; absent: the only one there is. */
  vo?: string | undefined
}
