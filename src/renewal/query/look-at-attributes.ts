/**
 * The attributes that a proxy carries, and whether they may be believed at this moment: for people
 * who look. The chain that carries them is validated as well, for attributes are granted to whoever
 * holds it.
 */
import { isVoboxError, VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import type { ChainFacts } from '../../proxy/chain-facts.js'
import { validateProxyChain } from '../../proxy/validate-proxy-chain.js'
import {
  type AttributeReport,
  disbelieveAttributes,
  reportAttributes,
} from '../../voms/attribute-report.js'
import { attributesOfChain } from '../../voms/chain-attributes.js'
import { type JudgedAttributes, judgeAttributes } from '../../voms/verify-attributes.js'
import type { VomsTrust } from '../../voms/voms-trust.js'
import type { Certificate } from '../../x509/certificate.js'
import type { TrustAnchors } from '../../x509/trust-anchors.js'

/** Whom and what is believed. */
export interface AttributeJudge {
  /** Anchors that are complete for paths from these certificates. */
  anchorsFor(certificates: readonly Certificate[]): Promise<TrustAnchors>
  vomsTrust(): Promise<VomsTrust>
  /** Full name of this machine, for attributes that are meant for certain hosts. */
  host: string
  allowLegacyProxies: boolean
  maxDelegationDepth: number
}

/** Those of the outermost proxy that carries any. Never rejects for what is in them. */
export async function lookAtAttributes(
  facts: ChainFacts,
  judge: AttributeJudge,
  now: UnixSeconds,
): Promise<AttributeReport[]> {
  if (facts.acBytes === undefined) return []
  const judged = await judgeCarried(facts, judge, now)
  return reportAttributes(judged, facts.identity.oneLine, now)
}

async function judgeCarried(
  facts: ChainFacts,
  judge: AttributeJudge,
  now: UnixSeconds,
): Promise<JudgedAttributes[]> {
  const { host, allowLegacyProxies, maxDelegationDepth } = judge
  const { proxies, endEntity, authorities } = facts
  const chain = [...proxies.map(({ certificate }) => certificate), endEntity, ...authorities]
  const trust = await judge.vomsTrust()
  let anchors: TrustAnchors
  try {
    anchors = await judge.anchorsFor([...chain, ...possibleIssuers(facts, trust)])
  } catch (error) {
    if (isVoboxError(error)) return disbelieveAttributes(facts, error)
    throw error
  }
  try {
    validateProxyChain(chain, anchors, { now, allowLegacyProxies, maxDelegationDepth })
  } catch (error) {
    if (!isVoboxError(error)) throw error
    return disbelieveAttributes(facts, ofProxy(error))
  }
  return judgeAttributes(facts, { trust, anchors, now, host })
}

function ofProxy(cause: VoboxError): VoboxError {
  const { code, message, hint } = cause
  return new VoboxError(code, `the proxy is not valid: ${message}`, { hint, cause })
}

/** Certificates of whoever may have signed the attributes. */
function possibleIssuers(facts: ChainFacts, trust: VomsTrust): Certificate[] {
  try {
    return attributesOfChain(facts).outermost.flatMap(({ vo, issuerCertificates }) => [
      ...issuerCertificates,
      ...trust.certificatesFor(vo),
    ])
  } catch (error) {
    // Then they are described as what they are.
    if (isVoboxError(error)) return []
    throw error
  }
}
