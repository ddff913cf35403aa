/**
 * Whether one certificate is a proxy, of which kind, and what it allows. Nothing is verified here.
 *
 * The two documented kinds say so in an extension. A legacy proxy is recognised as Globus did before
 * there was one: the subject is the issuer's name with `CN=proxy` or `CN=limited proxy` added, and
 * the issuer is no CA.
 */
import { VoboxError } from '../errors.js'
import type { Certificate } from '../x509/certificate.js'
import { addedCommonName } from '../x509/name.js'
import {
  type ExtensionKind,
  PROXY_CERT_INFO_OID,
  type ProxyCertInfo,
  type ProxyKind,
  type ProxyPolicy,
  parseProxyCertInfo,
  policyOfLanguage,
} from './proxy-cert-info.js'

/** One proxy certificate of a chain. */
export interface ProxyStep {
  readonly certificate: Certificate
  readonly kind: ProxyKind
  /** What this certificate says; the rights of a chain are those of its strictest step. */
  readonly policy: ProxyPolicy
  /** How many proxies may follow below this one; absent: no limit. */
  readonly pathLength?: number
  /** The extension; legacy proxies have none. */
  readonly info?: ProxyCertInfo
}

const LEGACY_POLICIES: ReadonlyMap<string | undefined, ProxyPolicy> = new Map([
  ['proxy', 'inherit-all'],
  ['limited proxy', 'limited'],
])

/**
 * The certificate as a proxy, or undefined when it is none.
 *
 * @param issuer the certificate that the chain gives as its signer, where it has one. Without it a
 *   name that looks like a legacy proxy's counts as one, which errs on the side of refusing.
 * @throws VoboxError `CERTIFICATE_MALFORMED` for an extension that does not parse,
 *   `PROXY_RULE_BROKEN` for a certificate that claims to be of two kinds.
 */
export function proxyStepOf(
  certificate: Certificate,
  issuer: Certificate | undefined,
): ProxyStep | undefined {
  const kinds = (Object.keys(PROXY_CERT_INFO_OID) as ExtensionKind[]).filter(
    (kind) => certificate.extension(PROXY_CERT_INFO_OID[kind]) !== undefined,
  )
  const [kind, other] = kinds
  if (other !== undefined) {
    throw new VoboxError(
      'PROXY_RULE_BROKEN',
      `${certificate.subject.oneLine} claims to be a proxy of two kinds`,
      { data: { rule: 'two-kinds', subject: certificate.subject.oneLine } },
    )
  }
  return kind === undefined ? legacyStep(certificate, issuer) : extensionStep(certificate, kind)
}

function extensionStep(certificate: Certificate, kind: ExtensionKind): ProxyStep {
  const info = proxyCertInfoOf(certificate, kind)
  return {
    certificate,
    kind,
    policy: policyOfLanguage(info.policyLanguage),
    ...(info.pathLength === undefined ? {} : { pathLength: info.pathLength }),
    info,
  }
}

function proxyCertInfoOf(certificate: Certificate, kind: ExtensionKind): ProxyCertInfo {
  const value = certificate.extension(PROXY_CERT_INFO_OID[kind])?.value ?? new Uint8Array()
  try {
    return parseProxyCertInfo(value, kind)
  } catch (cause) {
    const subject = certificate.subject.oneLine
    throw new VoboxError('CERTIFICATE_MALFORMED', `ProxyCertInfo of ${subject} is malformed`, {
      data: { subject },
      cause,
    })
  }
}

function legacyStep(
  certificate: Certificate,
  issuer: Certificate | undefined,
): ProxyStep | undefined {
  if (issuer?.basicConstraints?.ca || certificate.basicConstraints?.ca) return undefined
  const policy = LEGACY_POLICIES.get(addedCommonName(certificate.issuer, certificate.subject))
  return policy === undefined ? undefined : { certificate, kind: 'legacy', policy }
}
