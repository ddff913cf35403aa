/**
 * The rules that make a chain of proxies one chain (RFC 3820 §3 and §4.1), as far as names and
 * extensions go. Signatures, dates and trust are `validate-proxy-chain.ts`.
 *
 * Stricter than the document in two places: a proxy must not claim to be able to sign certificates,
 * and kinds are not mixed, since every implementation treats such chains differently.
 */
import { OID } from '../asn1/oids.js'
import { VoboxError } from '../errors.js'
import type { Certificate } from '../x509/certificate.js'
import { addedCommonName, isEmptyName, sameName } from '../x509/name.js'
import type { ChainFacts } from './chain-facts.js'
import { PROXY_CERT_INFO_OID } from './proxy-cert-info.js'
import type { ProxyStep } from './proxy-step.js'

/** Why a certificate is no valid proxy; `data.rule` of `PROXY_RULE_BROKEN`. */
export type ProxyRule =
  | 'signer-is-ca'
  | 'signer-has-no-name'
  | 'issuer-is-not-signer'
  | 'subject-is-not-one-name-more'
  | 'alternative-name'
  | 'proxy-is-ca'
  | 'info-not-critical'
  | 'policy-not-understood'
  | 'policy-with-content'
  | 'path-length'
  | 'mixed-kinds'

/** Critical extensions whose meaning is taken care of, here or in `validate-proxy-chain.ts`. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.basicConstraints,
  OID.subjectKeyIdentifier,
  OID.authorityKeyIdentifier,
  ...Object.values(PROXY_CERT_INFO_OID),
])

export function brokenRule(rule: ProxyRule, certificate: Certificate, why: string): VoboxError {
  const subject = certificate.subject.oneLine
  return new VoboxError('PROXY_RULE_BROKEN', `${subject} is not a valid proxy: ${why}`, {
    hint: 'make the proxy anew; if it happens again, the tool that makes it is at fault',
    data: { rule, subject },
  })
}

/**
 * Checks every proxy of the chain against its signer.
 *
 * @throws VoboxError `PROXY_RULE_BROKEN` (`data.rule`), `KEY_USAGE_FORBIDS`,
 *   `EXTENSION_UNKNOWN_CRITICAL`.
 */
export function checkProxyRules(facts: ChainFacts): void {
  const { proxies, endEntity } = facts
  for (const [index, step] of proxies.entries()) {
    const signer = proxies[index + 1]?.certificate ?? endEntity
    checkNames(step.certificate, signer)
    checkExtensions(step.certificate)
    checkPolicy(step)
    if (step.kind !== facts.kind) {
      throw brokenRule('mixed-kinds', step.certificate, `a ${facts.kind} proxy stands below it`)
    }
    // Everything before it in the chain stands below it.
    if (step.pathLength !== undefined && step.pathLength < index) {
      throw brokenRule(
        'path-length',
        step.certificate,
        `it allows ${step.pathLength} further proxies and the chain has ${index}`,
      )
    }
  }
  if (proxies.length > 0) checkSigner(endEntity)
}

/**
 * Whether this end-entity certificate may sign proxies at all: it is no CA, has a name, and its key
 * usage, where it has one, asserts digitalSignature (RFC 3820 §3.1).
 */
export function checkSigner(endEntity: Certificate): void {
  const subject = endEntity.subject.oneLine
  if (endEntity.basicConstraints?.ca) {
    throw new VoboxError('PROXY_RULE_BROKEN', `${subject} is a CA, which must not sign proxies`, {
      data: { rule: 'signer-is-ca', subject },
    })
  }
  if (isEmptyName(endEntity.subject)) {
    throw new VoboxError('PROXY_RULE_BROKEN', 'a certificate without a subject signed a proxy', {
      data: { rule: 'signer-has-no-name', subject },
    })
  }
  requireDigitalSignature(endEntity)
}

function checkNames(proxy: Certificate, signer: Certificate): void {
  if (!sameName(proxy.issuer, signer.subject)) {
    const why = `its issuer is ${proxy.issuer.oneLine}, its signer is ${signer.subject.oneLine}`
    throw brokenRule('issuer-is-not-signer', proxy, why)
  }
  if (addedCommonName(proxy.issuer, proxy.subject) === undefined) {
    const why = `its subject is not that of ${proxy.issuer.oneLine} with one common name more`
    throw brokenRule('subject-is-not-one-name-more', proxy, why)
  }
}

function checkExtensions(proxy: Certificate): void {
  if (proxy.extension(OID.subjectAltName) ?? proxy.extension(OID.issuerAltName)) {
    throw brokenRule('alternative-name', proxy, 'it has an alternative name (RFC 3820 §3.2, §3.5)')
  }
  if (proxy.basicConstraints?.ca || proxy.keyUsage?.has('keyCertSign')) {
    throw brokenRule('proxy-is-ca', proxy, 'it claims to be a CA (RFC 3820 §3.7)')
  }
  for (const oid of Object.values(PROXY_CERT_INFO_OID)) {
    if (proxy.extension(oid)?.critical === false) {
      throw brokenRule('info-not-critical', proxy, 'its ProxyCertInfo is not critical (§3.8)')
    }
  }
  requireDigitalSignature(proxy)
  for (const { oid, critical } of proxy.extensions) {
    if (critical && !UNDERSTOOD.has(oid)) {
      const subject = proxy.subject.oneLine
      throw new VoboxError(
        'EXTENSION_UNKNOWN_CRITICAL',
        `${subject} has a critical extension that is not understood (${oid})`,
        { data: { subject, oid } },
      )
    }
  }
}

function checkPolicy({ certificate, policy, info }: ProxyStep): void {
  if (policy === 'restricted') {
    const why = `its policy language ${info?.policyLanguage} is not understood`
    throw brokenRule('policy-not-understood', certificate, why)
  }
  if (info?.policy !== undefined) {
    const why = `its policy ${policy} takes no text, and it has one (RFC 3820 §3.8.2)`
    throw brokenRule('policy-with-content', certificate, why)
  }
}

/** A proxy signs at least its part of a TLS handshake; key usage binds where it is there. */
function requireDigitalSignature(certificate: Certificate): void {
  if (certificate.keyUsage === undefined || certificate.keyUsage.has('digitalSignature')) return
  const subject = certificate.subject.oneLine
  throw new VoboxError('KEY_USAGE_FORBIDS', `the key usage of ${subject} forbids signing proxies`, {
    hint: 'a certificate for this use has the key usage digitalSignature',
    data: { subject, keyUsage: [...certificate.keyUsage], missing: 'digitalSignature' },
  })
}
