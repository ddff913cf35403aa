/** What requests have in common. */
import type { Attempt } from '../../gsi/reach.js'
import type { Credential } from '../../proxy/credential.js'
import type { AccessPolicies, PassPhrase } from '../request.js'
import type { MyProxyServer } from '../server-list.js'
import type { TrustRootFile } from '../trust-roots.js'

export type { AccessPolicies, PassPhrase } from '../request.js'

/** What all requests have. */
export interface MyProxyCall {
  /** Tried strictly in this order. */
  servers: readonly MyProxyServer[]
  /** Name the credential is stored under; for renewal the identity DN in one-line form. */
  username: string
  /** Told of each try to reach a server as it ends, in that order. */
  onAttempt?: ((attempt: Attempt) => void) | undefined
  /** Cancels whatever is under way. */
  signal?: AbortSignal | undefined
}

/** A request about one stored credential. */
export interface CredentialCall extends MyProxyCall {
  /** Absent: the default credential. */
  credentialName?: string | undefined
}

/** A request of who may come without a credential of their own. */
export interface AnonymousCall extends CredentialCall {
  /** Presented in TLS; absent: anonymous, and the pass phrase alone speaks for the caller. */
  credential?: Credential | undefined
  /** With which the credential was stored; absent or empty: another way of authorisation. */
  passPhrase?: PassPhrase | undefined
}

/** A request of the owner. */
export interface OwnerCall extends CredentialCall {
  /** Presented in TLS: nobody else gets an answer. */
  credential: Credential
}

/** What is said of a credential when it is stored. */
export interface StoredTerms {
  /** Longest proxy, in seconds, that the server may delegate from it (`-t` of `myproxy-init`). */
  lifetimeSeconds: number
  /** Who may do what with it; what is absent is the server's default. */
  policies?: AccessPolicies | undefined
  /** For people, on one line. */
  description?: string | undefined
}

/** A wish for the server's CA files, beside what else is asked for. */
export interface TrustRootsWish {
  /** Ask for them; default false. */
  trustRoots?: boolean | undefined
}

/** What every exchange answers. */
export interface Answered {
  /** The server that answered. */
  server: MyProxyServer
}

/** The answer to a {@link TrustRootsWish}. */
export interface WithTrustRoots {
  /** None where they were not asked for, or the server gives none. */
  trustRoots: readonly TrustRootFile[]
}
