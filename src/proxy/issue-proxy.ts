/**
 * Issues RFC 3820 proxies: the signer's half of every delegation, and of the machine proxy.
 *
 * What comes out never says more than the signer could: it ends no later than anything in the
 * signer's chain, a limited signer makes limited proxies, key usage only shrinks. It is signed with
 * SHA-256 whatever the signer's own certificate was signed with, and carries a subject key
 * identifier, without which the C VOMS client silently cannot sign a further proxy with it.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { OID } from '../asn1/oids.js'
import { VoboxError } from '../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import type { Random } from '../ports/random.js'
import {
  type Certificate,
  type CertificateExtension,
  type KeyUsage,
  parseCertificate,
} from '../x509/certificate.js'
import { nameWithCommonName } from '../x509/name.js'
import { checkValidity } from '../x509/path-rules.js'
import { keysMatch } from '../x509/private-key.js'
import {
  encodeAuthorityKeyIdentifier,
  encodeKeyUsage,
  encodeSubjectKeyIdentifier,
  signCertificate,
} from '../x509/sign-certificate.js'
import { type ChainFacts, describeChain } from './chain-facts.js'
import type { Credential } from './credential.js'
import {
  encodeProxyCertInfo,
  languageOfPolicy,
  PROXY_CERT_INFO_OID,
  type ProxyPolicy,
} from './proxy-cert-info.js'
import { brokenRule, checkProxyRules, checkSigner } from './proxy-rules.js'

/** Policies that we issue. */
export type IssuedPolicy = Exclude<ProxyPolicy, 'restricted'>

export interface ProxyRequest {
  signer: Credential
  /** Key of the new proxy: RSA with {@link minRsaBits} or more, or one of the NIST curves. */
  publicKey: KeyObject
  /** Default 2048. */
  minRsaBits?: number | undefined
  /** End asked for; cut to the end of the signer's chain. */
  notAfter: UnixSeconds
  now: UnixSeconds
  random: Random
  /** Default `inherit-all`; `limited` whatever is asked below a limited signer. */
  policy?: IssuedPolicy | undefined
  /** How many proxies may follow below the new one; absent: no limit. */
  pathLength?: number | undefined
  /** Further extensions, such as attribute certificates. None that this file sets itself. */
  extensions?: readonly CertificateExtension[] | undefined
}

/** Peers' clocks differ: validity starts that much in the past, as in what Globus and VOMS issue. */
export const BACKDATE_SECONDS = 300

/** Positive and never zero, at most 63 bits, so that the common name stays short. */
const SERIAL_BYTES = 8

const MIN_RSA_BITS = 2048

/** P-256, P-384 and P-521: what TLS peers take. */
const CURVES: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

/**
 * Signs a proxy certificate for `publicKey`.
 *
 * @throws VoboxError `PROXY_RULE_BROKEN` (a CA as signer, path length exhausted, a rule broken
 *   above), `PROXY_KIND_REFUSED` (a legacy or draft signer), `PROXY_LIMITED` (an independent proxy
 *   asked of a limited signer), `CHAIN_EXPIRED`, `CHAIN_NOT_YET_VALID`, `KEY_USAGE_FORBIDS`,
 *   `KEY_TOO_WEAK`, `PROXY_KEY_MISMATCH`.
 */
export function issueProxy(request: ProxyRequest): Certificate {
  const facts = describeChain(request.signer.chain)
  const signer = facts.proxies[0]?.certificate ?? facts.endEntity
  checkCanSign(facts, signer, request)
  checkNewKey(request)
  const serial = randomSerial(request)
  const template = {
    serial,
    issuer: signer.subject,
    subject: nameWithCommonName(signer.subject, serialText(serial)),
    notBefore: asUnixSeconds(Math.max(request.now - BACKDATE_SECONDS, signer.notBefore)),
    notAfter: asUnixSeconds(Math.min(request.notAfter, facts.effectiveEnd)),
    publicKey: request.publicKey,
    extensions: proxyExtensions(request, facts, signer),
  }
  return parseCertificate(signCertificate(template, request.signer.privateKey))
}

function checkCanSign(facts: ChainFacts, signer: Certificate, request: ProxyRequest): void {
  if (facts.kind !== undefined && facts.kind !== 'rfc3820') {
    throw new VoboxError(
      'PROXY_KIND_REFUSED',
      `${signer.subject.oneLine} is a ${facts.kind} proxy, which cannot sign RFC 3820 proxies`,
      {
        hint: 'make an RFC 3820 proxy with vobox-proxy proxy-init',
        data: { kind: facts.kind, subject: signer.subject.oneLine },
      },
    )
  }
  checkSigner(facts.endEntity)
  checkProxyRules(facts)
  for (const [index, { certificate, pathLength }] of facts.proxies.entries()) {
    if (pathLength !== undefined && pathLength <= index) {
      throw brokenRule('path-length', certificate, `it allows only ${pathLength} proxies below it`)
    }
  }
  if (facts.limited && request.policy === 'independent') {
    throw new VoboxError('PROXY_LIMITED', 'a limited proxy signs limited proxies only', {
      data: { subject: signer.subject.oneLine, policy: request.policy },
    })
  }
  if (!keysMatch(request.signer.privateKey, signer.publicKey)) {
    throw new VoboxError('PROXY_KEY_MISMATCH', 'the signing key is not that of its certificate', {
      data: { subjects: [signer.subject.oneLine] },
    })
  }
  for (const certificate of request.signer.chain) checkValidity(certificate, request.now)
  if (request.notAfter <= request.now) throw new TypeError('a proxy must end in the future')
}

function checkNewKey({ publicKey, signer, minRsaBits = MIN_RSA_BITS }: ProxyRequest): void {
  const { asymmetricKeyType: keyType, asymmetricKeyDetails: details } = publicKey
  const strong =
    keyType === 'rsa'
      ? (details?.modulusLength ?? 0) >= minRsaBits
      : CURVES.has(details?.namedCurve)
  if (!strong) {
    throw new VoboxError('KEY_TOO_WEAK', 'the key of the new proxy is not one to rely on', {
      hint: `use RSA with at least ${minRsaBits} bits, or P-256`,
      data: { keyType, keyBits: details?.modulusLength, curve: details?.namedCurve },
    })
  }
  if (publicKey.equals(createPublicKey(signer.privateKey))) {
    throw new VoboxError('PROXY_KEY_MISMATCH', 'a proxy needs a key of its own')
  }
}

function randomSerial({ random }: ProxyRequest): Uint8Array {
  const serial = Uint8Array.from(random.bytes(SERIAL_BYTES))
  serial[0] = (serial[0] ?? 0) & 0x7f
  if (serial.every((octet) => octet === 0)) serial[SERIAL_BYTES - 1] = 1
  return serial
}

/** The common name is the serial number in decimal, as the tools of the field write it. */
function serialText(serial: Uint8Array): string {
  return BigInt(`0x${Buffer.from(serial).toString('hex')}`).toString()
}

/** What this file sets, or RFC 3820 forbids in a proxy. */
export const RESERVED_PROXY_EXTENSIONS: ReadonlySet<string> = new Set([
  OID.subjectKeyIdentifier,
  OID.authorityKeyIdentifier,
  OID.keyUsage,
  OID.basicConstraints,
  OID.subjectAltName,
  OID.issuerAltName,
  ...Object.values(PROXY_CERT_INFO_OID),
])

function proxyExtensions(
  request: ProxyRequest,
  facts: ChainFacts,
  signer: Certificate,
): CertificateExtension[] {
  const policy = facts.limited ? 'limited' : (request.policy ?? 'inherit-all')
  const info = {
    policyLanguage: languageOfPolicy(policy),
    ...(request.pathLength === undefined ? {} : { pathLength: request.pathLength }),
  }
  const own = [
    { oid: PROXY_CERT_INFO_OID.rfc3820, critical: true, value: encodeProxyCertInfo(info) },
    encodeKeyUsage(proxyKeyUsage(request.publicKey, signer)),
    encodeSubjectKeyIdentifier(request.publicKey),
    ...(signer.subjectKeyId === undefined
      ? []
      : [encodeAuthorityKeyIdentifier(signer.subjectKeyId)]),
  ]
  const further = request.extensions ?? []
  const reserved = further.find(({ oid }) => RESERVED_PROXY_EXTENSIONS.has(oid))
  if (reserved !== undefined) throw new TypeError(`extension ${reserved.oid} is not the caller's`)
  return [...own, ...further]
}

/** An EC key cannot encipher keys; what the signer may not do, its proxy may not do either. */
function proxyKeyUsage(publicKey: KeyObject, signer: Certificate): KeyUsage[] {
  const wanted: KeyUsage[] =
    publicKey.asymmetricKeyType === 'rsa'
      ? ['digitalSignature', 'keyEncipherment']
      : ['digitalSignature']
  return wanted.filter((usage) => signer.keyUsage === undefined || signer.keyUsage.has(usage))
}
