/**
 * Whether what a MyProxy server gave us may replace the proxy that works.
 *
 * Nothing is taken on trust: the chain is validated against the service's own anchors, and compared
 * with the proxy that it is to replace. Less lifetime than was asked for is accepted and said. Pure.
 */
import type { Config } from '../config/config.js'
import { type ErrorCode, isVoboxError, printable, VoboxError } from '../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import { showInstant } from '../ports/time-text.js'
import type { ChainFacts } from '../proxy/chain-facts.js'
import type { Credential } from '../proxy/credential.js'
import { type ValidatedChain, validateProxyChain } from '../proxy/validate-proxy-chain.js'
import type { Registration } from '../registry/registration.js'
import type { AttributeCertificate } from '../voms/attribute-certificate.js'
import type { AttributeRequest } from '../voms/attribute-request.js'
import { attributesOfChain } from '../voms/chain-attributes.js'
import { showFqan } from '../voms/fqan.js'
import type { AttributeRules } from '../voms/verify-attributes.js'
import { sameName } from '../x509/name.js'
import { keysMatch } from '../x509/private-key.js'
import { allowsPurpose } from '../x509/purposes.js'
import type { TrustAnchors } from '../x509/trust-anchors.js'
import { effectiveEndOf } from './effective-end.js'
import { isShortGrant } from './grant.js'
import { acceptAttributes } from './registered-attributes.js'

/** What the fresh proxy is measured against. */
export interface AcceptanceRules {
  /** The proxy now on disk. */
  current: ChainFacts
  registration: Pick<Registration, 'identityDer' | 'lifetimeSeconds'>
  /**
   * The VOMS attributes that it must carry, in this order, and what they are verified against;
   * absent: it must carry none.
   */
  attributes?: { requests: readonly AttributeRequest[]; rules: AttributeRules }
  anchors: TrustAnchors
  now: UnixSeconds
  config: Config
  /** Accept an end that is not later than the current one's (`renew --force`). */
  evenIfNotLonger?: boolean
}

export interface Acceptance {
  verdict: 'accepted' | 'capped'
  /** Effective end of the fresh proxy: earliest of chain and attribute certificates. */
  end: UnixSeconds
  /** What is left until then, in seconds. */
  grantedSeconds: number
  /** What its chain has left, in seconds: what the MyProxy server granted. */
  chainSeconds: number
  /** End of the credential that it was made from: of the chain above the leaf. */
  storedEnd: UnixSeconds
}

/**
 * Judges a fresh proxy.
 *
 * `capped`: it is what was promised but ends no later than the one we have, which is therefore kept.
 *
 * @throws VoboxError `RENEWED_IDENTITY_DIFFERS`, `RENEWED_KIND_DIFFERS`, `RENEWED_LIMITED`,
 *   `RENEWED_ATTRIBUTES_DIFFER`, `CREDENTIAL_CARRIES_ATTRIBUTES`, `PROXY_KEY_MISMATCH`,
 *   `PROXY_LIFE_TOO_SHORT` (transient), and what `validateProxyChain` and `verifyAttributes` throw
 *   about a chain or attributes that cannot be trusted.
 */
export function acceptProxy(fresh: Credential, rules: AcceptanceRules): Acceptance {
  const { config, now, current } = rules
  const [leaf, ...above] = fresh.chain
  if (leaf === undefined || !keysMatch(fresh.privateKey, leaf.publicKey)) {
    throw new VoboxError('PROXY_KEY_MISMATCH', 'The proxy from the server is not for our key')
  }
  const { facts, effectiveEnd } = validateSent(fresh.chain, rules)
  checkIdentity(facts, rules)
  checkKind(facts, current)
  checkRights(facts, current)
  checkUsefulness(facts, current)
  if (rules.attributes === undefined) refuseAttributes(facts)
  else acceptAttributes(facts, rules.attributes.requests, rules.attributes.rules)

  const end = asUnixSeconds(Math.min(effectiveEnd, effectiveEndOf(facts)))
  const grantedSeconds = end - now
  if (grantedSeconds < config.limits.minIntervalSeconds) {
    throw tooShort(grantedSeconds, config.limits.minIntervalSeconds)
  }
  const storedEnd = Math.min(...above.map(({ notAfter }) => notAfter)) as UnixSeconds
  const verdict = isWorthIt(end, rules) ? 'accepted' : 'capped'
  return { verdict, end, grantedSeconds, chainSeconds: effectiveEnd - now, storedEnd }
}

/**
 * Ends are whole seconds: of two full grants within one, the second ends no later, and nothing is
 * capped all the same.
 */
function isWorthIt(
  end: UnixSeconds,
  { current, evenIfNotLonger, now, registration }: AcceptanceRules,
): boolean {
  const currentEnd = effectiveEndOf(current)
  if (end > currentEnd || evenIfNotLonger === true) return true
  return end === currentEnd && !isShortGrant(registration.lifetimeSeconds, end - now)
}

/** Whose certificates nobody here knows. */
const FORGERY_CODES: readonly ErrorCode[] = ['CHAIN_UNTRUSTED', 'SIGNATURE_INVALID']

const ASK_SERVER =
  'Ask the manager of the MyProxy server where it comes from; only where a CA of the grid is missing ' +
  'on this machine, update its CA certificates'

/** Says that it is about what the server sent; a forgery must be no reason to trust its CA. */
function validateSent(
  chain: Credential['chain'],
  { anchors, now, config }: AcceptanceRules,
): ValidatedChain {
  try {
    return validateProxyChain(chain, anchors, {
      now,
      allowLegacyProxies: config.trust.allowLegacyProxies,
      maxDelegationDepth: config.limits.maxDelegationDepth,
    })
  } catch (error) {
    if (!isVoboxError(error)) throw error
    const { code, message, data, persistence } = error
    throw new VoboxError(code, `The proxy that the server sent is refused: ${message}`, {
      hint: FORGERY_CODES.includes(code) ? ASK_SERVER : error.hint,
      data,
      persistence,
      cause: error,
    })
  }
}

/** By bytes: two names that print alike may be of two people. */
function checkIdentity(facts: ChainFacts, { current, registration }: AcceptanceRules): void {
  const identityDer = Buffer.from(facts.identity.der).toString('base64')
  if (identityDer === registration.identityDer && sameName(facts.identity, current.identity)) return
  const expected = printable(current.identity.oneLine)
  const found = printable(facts.identity.oneLine)
  throw new VoboxError(
    'RENEWED_IDENTITY_DIFFERS',
    `The credential stored under this name belongs to ${found}, not to ${expected}`,
    { data: { expected, found } },
  )
}

function checkKind(facts: ChainFacts, current: ChainFacts): void {
  if (facts.kind === current.kind && facts.kind !== undefined) return
  const expected = current.kind ?? 'none'
  const found = facts.kind ?? 'none'
  throw new VoboxError(
    'RENEWED_KIND_DIFFERS',
    found === 'none'
      ? 'The server sent an end-entity certificate instead of a proxy'
      : `The server sent a proxy of kind ${found}; the one it is to replace is of kind ${expected}`,
    { data: { expected, found } },
  )
}

/** Not more limited; a proxy with no rights, or with unknown ones, is as useless as a limited one. */
function checkRights(facts: ChainFacts, current: ChainFacts): void {
  const narrower = facts.limited && !current.limited
  const other = facts.policy !== 'inherit-all' && facts.policy !== 'limited'
  if (!narrower && (!other || facts.policy === current.policy)) return
  throw new VoboxError(
    'RENEWED_LIMITED',
    `The server sent a proxy with the policy ${facts.policy}, which would take rights away`,
    { data: { expected: current.policy, found: facts.policy } },
  )
}

/**
 * Of two proxies with the same policy one can still be good for less: it may not authenticate a
 * client, or nothing can be delegated from it.
 */
function checkUsefulness(facts: ChainFacts, current: ChainFacts): void {
  const abilities = [
    ['authenticate a client', isForClients],
    ['be delegated further', isDelegable],
  ] as const
  const lost = abilities.find(([, has]) => has(current) && !has(facts))
  if (lost === undefined) return
  throw new VoboxError(
    'RENEWED_LIMITED',
    `The server sent a proxy that cannot ${lost[0]}, as the one it is to replace can`,
    { data: { lost: lost[0] } },
  )
}

/** Only the proxies are asked: the end-entity certificate is the same for both. */
function isForClients({ proxies }: ChainFacts): boolean {
  return proxies.every(({ certificate }) => allowsPurpose(certificate, 'client'))
}

/** Each path length counts the proxies below its own (RFC 3820 §3.8.1). */
function isDelegable({ proxies }: ChainFacts): boolean {
  return proxies.every(({ pathLength }, below) => pathLength === undefined || pathLength > below)
}

/**
 * A stored credential that was uploaded with VOMS attributes hands them on: they end long before it,
 * and a VOMS server gives no more than what is among them.
 */
function refuseAttributes(facts: ChainFacts): void {
  if (facts.acBytes === undefined) return
  const acs = readableAttributes(facts)
  const fqans = acs.flatMap((ac) => ac.fqans.map(showFqan))
  const ends = acs.map(({ notAfter }) => notAfter)
  const end = ends.length === 0 ? undefined : asUnixSeconds(Math.min(...ends))
  const which = fqans.length === 0 ? '' : ` (${printable(fqans.join(', '), 200)})`
  const until = end === undefined ? 'which end' : `which end on ${showInstant(end, 'minute')}`
  throw new VoboxError(
    'CREDENTIAL_CARRIES_ATTRIBUTES',
    `the stored credential was uploaded with VOMS attributes${which}, ${until} and narrow every later one`,
    {
      hint: 'Its owner stores it again without VOMS attributes: vobox-proxy myproxy init --for-vobox, from the user certificate',
      data: { fqans, end },
    },
  )
}

/** For the sentence alone; those that nobody can read are there all the same. */
function readableAttributes(facts: ChainFacts): readonly AttributeCertificate[] {
  try {
    return attributesOfChain(facts).outermost
  } catch (error) {
    if (isVoboxError(error)) return []
    throw error
  }
}

/** Transient: the stored credential is about to end, and its owner may be storing the next one. */
function tooShort(grantedSeconds: number, neededSeconds: number): VoboxError {
  return new VoboxError(
    'PROXY_LIFE_TOO_SHORT',
    `The server sent a proxy that ends in ${grantedSeconds} s, before it could be renewed`,
    { data: { grantedSeconds, neededSeconds }, persistence: 'transient' },
  )
}
