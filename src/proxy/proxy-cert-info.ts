/**
 * The ProxyCertInfo extension (RFC 3820 §3.8) and the one of the draft before it.
 *
 * Both say the same in a different order. The draft's was observed in what `grid-proxy-init -draft`
 * and `voms-proxy-init -proxyver 3` write:
 *
 *     RFC 3820: SEQUENCE { pCPathLenConstraint INTEGER OPTIONAL, proxyPolicy ProxyPolicy }
 *     draft:    SEQUENCE { proxyPolicy ProxyPolicy, [1] EXPLICIT INTEGER OPTIONAL }
 *     ProxyPolicy: SEQUENCE { policyLanguage OBJECT IDENTIFIER, policy OCTET STRING OPTIONAL }
 */
import {
  DerReader,
  derContext,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  TAG,
} from '../asn1/der.js'
import { OID } from '../asn1/oids.js'

/** What a proxy certificate is called by: its document, or Globus' habit before there was one. */
export type ProxyKind = 'rfc3820' | 'draft' | 'legacy'

/** Kinds that say what they are in an extension. */
export type ExtensionKind = Exclude<ProxyKind, 'legacy'>

/** Rights of a proxy; `restricted` is any policy language that we do not understand. */
export type ProxyPolicy = 'inherit-all' | 'limited' | 'independent' | 'restricted'

/** The extension of each kind; both are critical (RFC 3820 §3.8). */
export const PROXY_CERT_INFO_OID: Readonly<Record<ExtensionKind, string>> = {
  rfc3820: OID.proxyCertInfo,
  draft: OID.draftProxyCertInfo,
}

/** The policy languages understood; `limited` is Globus' own, the others are RFC 3820 §3.8.2. */
const POLICY_LANGUAGES: Readonly<Record<Exclude<ProxyPolicy, 'restricted'>, string>> = {
  'inherit-all': OID.policyInheritAll,
  independent: OID.policyIndependent,
  limited: OID.policyLimited,
}

export interface ProxyCertInfo {
  /** How many proxies may follow below this one; absent: no limit. */
  readonly pathLength?: number
  /** Object identifier of the policy language. */
  readonly policyLanguage: string
  /** The policy itself; the two languages of RFC 3820 forbid one. */
  readonly policy?: Uint8Array
}

/** Throws `ASN1_MALFORMED` unless `value` is exactly one ProxyCertInfo of that kind. */
export function parseProxyCertInfo(value: Uint8Array, kind: ExtensionKind): ProxyCertInfo {
  const outer = new DerReader(value)
  const info = outer.readSequence()
  outer.done()
  const parsed = kind === 'rfc3820' ? parseFields(info) : parseDraftFields(info)
  info.done()
  return parsed
}

function parseFields(info: DerReader): ProxyCertInfo {
  const pathLength = info.peekTag() === TAG.integer ? info.readSmallInteger() : undefined
  return withPathLength(parsePolicy(info), pathLength)
}

function parseDraftFields(info: DerReader): ProxyCertInfo {
  const policy = parsePolicy(info)
  const constraint = info.readOptionalContext(1)
  const pathLength = constraint?.readSmallInteger()
  constraint?.done()
  return withPathLength(policy, pathLength)
}

function withPathLength(policy: ProxyCertInfo, pathLength: number | undefined): ProxyCertInfo {
  return pathLength === undefined ? policy : { ...policy, pathLength }
}

function parsePolicy(info: DerReader): ProxyCertInfo {
  const sequence = info.readSequence()
  const policyLanguage = sequence.readOid()
  if (sequence.atEnd()) return { policyLanguage }
  const policy = sequence.readOctetString()
  sequence.done()
  return { policyLanguage, policy }
}

/** Value of the extension. */
export function encodeProxyCertInfo(
  info: ProxyCertInfo,
  kind: ExtensionKind = 'rfc3820',
): Uint8Array {
  const policy = derSequence(
    derOid(info.policyLanguage),
    ...(info.policy === undefined ? [] : [derOctetString(info.policy)]),
  )
  if (info.pathLength === undefined) return derSequence(policy)
  const pathLength = derInteger(info.pathLength)
  return kind === 'rfc3820'
    ? derSequence(pathLength, policy)
    : derSequence(policy, derContext(1, pathLength))
}

/** The rights that a policy language stands for. */
export function policyOfLanguage(language: string): ProxyPolicy {
  for (const [policy, known] of Object.entries(POLICY_LANGUAGES)) {
    if (known === language) return policy as ProxyPolicy
  }
  return 'restricted'
}

/** The language of a policy that we can issue. */
export function languageOfPolicy(policy: Exclude<ProxyPolicy, 'restricted'>): string {
  return POLICY_LANGUAGES[policy]
}
