/**
 * What `register` and `unregister` are asked, and what they answer: plain data on both sides, so
 * that a command holds flags, one call and rendering, and a test needs no terminal.
 */
import type { UnixSeconds } from '../../ports/clock.js'
import type { ObservationSink } from '../../registry/observation.js'
import type {
  GrantLimit,
  InfoFailure,
  Registration,
  StoredEnd,
} from '../../registry/registration.js'
import type { RenewalContext } from '../context.js'

export interface RegisterContext extends RenewalContext {
  vo: string
  /** Told when a registration is gone, so that its alerts are forgotten. */
  sink: ObservationSink
}

/**
 * One registration as an administrator asks for it. A setting that is absent keeps what is
 * registered already, and takes the configured default when nothing is.
 */
export interface RegisterRequest {
  /** Full path of the login proxy. */
  proxyFile: string
  /** Who calls: the proxy file must be theirs. */
  callerUid: number
  /** Their login name; where a credential ends up that was stored without `-d`. */
  callerName?: string
  /** `host` or `host:port`, in the order in which they are tried. */
  servers?: readonly string[]
  /** User name of the stored credential; null: the identity DN again. */
  username?: string | null
  /** Name of the stored credential; null: the default one again. */
  credentialName?: string | null
  /**
   * Full path of the file with the pass phrase of the stored credential, by which it is renewed then;
   * null: by the proxy itself again.
   */
  passPhraseFile?: string | null
  /** Lifetime to ask for, in seconds; default `renewal.lifetimeSeconds`. */
  lifetimeSeconds?: number
  /** Age at which the proxy is refreshed, in seconds; null: only when it must be. */
  refreshSeconds?: number | null
  /** Mail when the user proxy has less left, in seconds; default `register.proxySafeSeconds`. */
  proxySafeSeconds?: number
  /**
   * Mail when the stored credential has less left, in seconds; default
   * `register.myproxySafeSeconds`.
   */
  myproxySafeSeconds?: number
  /** Where mail about it goes; null: nowhere. */
  email?: string | null
  /**
   * `VO` or `VO:FQAN` in order; default: what the login proxy carries, or what the only registration
   * of its identity has.
   */
  voms?: readonly string[]
  /** A plain proxy is meant, whatever the login proxy carries. */
  noVoms?: boolean
  /** Keep it alive with fewer of its attributes when not all are granted any more; default false. */
  allowPartial?: boolean
  /** Accept a limited proxy. */
  allowLimited?: boolean
  /** Do not ask the MyProxy server anything now. */
  noCheck?: boolean
  /** Replace the proxy in the repository though it lives longer than this one. */
  force?: boolean
  /** Carry settings and file name over from the registration of this DN (one-line form). */
  replaces?: string
  signal?: AbortSignal
}

/** Something that worked, and that the person should know now rather than in a month. */
export interface RegisterWarning {
  /** Stable name for programs and tests. */
  code: RegisterWarningCode
  /** One sentence, safe to show. */
  message: string
  /** What to do about it. */
  hint?: string
  data?: Readonly<Record<string, unknown>>
}

export type RegisterWarningCode =
  | 'proxy-life-short'
  | 'delegation-deep'
  | 'attributes-unverified'
  | 'attributes-later'
  | 'attributes-partial'
  | 'registered-otherwise'
  | 'limited-proxy'
  | 'weak-certificate'
  | 'not-checked'
  | 'stored-proxy-kept'
  | 'short-grant'
  | 'stored-credential-ends-soon'
  | 'mail-not-sent'

/** What the MyProxy server showed and granted when it was asked. */
export interface StoredCredentialCheck {
  /** `host:port` that answered. */
  server: string
  /** User name the credential is stored under. */
  username: string
  credentialName?: string
  /** Absent: the server does not answer INFO. */
  owner?: string
  /** Where the stored credential ends. */
  end: UnixSeconds
  /** Whether the server said so, or the chain of the trial renewal shows it. */
  from: StoredEnd['from']
  /** Why the server did not say so. */
  infoFailure?: InfoFailure
  /** Its own renewer policy as the server shows it; absent: the server's default applies. */
  renewer?: string
  askedSeconds: number
  grantedSeconds: number
  /** Why less was granted than asked for. */
  shortGrant?: GrantLimit
  /** Registered attributes that were not granted, where `allowPartial` takes the rest. */
  missingAttributes?: readonly string[]
}

export interface RegisterResult {
  /** `replaced`: taken over from another DN with `replaces`. */
  outcome: 'registered' | 'updated' | 'replaced'
  registration: Registration
  /** Full path of the proxy file. */
  file: string
  /** Which proxy is in that file now; `renewed`: a fresh one, since the login proxy lacks attributes. */
  proxy: 'login-proxy' | 'renewed' | 'kept'
  /** Effective end of the proxy that is in the file now. */
  proxyEnd: UnixSeconds
  /** Absent with `noCheck`. */
  stored?: StoredCredentialCheck
  warnings: readonly RegisterWarning[]
}

export interface UnregisterResult {
  registration: Registration
  file: string
  /** Whether there was a proxy file to remove. */
  fileRemoved: boolean
}
