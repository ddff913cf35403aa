/**
 * Whether a chain may be believed: RFC 3820 §4 for the proxies, RFC 5280 §6 for what they stand on.
 *
 * A bare end-entity chain is accepted too, since hosts present one. What comes back is the only
 * source of an identity that the rest of the project uses.
 */
import { VoboxError } from '../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import { type Certificate, isSignedBy } from '../x509/certificate.js'
import { checkKeyStrength, checkValidity } from '../x509/path-rules.js'
import { validatePath } from '../x509/path-validation.js'
import type { TlsPurpose } from '../x509/purposes.js'
import type { TrustAnchors } from '../x509/trust-anchors.js'
import { type ChainFacts, describeChain } from './chain-facts.js'
import { withoutDuplicates } from './order-chain.js'
import { checkProxyRules } from './proxy-rules.js'
import { requirePurpose } from './purposes.js'

export interface ProxyChainOptions {
  /** The instant at which the chain must be valid. */
  now: UnixSeconds
  /** Accept legacy and draft proxies. */
  allowLegacyProxies: boolean
  /** Most proxy certificates accepted above the end-entity certificate. */
  maxDelegationDepth: number
  /** The end of a TLS connection that presents the chain; absent: key usage for TLS is not asked. */
  purpose?: TlsPurpose
}

export interface ValidatedChain {
  /** As it was given: leaf first. */
  readonly chain: readonly Certificate[]
  readonly facts: ChainFacts
  /** The root that it ends at. */
  readonly anchor: Certificate
  /** Earliest end of validity of everything from the leaf to the root. */
  readonly effectiveEnd: UnixSeconds
}

/**
 * Validates a chain, leaf first; what comes after the end-entity certificate may be in any order and
 * is not trusted. The clock may be five minutes behind a `notBefore`, never behind an end.
 *
 * @throws VoboxError `PROXY_TOO_DEEP`, `PROXY_KIND_REFUSED` (`data.kind`), `PROXY_RULE_BROKEN`
 *   (`data.rule`), `CHAIN_EXPIRED`, `CHAIN_NOT_YET_VALID`, `CHAIN_BROKEN`, `SIGNATURE_INVALID`,
 *   `KEY_USAGE_FORBIDS`, `KEY_TOO_WEAK`, `EXTENSION_UNKNOWN_CRITICAL`, and what `validatePath`
 *   throws; `data.subject` is the certificate that is at fault.
 */
export function validateProxyChain(
  chain: readonly Certificate[],
  anchors: TrustAnchors,
  options: ProxyChainOptions,
): ValidatedChain {
  const facts = describeChain(chain)
  checkDuplicates(chain)
  checkDepth(facts, options.maxDelegationDepth)
  if (!options.allowLegacyProxies) refuseOtherKinds(facts)
  refuseAuthorityAsLeaf(facts)
  checkProxyRules(facts)
  for (const [index, { certificate }] of facts.proxies.entries()) {
    checkValidity(certificate, options.now)
    checkKeyStrength(certificate)
    checkSignature(certificate, facts.proxies[index + 1]?.certificate ?? facts.endEntity)
  }
  const { now, purpose } = options
  if (purpose !== undefined) requirePurpose(chain.slice(0, facts.depth + 1), purpose)
  const path = validatePath(facts.endEntity, facts.authorities, anchors, {
    now,
    ...(purpose === undefined ? {} : { purpose }),
  })
  const proxyEnds = facts.proxies.map(({ certificate }) => certificate.notAfter)
  return {
    chain,
    facts,
    anchor: path.anchor,
    effectiveEnd: asUnixSeconds(Math.min(path.effectiveEnd, ...proxyEnds)),
  }
}

function checkDuplicates(chain: readonly Certificate[]): void {
  if (withoutDuplicates(chain).length === chain.length) return
  throw new VoboxError('CHAIN_BROKEN', 'a certificate stands in the chain twice', {
    data: { reason: 'duplicate', subject: chain[0]?.subject.oneLine },
  })
}

function checkDepth({ depth, subject }: ChainFacts, limit: number): void {
  if (depth <= limit) return
  throw new VoboxError('PROXY_TOO_DEEP', `the proxy was delegated ${depth} times, over ${limit}`, {
    hint: 'make a new proxy from the user certificate: long chains overflow the buffers of others',
    data: { depth, limit, subject: subject.oneLine },
  })
}

function refuseOtherKinds({ proxies }: ChainFacts): void {
  const refused = proxies.find(({ kind }) => kind !== 'rfc3820')
  if (refused === undefined) return
  const subject = refused.certificate.subject.oneLine
  throw new VoboxError(
    'PROXY_KIND_REFUSED',
    `${subject} is a ${refused.kind} proxy, and only RFC 3820 proxies are accepted`,
    {
      hint: 'make an RFC 3820 proxy with vobox-proxy proxy-init, or set trust.allow_legacy_proxies',
      data: { kind: refused.kind, subject },
    },
  )
}

function refuseAuthorityAsLeaf({ depth, endEntity }: ChainFacts): void {
  if (depth > 0 || !endEntity.basicConstraints?.ca) return
  const subject = endEntity.subject.oneLine
  throw new VoboxError('CHAIN_BROKEN', `${subject} is a CA, not a user, host or proxy`, {
    data: { reason: 'end-entity-is-ca', subject },
  })
}

function checkSignature(certificate: Certificate, signer: Certificate): void {
  if (isSignedBy(certificate, signer.publicKey)) return
  const [subject, issuer] = [certificate.subject.oneLine, signer.subject.oneLine]
  const algorithm = certificate.signatureAlgorithm.name
  throw new VoboxError('SIGNATURE_INVALID', `${subject} is not signed by the key of ${issuer}`, {
    data: { reason: 'bad-signature', subject, issuer, algorithm },
  })
}
