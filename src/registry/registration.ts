/**
 * What an administrator asked for: one registered user proxy.
 *
 * Holds only what cannot be derived. When the proxy ends is read from its file; what happened to it
 * is {@link RegistrationState}. The key of a registration is its file name within the VO.
 */
import type { UnixSeconds } from '../ports/clock.js'

export interface Registration {
  /** Name of the file in `proxy_repository/`; it never changes. */
  fileName: string
  /** Identity DN in the OpenSSL one-line form, for people and for callers' `--dn`. */
  identity: string
  /** The same as DER, in base64: what is compared. */
  identityDer: string
  /** MyProxy servers, tried in order: `host` or `host:port`, at least one. */
  servers: readonly string[]
  /** User name of the stored credential; absent: the identity DN. */
  username?: string
  /** Name of the stored credential; absent: the default one. */
  credentialName?: string
  /**
   * Full path of the file that holds the pass phrase of the stored credential: it is renewed by that,
   * and nobody has to be a renewer. Absent: it is renewed by the proxy itself.
   */
  passPhraseFile?: string
  /** Lifetime asked for, in seconds (12 h by default). */
  lifetimeSeconds: number
  /**
   * Age at which the proxy is refreshed however long it still lives; null: only when it must be.
   */
  refreshSeconds: number | null
  /**
   * Renewed when this much is left at the latest, in seconds, however short it lives; absent: a third
   * of its lifetime alone decides. Job proxies have it.
   */
  renewBeforeSeconds?: number
  /** Mail when the user proxy has less than this left, in seconds. */
  proxySafeSeconds: number
  /** Mail when the stored credential has less than this left, in seconds. */
  myproxySafeSeconds: number
  /** Where mail about this registration goes; null: nowhere. */
  email: string | null
  /** `VO` or `VO:FQAN` in order; empty for a plain proxy. */
  voms: readonly string[]
  /** A limited proxy was registered knowingly. */
  allowLimited: boolean
  /**
   * Take a proxy with fewer of the registered attributes than were asked for, and say so; false: keep
   * the old one while it lives.
   */
  allowPartial: boolean
  registeredAt: UnixSeconds
  updatedAt: UnixSeconds
}

/** A failed attempt as it is remembered and shown. */
export interface LastFailure {
  at: UnixSeconds
  code: string
  message: string
  hint?: string
  persistence: 'transient' | 'permanent'
  /**
   * `attributes`: the MyProxy server did its part, and what failed is getting or accepting the VOMS
   * attributes. Absent: anything before that.
   */
  stage?: 'attributes'
}

/** Why a renewal got less than it asked for. */
export type GrantLimit =
  | 'stored-lifetime'
  | 'stored-credential-ends'
  /** A server that stands in for an earlier one holds an older stored credential, which ends then. */
  | 'secondary-behind'
  | 'server-cap'
  /** The attributes end before the proxy that carries them. */
  | 'attributes'
  | 'unknown'

/** Where a stored credential was seen to end. */
export interface StoredEnd {
  at: UnixSeconds
  learnedAt: UnixSeconds
  /**
   * `info`: the server said so when it was asked. `chain`: the proxy that was delegated last shows it,
   * and the server has not been asked since, or does not answer.
   */
  from: 'info' | 'chain'
  /** The server that it is about, `host:port`; absent in files from before it was kept. */
  server?: string
}

/** A stored credential that is older than the one that an earlier server of the list holds. */
export interface BehindServer {
  /** `host:port`. */
  server: string
  /** Where what it holds ends. */
  end: UnixSeconds
  /** The one before it, and where what that holds ends. */
  ahead: { server: string; end: UnixSeconds }
}

/** An INFO that was asked for and not answered. */
export interface InfoFailure {
  at: UnixSeconds
  code: string
  message: string
}

/**
 * What happened to a registration; one small file each, that can be lost without losing anything an
 * administrator entered.
 */
export interface RegistrationState {
  /** Last attempt of any outcome. */
  attemptedAt?: UnixSeconds
  /** Last time a fresh proxy replaced the file. */
  renewedAt?: UnixSeconds
  /** The server that gave it, `host:port`. */
  renewedFrom?: string
  /** Failed attempts since the last success. */
  failures: number
  /** Earliest next attempt after a failure or a capped renewal. */
  retryAt?: UnixSeconds
  lastFailure?: LastFailure
  /** Last known end of the stored credential, and how it was learned. */
  storedEnd?: StoredEnd
  /** Set when a server refused INFO, or nobody could be asked, and none has answered since. */
  infoFailure?: InfoFailure
  /** Set while renewals come from a server that is behind an earlier one. */
  behind?: BehindServer
  /** When INFO last said that nothing is stored any more; a renewal says it by its failure. */
  storedGoneAt?: UnixSeconds
  /** Set when the last renewal granted less than was asked for. */
  shortGrant?: { askedSeconds: number; grantedSeconds: number; limit: GrantLimit }
  /** Registered attributes that the last renewal went without, as `allowPartial` lets it. */
  missingAttributes?: readonly string[]
  /**
   * Set when a renewal yielded an end not later than the file's: nothing is wrong, nothing to gain.
   */
  cappedUntil?: UnixSeconds
}

export const emptyState: RegistrationState = Object.freeze({ failures: 0 })
