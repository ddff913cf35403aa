/**
 * Whether a client is given a delegated proxy, and what it must show for it. Pure: the repository
 * was looked into before, the challenge comes after.
 */
import { ANONYMOUS, type DnForms } from '../policy/dn-pattern.js'
import {
  type Access,
  type CredentialPolicy,
  decideAccess,
  type MyProxyPolicy,
  passesServerPolicy,
} from '../policy/policy.js'

/** Who asks, as far as the policy cares. */
export interface Asker {
  /** Identity DN, or {@link ANONYMOUS}. */
  dn: DnForms
  /** Whether a pass phrase came with the request. */
  hasPassPhrase: boolean
}

/** What is asked for, where it exists. */
export interface Wanted extends CredentialPolicy {
  /** Whose it is by its certificates, in one-line form: a primary stores what is its users'. */
  identity: string
  /** Only a pass phrase opens it. */
  isProtected: boolean
}

export type DelegationDecision =
  /** Give it, if the pass phrase opens it. */
  | { action: 'check-pass-phrase' }
  /** Give it, if the holder of a living proxy of the owner signs a challenge. */
  | { action: 'challenge' }
  /** Give it: the certificate is enough. */
  | { action: 'trust' }
  | { action: 'refuse'; because: 'policy'; reasons: readonly string[] }
  /** By certificate alone there is no way; with a pass phrase there might be. */
  | { action: 'refuse'; because: 'pass-phrase' }
  | { action: 'refuse'; because: 'not-stored' }

const WAYS: readonly Access[] = [
  'trusted_retrievers',
  'authorized_retrievers',
  'authorized_renewers',
]

/**
 * Decides as the C server does, with two differences, both on the strict side: renewal needs a
 * client with a certificate, and nobody who could not get a credential learns that there is none.
 */
export function decideDelegation(
  policy: MyProxyPolicy,
  asker: Asker,
  wanted: Wanted | undefined,
): DelegationDecision {
  const access = Object.fromEntries(
    WAYS.map((way) => [way, decideAccess(policy, way, asker.dn, wanted ?? {})]),
  ) as Record<Access, ReturnType<typeof decideAccess>>
  const reasons = WAYS.flatMap((way) => (access[way].allowed ? [] : [access[way].reason]))

  if (wanted === undefined) return decideUnknown(policy, asker, access, reasons)
  const self = asker.dn.oneLine === wanted.identity && policy.allowSelfAuthorization !== true
  const certified = asker.dn.oneLine !== ANONYMOUS && !self
  const mayRenew = certified && access.authorized_renewers.allowed
  const trusted =
    certified && access.trusted_retrievers.allowed && access.authorized_retrievers.allowed

  // One that nothing protects goes by the certificate, whatever was typed for it.
  const needsNone = !wanted.isProtected && (trusted || mayRenew)
  if (asker.hasPassPhrase && !needsNone) {
    if (access.authorized_retrievers.allowed) return { action: 'check-pass-phrase' }
    return { action: 'refuse', because: 'policy', reasons }
  }
  if (wanted.isProtected && (mayRenew || trusted)) {
    return { action: 'refuse', because: 'pass-phrase' }
  }
  if (trusted) return { action: 'trust' }
  if (mayRenew) return { action: 'challenge' }
  if (wanted.isProtected && access.authorized_retrievers.allowed) {
    return { action: 'refuse', because: 'pass-phrase' }
  }
  if (access.authorized_renewers.allowed) reasons.push(whyNotAlthoughListed(asker, self))
  return { action: 'refuse', because: 'policy', reasons }
}

function whyNotAlthoughListed({ dn }: Asker, self: boolean): string {
  const why = self ? 'self-authz not allowed' : 'a certificate is needed'
  return `"${dn.oneLine}" not authorized by server's authorized_renewers policy (${why})`
}

/**
 * A name under which nothing is stored. A client without a certificate could try one name after the
 * other, so it is treated as if its pass phrase were wrong; one that the server's own lines admit
 * is told the truth.
 */
function decideUnknown(
  policy: MyProxyPolicy,
  asker: Asker,
  access: Record<Access, ReturnType<typeof decideAccess>>,
  reasons: readonly string[],
): DelegationDecision {
  if (asker.dn.oneLine === ANONYMOUS) {
    if (!access.authorized_retrievers.allowed) {
      return { action: 'refuse', because: 'policy', reasons }
    }
    return asker.hasPassPhrase
      ? { action: 'check-pass-phrase' }
      : { action: 'refuse', because: 'pass-phrase' }
  }
  const admitted = WAYS.some((way) => passesServerPolicy(policy, way, asker.dn))
  return admitted
    ? { action: 'refuse', because: 'not-stored' }
    : { action: 'refuse', because: 'policy', reasons }
}
