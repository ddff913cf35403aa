/**
 * What a chain of certificates says about itself: whose it is, what kind, how deep, until when.
 *
 * Structure only. No signature, date or trust is looked at, so that `info` can describe what it then
 * calls invalid. Whoever acts on the answer validates first.
 */
import { OID } from '../asn1/oids.js'
import { VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { Certificate } from '../x509/certificate.js'
import type { Name } from '../x509/name.js'
import type { ProxyKind, ProxyPolicy } from './proxy-cert-info.js'
import { type ProxyStep, proxyStepOf } from './proxy-step.js'

export type { ProxyKind, ProxyPolicy } from './proxy-cert-info.js'
export type { ProxyStep } from './proxy-step.js'

export interface ChainFacts {
  /** Identity DN: the subject of the end-entity certificate. */
  readonly identity: Name
  /** Subject DN of the leaf. */
  readonly subject: Name
  readonly endEntity: Certificate
  /** Outermost, the leaf, first; empty when the leaf is the end-entity certificate. */
  readonly proxies: readonly ProxyStep[]
  /** What stands above the end-entity certificate, in the order of the chain. */
  readonly authorities: readonly Certificate[]
  /** Kind of the leaf; undefined: not a proxy. */
  readonly kind: ProxyKind | undefined
  /** The strictest policy of all steps; undefined: not a proxy. */
  readonly policy: ProxyPolicy | undefined
  /** Whether any step is limited: what is below a limited proxy is limited, whatever it says. */
  readonly limited: boolean
  /** Number of proxy certificates. */
  readonly depth: number
  /** Start of validity of the leaf. */
  readonly notBefore: UnixSeconds
  /** Earliest end of validity in the whole chain. */
  readonly effectiveEnd: UnixSeconds
  /** Value of the attribute certificate extension of the outermost proxy that carries one. */
  readonly acBytes?: Uint8Array
}

/** Strictest first. */
const POLICIES_BY_STRICTNESS: readonly ProxyPolicy[] = [
  'restricted',
  'independent',
  'limited',
  'inherit-all',
]

/**
 * Describes a chain, leaf first.
 *
 * The end-entity certificate is found by walking from the leaf over everything that is a proxy by
 * its own bytes; the names are never stripped.
 *
 * @throws VoboxError `CHAIN_BROKEN` for a chain without an end-entity certificate,
 *   `CERTIFICATE_MALFORMED` or `PROXY_RULE_BROKEN` where a step cannot be classified.
 */
export function describeChain(chain: readonly Certificate[]): ChainFacts {
  const proxies = walkProxies(chain)
  const depth = proxies.length
  const leaf = chain[0]
  const endEntity = chain[depth]
  if (leaf === undefined || endEntity === undefined) {
    throw new VoboxError('CHAIN_BROKEN', 'the chain has no end-entity certificate', {
      hint: 'it must hold the proxy and every certificate up to the user certificate',
      data: { depth, subject: leaf?.subject.oneLine },
    })
  }
  const acBytes = outermostAttributeCertificates(proxies)
  return {
    identity: endEntity.subject,
    subject: leaf.subject,
    endEntity,
    proxies,
    authorities: chain.slice(depth + 1),
    kind: proxies[0]?.kind,
    policy: POLICIES_BY_STRICTNESS.find((policy) => proxies.some((step) => step.policy === policy)),
    limited: proxies.some((step) => step.policy === 'limited'),
    depth,
    notBefore: leaf.notBefore,
    effectiveEnd: earliestEnd(chain),
    ...(acBytes === undefined ? {} : { acBytes }),
  }
}

function walkProxies(chain: readonly Certificate[]): ProxyStep[] {
  const proxies: ProxyStep[] = []
  for (const [index, certificate] of chain.entries()) {
    const step = proxyStepOf(certificate, chain[index + 1])
    if (step === undefined) break
    proxies.push(step)
  }
  return proxies
}

function earliestEnd(chain: readonly Certificate[]): UnixSeconds {
  return Math.min(...chain.map((certificate) => certificate.notAfter)) as UnixSeconds
}

function outermostAttributeCertificates(proxies: readonly ProxyStep[]): Uint8Array | undefined {
  for (const { certificate } of proxies) {
    const extension = certificate.extension(OID.vomsAcSequence)
    if (extension !== undefined) return extension.value
  }
  return undefined
}
