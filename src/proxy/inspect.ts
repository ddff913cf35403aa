/**
 * What is in a proxy file, certificate by certificate, and whether it works: for people who look.
 *
 * Plain values only, so that the report can be written as JSON as it is. A file that cannot be used
 * is described as far as it can be read; the reason stands in the verdict.
 */
import { OID } from '../asn1/oids.js'
import { type ErrorCode, printable, VoboxError } from '../errors.js'
import type { Certificate, KeyUsage } from '../x509/certificate.js'
import type { TrustAnchors } from '../x509/trust-anchors.js'
import { type ChainFacts, describeChain, type ProxyStep } from './chain-facts.js'
import { parseCertificateChain, parseCredential } from './credential.js'
import type { ProxyKind, ProxyPolicy } from './proxy-cert-info.js'
import { type ProxyChainOptions, validateProxyChain } from './validate-proxy-chain.js'
import { type ChainWeakness, chainWeaknesses } from './weaknesses.js'

/** One certificate. Names in OpenSSL's one-line form, times in Unix seconds. */
export interface CertificateReport {
  subject: string
  issuer: string
  role: 'proxy' | 'end-entity' | 'authority' | 'unknown'
  /** Of a proxy. */
  kind?: ProxyKind
  policy?: ProxyPolicy
  /** How many proxies may follow below a proxy; absent: no limit. */
  pathLength?: number
  keyType: 'rsa' | 'ec' | 'other'
  keyBits: number
  /** As OpenSSL spells it, and Node's name of its hash; null when it is not known. */
  signatureAlgorithm: string
  signatureHash: string | null
  notBefore: number
  notAfter: number
  /** Hexadecimal. */
  serial: string
  fingerprintSha256: string
  /** Null: there is no such extension, so every use is allowed. */
  keyUsage: readonly KeyUsage[] | null
  /** Whether it carries VOMS attributes; what they are is not looked at here. */
  carriesAttributes: boolean
}

export type Verdict =
  | { valid: true }
  | { valid: false; code: ErrorCode; message: string; hint: string | null }

export interface CredentialReport {
  /** Leaf first; as they stand in the file when no chain can be made of them. */
  certificates: CertificateReport[]
  /** The chain as a whole; null when there is none. */
  chain: ChainReport | null
  verdict: Verdict
  weaknesses: { kind: ChainWeakness['kind']; subject: string; message: string }[]
}

export interface ChainReport {
  identity: string
  subject: string
  /** Null: a bare end-entity certificate. */
  kind: ProxyKind | null
  policy: ProxyPolicy | null
  limited: boolean
  /** Number of proxy certificates. */
  depth: number
  notBefore: number
  /** When it stops working: the earliest end in the chain, the root included where it is known. */
  effectiveEnd: number
  /** 0 when it is over. */
  secondsLeft: number
  carriesAttributes: boolean
}

export interface Inspection {
  report: CredentialReport
  /** For whoever looks further; undefined where there is no chain. */
  facts: ChainFacts | undefined
}

/**
 * Looks into a proxy file. Never throws for what is in it.
 *
 * @param anchors undefined when there is no trust directory: then nothing is valid.
 */
export function inspectCredential(
  bytes: Uint8Array,
  anchors: TrustAnchors | undefined,
  options: ProxyChainOptions,
): Inspection {
  try {
    const { chain } = parseCredential(bytes)
    const facts = describeChain(chain)
    return { report: reportOn(chain, facts, anchors, options), facts }
  } catch (error) {
    if (!(error instanceof VoboxError)) throw error
    return { report: reportOnUnusable(bytes, error), facts: undefined }
  }
}

/** Permission bits that let anybody but the owner at a key. */
const OTHERS = 0o077

/** The same report on a file of this mode: a key that others can read is nobody's any more. */
export function judgeMode(report: CredentialReport, path: string, mode: number): CredentialReport {
  if (!report.verdict.valid || (mode & OTHERS) === 0) return report
  const octal = mode.toString(8).padStart(4, '0')
  const verdict: Verdict = {
    valid: false,
    code: 'FILE_UNSAFE',
    message: `others can get at its key: the file has mode ${octal}`,
    hint: `chmod 0600 ${printable(path)}`,
  }
  return { ...report, verdict }
}

function reportOn(
  chain: readonly Certificate[],
  facts: ChainFacts,
  anchors: TrustAnchors | undefined,
  options: ProxyChainOptions,
): CredentialReport {
  const { verdict, effectiveEnd } = judge(chain, facts, anchors, options)
  return {
    certificates: chain.map((certificate, index) =>
      certificateReport(certificate, roleAt(index, facts.depth), facts.proxies[index]),
    ),
    chain: {
      identity: facts.identity.oneLine,
      subject: facts.subject.oneLine,
      kind: facts.kind ?? null,
      policy: facts.policy ?? null,
      limited: facts.limited,
      depth: facts.depth,
      notBefore: facts.notBefore,
      effectiveEnd,
      secondsLeft: Math.max(0, effectiveEnd - options.now),
      carriesAttributes: facts.acBytes !== undefined,
    },
    verdict,
    weaknesses: weaknessReports(chain),
  }
}

function judge(
  chain: readonly Certificate[],
  facts: ChainFacts,
  anchors: TrustAnchors | undefined,
  options: ProxyChainOptions,
): { verdict: Verdict; effectiveEnd: number } {
  try {
    if (anchors === undefined) throw noAnchors()
    const { effectiveEnd } = validateProxyChain(chain, anchors, options)
    return { verdict: { valid: true }, effectiveEnd }
  } catch (error) {
    if (!(error instanceof VoboxError)) throw error
    return { verdict: refused(error), effectiveEnd: facts.effectiveEnd }
  }
}

function noAnchors(): VoboxError {
  return new VoboxError('TRUST_ANCHORS_UNREADABLE', 'there are no trust anchors to check against', {
    hint: 'set X509_CERT_DIR to a directory of CA certificates',
  })
}

function refused({ code, message, hint }: VoboxError): Verdict {
  return { valid: false, code, message, hint: hint ?? null }
}

function reportOnUnusable(bytes: Uint8Array, why: VoboxError): CredentialReport {
  let certificates: Certificate[] = []
  try {
    certificates = parseCertificateChain(bytes)
  } catch (error) {
    // Then there is nothing to show, and `why` says so.
    if (!(error instanceof VoboxError)) throw error
  }
  return {
    certificates: certificates.map((certificate) => certificateReport(certificate, 'unknown')),
    chain: null,
    verdict: refused(why),
    weaknesses: weaknessReports(certificates),
  }
}

function roleAt(index: number, depth: number): CertificateReport['role'] {
  if (index < depth) return 'proxy'
  return index === depth ? 'end-entity' : 'authority'
}

function certificateReport(
  certificate: Certificate,
  role: CertificateReport['role'],
  step?: ProxyStep,
): CertificateReport {
  return {
    subject: certificate.subject.oneLine,
    issuer: certificate.issuer.oneLine,
    role,
    ...(step === undefined ? {} : { kind: step.kind, policy: step.policy }),
    ...(step?.pathLength === undefined ? {} : { pathLength: step.pathLength }),
    keyType: certificate.keyType,
    keyBits: certificate.keyBits,
    signatureAlgorithm: certificate.signatureAlgorithm.name,
    signatureHash: certificate.signatureAlgorithm.hash ?? null,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    serial: certificate.serialHex,
    fingerprintSha256: certificate.fingerprintSha256,
    keyUsage: certificate.keyUsage === undefined ? null : [...certificate.keyUsage],
    carriesAttributes: certificate.extension(OID.vomsAcSequence) !== undefined,
  }
}

function weaknessReports(chain: readonly Certificate[]): CredentialReport['weaknesses'] {
  return chainWeaknesses(chain).map(({ kind, certificate, message }) => ({
    kind,
    subject: certificate.subject.oneLine,
    message,
  }))
}
