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
import { INVALID_PASS_PHRASE } from '../refusals.js'

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
  | Refused

/** `really`: what a client is not told, for the log. */
type Refused = { action: 'refuse'; really?: Because } & Told

type Because = 'policy' | 'pass-phrase' | 'not-stored'

type Told =
  | { because: 'policy'; reasons: readonly string[] }
  /** By certificate alone there is no way; with a pass phrase there might be. */
  | { because: 'pass-phrase' }
  /** Whatever pass phrase came, it is as good as wrong: as slow, and as bad a sign. */
  | { because: 'wrong-pass-phrase' }
  | { because: 'not-stored' }

const WAYS: readonly Access[] = [
  'trusted_retrievers',
  'authorized_retrievers',
  'authorized_renewers',
]

/**
 * Decides as the C server does, with two differences, both on the strict side: renewal needs a
 * client with a certificate, and whoever could only come with a pass phrase learns neither whether
 * something is stored under a name nor whom it names.
 */
export function decideDelegation(
  policy: MyProxyPolicy,
  asker: Asker,
  wanted: Wanted | undefined,
): DelegationDecision {
  const decision = decideOpenly(policy, asker, wanted)
  if (decision.action !== 'refuse' || isToldWhy(policy, asker.dn)) return decision
  return { action: 'refuse', really: decision.because, ...refuseBlindly(policy, asker) }
}

/**
 * Whether a client is told what is in the way: one that the server's own lines let come by its
 * certificate alone, such as the machines that renew, and whose manager needs to know.
 */
export function isToldWhy(policy: MyProxyPolicy, dn: DnForms): boolean {
  if (dn.oneLine === ANONYMOUS) return false
  const passes = (way: Access) => passesServerPolicy(policy, way, dn)
  return (
    passes('authorized_renewers') ||
    (passes('trusted_retrievers') && passes('authorized_retrievers'))
  )
}

type Openly = Exclude<DelegationDecision, Refused> | (Refused & { because: Because })

function decideOpenly(policy: MyProxyPolicy, asker: Asker, wanted: Wanted | undefined): Openly {
  if (wanted === undefined) return { action: 'refuse', because: 'not-stored' }
  const access = Object.fromEntries(
    WAYS.map((way) => [way, decideAccess(policy, way, asker.dn, wanted)]),
  ) as Record<Access, ReturnType<typeof decideAccess>>
  const reasons = WAYS.flatMap((way) => (access[way].allowed ? [] : [access[way].reason]))

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
  if (access.authorized_renewers.allowed) {
    reasons.push(whyNotRenew(asker.dn, self ? 'self-authz not allowed' : NEEDS_CERTIFICATE))
  }
  return { action: 'refuse', because: 'policy', reasons }
}

const NEEDS_CERTIFICATE = 'a certificate is needed'

function whyNotRenew({ oneLine }: DnForms, why: string): string {
  return `"${oneLine}" not authorized by server's authorized_renewers policy (${why})`
}

/**
 * By the lines of the server alone, so that it is the same whatever is stored: they tell the manager of
 * a machine that is in none of them what is missing.
 */
function refuseBlindly(policy: MyProxyPolicy, { dn, hasPassPhrase }: Asker): Told {
  const mayTry = passesServerPolicy(policy, 'authorized_retrievers', dn)
  if (mayTry && hasPassPhrase) return { because: 'wrong-pass-phrase' }
  const reasons = WAYS.filter((way) => !passesServerPolicy(policy, way, dn)).map(
    (way) => `"${dn.oneLine}" not authorized by server's ${way} policy`,
  )
  // Only of a client without a certificate: others are told more.
  if (passesServerPolicy(policy, 'authorized_renewers', dn)) {
    reasons.push(whyNotRenew(dn, NEEDS_CERTIFICATE))
  }
  return { because: 'policy', reasons: mayTry ? [...reasons, INVALID_PASS_PHRASE] : reasons }
}
