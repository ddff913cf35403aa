/**
 * Certificate authorities, users, hosts and proxies for tests, made in memory by our own signer.
 *
 * EC keys by default, since they cost nothing; RSA keys, which do, are made once and kept by label
 * (`kept-key.ts`). Certificates are valid from 2025 to 2044, so that they suit a fake clock as well as real
 * peers; proxies count from the real time unless a test says otherwise.
 */
import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { OID } from '../../src/asn1/oids.js'
import { asUnixSeconds, type UnixSeconds } from '../../src/ports/clock.js'
import type { Credential } from '../../src/proxy/credential.js'
import {
  encodeProxyCertInfo,
  languageOfPolicy,
  PROXY_CERT_INFO_OID,
  type ProxyKind,
  type ProxyPolicy,
} from '../../src/proxy/proxy-cert-info.js'
import {
  type Certificate,
  type CertificateExtension,
  type KeyUsage,
  parseCertificate,
} from '../../src/x509/certificate.js'
import { buildName, type Name, nameWithCommonName } from '../../src/x509/name.js'
import {
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeExtendedKeyUsage,
  encodeKeyUsage,
  encodeSubjectAltNames,
  encodeSubjectKeyIdentifier,
  signCertificate,
} from '../../src/x509/sign-certificate.js'
import { makeTrustAnchors, type TrustAnchors } from '../../src/x509/trust-anchors.js'
import { keptKey } from './kept-key.js'

export type TestKeyKind = 'p256' | 'p384' | 'rsa512' | 'rsa1024' | 'rsa2048'

/** 2025-01-01 to 2044-12-31. */
export const VALID_FROM = asUnixSeconds(Date.UTC(2025, 0, 1) / 1000)
export const VALID_UNTIL = asUnixSeconds(Date.UTC(2044, 11, 31) / 1000)

export const realNow = (): UnixSeconds => asUnixSeconds(Date.now() / 1000)

const rsaKeys = new Map<string, KeyObject>()

/**
 * A private key. EC keys are fresh at every call.
 *
 * @param label RSA keys of the same label are the same key; two certificates of one chain need two.
 */
export function testKey(kind: TestKeyKind = 'p256', label = ''): KeyObject {
  if (kind === 'p256') return ecKey('prime256v1', 'P-256', 32)
  if (kind === 'p384') return ecKey('secp384r1', 'P-384', 48)
  const cached = rsaKeys.get(`${kind} ${label}`)
  if (cached !== undefined) return cached
  const modulusLength = Number(kind.slice(3))
  const make = () => generateKeyPairSync('rsa', { modulusLength }).privateKey
  const key = keptKey(kind, label, make)
  rsaKeys.set(`${kind} ${label}`, key)
  return key
}

/**
 * Not by `generateKeyPairSync`, whose keys can stop a process of Node 20 for ever: reading the details of
 * a key allocates memory under its lock, a collection of garbage that this sets off ends the job which
 * made the key, and that waits for the same lock. Keys of `generateKeyPair` have no such job any more.
 */
function ecKey(curve: string, crv: string, size: number): KeyObject {
  const pair = createECDH(curve)
  const point = pair.generateKeys()
  const scalar = Buffer.concat([Buffer.alloc(size), pair.getPrivateKey()]).subarray(-size)
  const key = {
    kty: 'EC',
    crv,
    x: point.subarray(1, size + 1).toString('base64url'),
    y: point.subarray(size + 1).toString('base64url'),
    d: scalar.toString('base64url'),
  }
  return createPrivateKey({ key, format: 'jwk' })
}

export interface CertificateOptions {
  key?: TestKeyKind | KeyObject
  notBefore?: number
  notAfter?: number
  /** Null: no such extension. */
  keyUsage?: readonly KeyUsage[] | null
  /** Purposes as dotted numbers; null: no such extension. Default: server and client. */
  extendedKeyUsage?: readonly string[] | null
  dns?: readonly string[]
  ips?: readonly string[]
  /** Further extensions. */
  extensions?: readonly CertificateExtension[]
  /** Leave out the subject key identifier, as certificates of some CAs and servers do. */
  withoutKeyIdentifier?: boolean
}

export interface AuthorityOptions extends CertificateOptions {
  name?: Name
  /** Makes an intermediate CA. */
  parent?: TestAuthority
  pathLength?: number
  /** Null: no basic constraints, as in version 1 style roots. */
  ca?: boolean | null
}

/** A CA that issues whatever a test asks for. */
export class TestAuthority {
  readonly certificate: Certificate
  readonly privateKey: KeyObject
  readonly parent: TestAuthority | undefined

  constructor(options: AuthorityOptions = {}) {
    const name =
      options.name ??
      buildName([
        ['DC', 'org'],
        ['DC', 'example'],
        ['CN', 'Test CA'],
      ])
    this.parent = options.parent
    this.privateKey = keyOf(options.key, `authority ${name.oneLine}`)
    const limit = options.pathLength === undefined ? {} : { pathLength: options.pathLength }
    const constraints =
      options.ca === null ? [] : [encodeBasicConstraints({ ca: options.ca ?? true, ...limit })]
    this.certificate = issueCertificate({
      subject: name,
      publicKey: createPublicKey(this.privateKey),
      issuer: this.parent?.certificate ?? name,
      signer: this.parent?.privateKey ?? this.privateKey,
      options: { keyUsage: ['keyCertSign', 'cRLSign'], extendedKeyUsage: null, ...options },
      extensions: constraints,
    })
  }

  get name(): Name {
    return this.certificate.subject
  }

  /** Intermediate CAs from this one upwards, without the root. */
  get chain(): Certificate[] {
    return this.parent === undefined ? [] : [this.certificate, ...this.parent.chain]
  }

  get root(): TestAuthority {
    return this.parent?.root ?? this
  }

  /** An end-entity credential; `name` alone is a common name below `/DC=org/DC=example/OU=Users`. */
  issueUser(name: string | Name, options: CertificateOptions = {}): Credential {
    return this.#issueEndEntity(typeof name === 'string' ? userName(name) : name, options)
  }

  /** A host credential with its name as `dns` alternative name; `dns: []` leaves that out. */
  issueHost(host: string, options: CertificateOptions & { name?: Name } = {}): Credential {
    const name = options.name ?? hostName(host)
    return this.#issueEndEntity(name, { dns: [host], ...options })
  }

  #issueEndEntity(subject: Name, options: CertificateOptions): Credential {
    const privateKey = keyOf(options.key, subject.oneLine)
    const certificate = issueCertificate({
      subject,
      publicKey: createPublicKey(privateKey),
      issuer: this.certificate,
      signer: this.privateKey,
      options,
      extensions: [encodeBasicConstraints({ ca: false })],
    })
    return { privateKey, chain: [certificate, ...this.chain] }
  }
}

/** These CAs as trust anchors, without signing policies or CRLs; for code that takes no directory. */
export function anchorsOf(...authorities: readonly TestAuthority[]): TrustAnchors {
  const certificates = authorities.map(({ certificate }) => certificate)
  return makeTrustAnchors({ certificates }, { allowMissingSigningPolicy: true, now: realNow })
}

export const userName = (commonName: string): Name =>
  buildName([
    ['DC', 'org'],
    ['DC', 'example'],
    ['OU', 'Users'],
    ['CN', commonName],
  ])

export const hostName = (host: string): Name =>
  buildName([
    ['DC', 'org'],
    ['DC', 'example'],
    ['OU', 'Hosts'],
    ['CN', host],
  ])

export interface ProxyOptions {
  kind?: ProxyKind
  /** `restricted` uses a policy language that nobody knows. */
  policy?: ProxyPolicy
  pathLength?: number
  /** What time it is for the issuer; default: the real time. The proxy starts 5 minutes before. */
  now?: number
  /** Lifetime from `now`; default 12. */
  hours?: number
  notBefore?: number
  notAfter?: number
  key?: TestKeyKind | KeyObject
  /** The added common name; default a number, or what legacy proxies are called by. */
  commonName?: string
  /** Instead of the signer's name with the common name. */
  subject?: Name
  /** Instead of the signer's name. */
  issuer?: Name
  /** Null: no such extension. */
  keyUsage?: readonly KeyUsage[] | null
  extensions?: readonly CertificateExtension[]
  /** Instead of the ProxyCertInfo that kind, policy and path length give; null: none. */
  proxyCertInfo?: CertificateExtension | null
  withoutKeyIdentifier?: boolean
  /** Signs instead of the signer's own key. */
  signWith?: KeyObject
}

/** A policy language that nobody understands. */
export const UNKNOWN_POLICY_LANGUAGE = '1.3.6.1.4.1.99999.1.1'

/** A proxy below `signer`: right unless the options make it wrong. Checks nothing. */
export function addProxy(signer: Credential, options: ProxyOptions = {}): Credential {
  const [issuer] = signer.chain
  if (issuer === undefined) throw new TypeError('a signer has a certificate')
  const now = options.now ?? realNow()
  const commonName = options.commonName ?? defaultCommonName(options)
  const subject = options.subject ?? nameWithCommonName(issuer.subject, commonName)
  const privateKey = keyOf(options.key, `proxy ${signer.chain.length} of ${issuer.subject.oneLine}`)
  const info =
    options.proxyCertInfo === undefined ? proxyCertInfoFor(options) : options.proxyCertInfo
  const certificate = issueCertificate({
    subject,
    publicKey: createPublicKey(privateKey),
    issuer: options.issuer ?? issuer.subject,
    signer: options.signWith ?? signer.privateKey,
    options: {
      notBefore: options.notBefore ?? now - 300,
      notAfter: options.notAfter ?? now + (options.hours ?? 12) * 3600,
      keyUsage: options.keyUsage === undefined ? ['digitalSignature'] : options.keyUsage,
      extendedKeyUsage: null,
      withoutKeyIdentifier: options.withoutKeyIdentifier ?? false,
      extensions: options.extensions ?? [],
    },
    extensions: info === null ? [] : [info],
  })
  return { privateKey, chain: [certificate, ...signer.chain] }
}

function defaultCommonName({ kind, policy }: ProxyOptions): string {
  if (kind !== 'legacy') return BigInt(`0x${randomBytes(4).toString('hex')}`).toString()
  return policy === 'limited' ? 'limited proxy' : 'proxy'
}

function proxyCertInfoFor(options: ProxyOptions): CertificateExtension | null {
  const { kind = 'rfc3820', policy = 'inherit-all', pathLength } = options
  if (kind === 'legacy') return null
  const policyLanguage =
    policy === 'restricted' ? UNKNOWN_POLICY_LANGUAGE : languageOfPolicy(policy)
  const info = { policyLanguage, ...(pathLength === undefined ? {} : { pathLength }) }
  const value = encodeProxyCertInfo(info, kind)
  return { oid: PROXY_CERT_INFO_OID[kind], critical: true, value }
}

/** `count` proxies one below the other, all alike. */
export function addProxies(
  signer: Credential,
  count: number,
  options: ProxyOptions = {},
): Credential {
  let credential = signer
  for (let made = 0; made < count; made++) credential = addProxy(credential, options)
  return credential
}

interface Issue {
  subject: Name
  publicKey: KeyObject
  issuer: Certificate | Name
  signer: KeyObject
  options: CertificateOptions
  extensions: readonly CertificateExtension[]
}

function issueCertificate({ options, ...issue }: Issue): Certificate {
  const extensions = [...issue.extensions, ...(options.extensions ?? [])]
  const keyUsage =
    options.keyUsage === undefined ? endEntityUsage(issue.publicKey) : options.keyUsage
  const purposes = options.extendedKeyUsage ?? [OID.serverAuth, OID.clientAuth]
  if (keyUsage !== null) extensions.push(encodeKeyUsage(keyUsage))
  if (options.extendedKeyUsage !== null) extensions.push(encodeExtendedKeyUsage(purposes))
  const { dns = [], ips = [] } = options
  if (dns.length + ips.length > 0) extensions.push(encodeSubjectAltNames({ dns, ips }))
  if (!options.withoutKeyIdentifier) extensions.push(encodeSubjectKeyIdentifier(issue.publicKey))
  const issuerKeyId = 'subject' in issue.issuer ? issue.issuer.subjectKeyId : undefined
  if (issuerKeyId !== undefined) extensions.push(encodeAuthorityKeyIdentifier(issuerKeyId))
  const template = {
    serial: positiveSerial(),
    issuer: 'subject' in issue.issuer ? issue.issuer.subject : issue.issuer,
    subject: issue.subject,
    notBefore: asUnixSeconds(options.notBefore ?? VALID_FROM),
    notAfter: asUnixSeconds(options.notAfter ?? VALID_UNTIL),
    publicKey: issue.publicKey,
    extensions,
  }
  return parseCertificate(signCertificate(template, issue.signer))
}

function endEntityUsage(publicKey: KeyObject): readonly KeyUsage[] {
  return publicKey.asymmetricKeyType === 'rsa'
    ? ['digitalSignature', 'keyEncipherment']
    : ['digitalSignature']
}

function positiveSerial(): Uint8Array {
  const serial = randomBytes(8)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return serial
}

function keyOf(key: TestKeyKind | KeyObject | undefined, label: string): KeyObject {
  return typeof key === 'object' ? key : testKey(key, label)
}
