/**
 * Who may store, retrieve and renew: the server's lines as `myproxy-server.config(5)` names them.
 *
 * Two gates stand behind each other. The server's own lines (`authorized…`, `trusted…`) must match
 * whatever a credential says; then the credential's own pattern must match, or, where it was stored
 * without one, the server's `default…` lines.
 */
import { type DnForms, matchesAnyDnPattern, withoutKind } from './dn-pattern.js'

/** Lists of DN patterns. An absent or empty list means what the comment says. */
export interface MyProxyPolicy {
  /** Who may store and destroy; none: nobody. */
  acceptedCredentials?: readonly string[]
  /** Who may retrieve with a pass phrase; none: nobody. */
  authorizedRetrievers?: readonly string[]
  /** For credentials stored without `RETRIEVER`; none: everybody. */
  defaultRetrievers?: readonly string[]
  /** Who may renew; none: nobody. */
  authorizedRenewers?: readonly string[]
  /** For credentials stored without `RENEWER`; none: everybody. */
  defaultRenewers?: readonly string[]
  /** Who may retrieve by certificate alone what has no pass phrase; none: nobody. */
  trustedRetrievers?: readonly string[]
  /** For credentials stored without `RETRIEVER_TRUSTED`; none: nobody, unlike the C server. */
  defaultTrustedRetrievers?: readonly string[]
  /** Who may retrieve certificate and key, if also among `authorizedRetrievers`; none: nobody. */
  authorizedKeyRetrievers?: readonly string[]
  /** For credentials stored without `KEYRETRIEVERS`; none: everybody. */
  defaultKeyRetrievers?: readonly string[]
  /** Let the owner of a credential renew it with a proxy of the same identity; default false. */
  allowSelfAuthorization?: boolean
  /** Treat a client with a limited proxy as one with a full one; default false. */
  ignoreLimitedProxyFlag?: boolean
  /** GET looks at all credentials of a user where it names none; default false. */
  checkMultipleCredentials?: boolean
}

/** The patterns that were stored with one credential. */
export interface CredentialPolicy {
  retriever?: string
  renewer?: string
  trustedRetriever?: string
  keyRetriever?: string
}

/** The ways in which a client can be given a delegated proxy, or a key itself. */
export type Access =
  | 'trusted_retrievers'
  | 'authorized_retrievers'
  | 'authorized_renewers'
  | 'authorized_key_retrievers'

interface AccessRule {
  server: (policy: MyProxyPolicy) => readonly string[] | undefined
  fallback: (policy: MyProxyPolicy) => readonly string[] | undefined
  own: (credential: CredentialPolicy) => string | undefined
  /** What an absent list of defaults means. */
  openByDefault: boolean
}

const ACCESS_RULES: Record<Access, AccessRule> = {
  trusted_retrievers: {
    server: (policy) => policy.trustedRetrievers,
    fallback: (policy) => policy.defaultTrustedRetrievers,
    own: (credential) => credential.trustedRetriever,
    openByDefault: false,
  },
  authorized_retrievers: {
    server: (policy) => policy.authorizedRetrievers,
    fallback: (policy) => policy.defaultRetrievers,
    own: (credential) => credential.retriever,
    openByDefault: true,
  },
  authorized_renewers: {
    server: (policy) => policy.authorizedRenewers,
    fallback: (policy) => policy.defaultRenewers,
    own: (credential) => credential.renewer,
    openByDefault: true,
  },
  authorized_key_retrievers: {
    server: (policy) => policy.authorizedKeyRetrievers,
    fallback: (policy) => policy.defaultKeyRetrievers,
    own: (credential) => credential.keyRetriever,
    openByDefault: true,
  },
}

export type PolicyDecision = { allowed: true } | { allowed: false; reason: string }

/** Whether `dn` may store. */
export function mayStore(policy: MyProxyPolicy, dn: DnForms): boolean {
  return matchesAnyDnPattern(policy.acceptedCredentials ?? [], dn)
}

/**
 * Whether the server names this very DN among those who may store, with no pattern: such a client
 * is trusted to store any number, as a primary does with its secondary.
 */
export function isNamedToStore(policy: MyProxyPolicy, dn: DnForms): boolean {
  const names = (policy.acceptedCredentials ?? []).map(withoutKind)
  return names.includes(dn.oneLine) || names.includes(dn.classicOneLine)
}

/** Whether the server's own lines admit `dn`, whatever credential it is about. */
export function passesServerPolicy(policy: MyProxyPolicy, access: Access, dn: DnForms): boolean {
  return matchesAnyDnPattern(ACCESS_RULES[access].server(policy) ?? [], dn)
}

/**
 * Whether `dn` may have `access` to a credential. The reasons are the C server's sentences, which
 * administrators know and clients recognise.
 */
export function decideAccess(
  policy: MyProxyPolicy,
  access: Access,
  dn: DnForms,
  credential: CredentialPolicy,
): PolicyDecision {
  const refuse = (whose: string): PolicyDecision => ({
    allowed: false,
    reason: `"${dn.oneLine}" not authorized by ${whose} ${access} policy`,
  })
  const rule = ACCESS_RULES[access]
  if (!passesServerPolicy(policy, access, dn)) return refuse("server's")
  const own = rule.own(credential)
  if (own !== undefined && own !== '') {
    return matchesAnyDnPattern([own], dn) ? { allowed: true } : refuse("credential's")
  }
  const defaults = rule.fallback(policy) ?? []
  const admitted = defaults.length === 0 ? rule.openByDefault : matchesAnyDnPattern(defaults, dn)
  return admitted ? { allowed: true } : refuse("server's default")
}
