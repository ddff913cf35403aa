/**
 * The VOMS attributes that a registration asks for, and whether a proxy carries them. Pure.
 *
 * Only attributes that were verified count, and their order does: the first is the primary FQAN, by
 * which services decide what the bearer may do.
 */
import { printable, VoboxError } from '../errors.js'
import type { ChainFacts } from '../proxy/chain-facts.js'
import type { AttributeCertificate } from '../voms/attribute-certificate.js'
import { type AttributeRequest, parseAttributeRequest } from '../voms/attribute-request.js'
import { attributesOfChain } from '../voms/chain-attributes.js'
import { checkGranted } from '../voms/check-granted.js'
import { type Fqan, showFqan, voOfFqan } from '../voms/fqan.js'
import {
  type AttributeRules,
  type JudgedAttributes,
  type VerifiedAttributes,
  verifyAttributes,
} from '../voms/verify-attributes.js'

/** In the order registered; none: a plain proxy. @throws VoboxError `FQAN_INVALID`. */
export function requestsOf(voms: readonly string[]): AttributeRequest[] {
  return voms.map(parseAttributeRequest)
}

/** `VO:FQAN` of what was verified, in its order; just `VO` for the root group, as sites write it. */
export function attributesToRegister(verified: readonly VerifiedAttributes[]): string[] {
  return verified.flatMap(({ ac: { vo, fqans } }) =>
    fqans.map((fqan) => {
      const text = showFqan(fqan)
      return text === `/${vo}` ? vo : `${vo}:${text}`
    }),
  )
}

/**
 * The attributes of a validated chain, verified, when they are those that are registered: each VO
 * and FQAN in that order. Groups that a server adds may follow.
 *
 * @throws VoboxError `RENEWED_ATTRIBUTES_DIFFER`, and what `verifyAttributes` says.
 */
export function acceptAttributes(
  facts: ChainFacts,
  requests: readonly AttributeRequest[],
  rules: AttributeRules,
): readonly VerifiedAttributes[] {
  const { outermost } = attributesOfChain(facts)
  const verified = outermost.map((ac) =>
    verifyAttributes(ac, { ...rules, endEntity: facts.endEntity }),
  )
  if (areAsRequested(outermost, requests)) return verified
  throw differ(requests, outermost)
}

/** The same as a question, of attributes that were judged before. */
export function carryRequested(
  judged: readonly JudgedAttributes[],
  requests: readonly AttributeRequest[],
): boolean {
  const verified = judged.flatMap((one) => ('verified' in one ? [one.verified.ac] : []))
  return verified.length === judged.length && areAsRequested(verified, requests)
}

function areAsRequested(
  acs: readonly AttributeCertificate[],
  requests: readonly AttributeRequest[],
): boolean {
  const wanted = [...byVo(requests)].map(([alias, ofVo], index) =>
    wantedOf(alias, ofVo, acs[index]),
  )
  const vos = [...new Set(acs.map(({ vo }) => vo))]
  if (vos.length !== wanted.length) return false
  return wanted.every(({ vo, fqans }, index) => {
    const granted = acs.filter((ac) => ac.vo === vo)
    return vos[index] === vo && checkGranted(granted, fqans).kind === 'as-asked'
  })
}

/** In the order in which VOs are named first; so is the order of attribute certificates. */
function byVo(requests: readonly AttributeRequest[]): Map<string, AttributeRequest[]> {
  const groups = new Map<string, AttributeRequest[]>()
  for (const request of requests) {
    groups.set(request.vo, [...(groups.get(request.vo) ?? []), request])
  }
  return groups
}

/** An alias of a `vomses` line is not the VO's name; an FQAN, or what came in its place, tells that. */
function wantedOf(
  alias: string,
  requests: readonly AttributeRequest[],
  inPlace: AttributeCertificate | undefined,
): { vo: string; fqans: Fqan[] } {
  const named = requests.find(({ fqan }) => fqan !== undefined)?.fqan
  const vo = named === undefined ? (inPlace?.vo ?? alias) : voOfFqan(named)
  return { vo, fqans: requests.map(({ fqan }) => fqan ?? { group: `/${vo}` }) }
}

function differ(
  requests: readonly AttributeRequest[],
  acs: readonly AttributeCertificate[],
): VoboxError {
  const expected = requests.map(({ vo, fqan }) => (fqan === undefined ? vo : showFqan(fqan)))
  const found = acs.flatMap(({ fqans }) => fqans.map(showFqan))
  const shown = found.length === 0 ? 'nothing' : found.map((one) => printable(one)).join(', ')
  return new VoboxError(
    'RENEWED_ATTRIBUTES_DIFFER',
    `the fresh proxy carries ${shown}, where ${expected.map((one) => printable(one)).join(', ')} is registered`,
    {
      hint: 'Ask the manager of the VO; or register again, in the order that VOMS grants',
      data: { expected, found },
    },
  )
}
