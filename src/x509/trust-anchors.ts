/** Whom we trust to say who somebody is: the CAs, and what limits each of them. */
import type { UnixSeconds } from '../ports/clock.js'
import type { Certificate } from './certificate.js'
import type { Crl } from './crl.js'
import type { Name } from './name.js'
import type { SigningPolicy } from './signing-policy.js'

export { makeTrustAnchors, type TrustMaterial } from './trust-anchor-set.js'
export { TrustDirectory, type TrustDirectoryOptions } from './trust-directory.js'

/** A CA certificate of the trust directory. */
export interface TrustAnchor {
  readonly certificate: Certificate
  /** Self-issued: a path may end here. Any other CA of the directory is only a step on the way. */
  readonly root: boolean
}

/** What is known about certificates that a CA has taken back. */
export type Revocation =
  | { readonly kind: 'none' }
  /** The newest list of each scope, signed by the CA. May be out of date: that is judged later. */
  | { readonly kind: 'present'; readonly crls: readonly { crl: Crl; file: string }[] }
  /** There is a list and it cannot be believed: nothing of that CA can be either. */
  | { readonly kind: 'unreadable'; readonly file: string; readonly reason: CrlFault }

export type CrlFault = 'malformed' | 'bad-signature'

export type PolicyOfAuthority =
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'present'; readonly policy: SigningPolicy }

/** Something that a person should look at; what each means for validation is in `message`. */
export interface TrustProblem {
  readonly kind:
    | 'crl-expired'
    | 'crl-expiring'
    | 'crl-unreadable'
    | 'certificate-unreadable'
    | 'signing-policy-unreadable'
  readonly file: string
  /** One-line name of the CA where it is known. */
  readonly authority?: string
  /** When the list expires or has expired. */
  readonly at?: UnixSeconds
  readonly message: string
}

export interface TrustAnchors {
  /** CA certificates with exactly this subject; several while a CA changes its key. */
  anchorsNamed(subject: Name): readonly TrustAnchor[]
  readonly certificates: readonly Certificate[]
  /** Whether a CA without a signing policy may sign anything. */
  readonly allowMissingSigningPolicy: boolean
  signingPolicyOf(authority: Name): PolicyOfAuthority
  /** For CAs of the directory and for others: their lists are looked for by name. Cached. */
  revocationBy(authority: Certificate): Revocation
  /** Judged at the moment of asking: lists run out while nobody touches a file. */
  readonly problems: readonly TrustProblem[]
}
