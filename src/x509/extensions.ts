/** Certificate extensions (RFC 5280 §4.2): reading the ones that decide, writing the ones we set. */
import type { KeyObject } from 'node:crypto'
import {
  DerReader,
  derBitString,
  derBoolean,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  encodeDer,
  TAG,
} from '../asn1/der.js'
import { malformed } from '../asn1/malformed.js'
import { OID } from '../asn1/oids.js'
import { constructedContextTag, contextTag } from '../asn1/tags.js'
import { formatIp, parseIp } from './ip-address.js'
import { encodePublicKey, keyIdentifier } from './public-key.js'

/** One extension, its value undecoded (RFC 5280 §4.2). */
export interface CertificateExtension {
  readonly oid: string
  readonly critical: boolean
  /** What is inside the OCTET STRING. */
  readonly value: Uint8Array
}

/** Whether it is a CA, and how many may follow below (RFC 5280 §4.2.1.9). */
export interface BasicConstraints {
  readonly ca: boolean
  /** How many CA certificates may follow below; undefined: no limit. */
  readonly pathLength?: number
}

/** Other names of the subject (RFC 5280 §4.2.1.6). */
export interface SubjectAltNames {
  /** As written; compare without regard to case. */
  readonly dns: readonly string[]
  /** Numeric addresses, IPv6 in its canonical text form. */
  readonly ips: readonly string[]
  /** Whether there are names of other kinds as well. */
  readonly other: boolean
}

/** RFC 5280 §4.2.1.3, in the order of the bits. */
const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

/** What a key may be used for (RFC 5280 §4.2.1.3). */
export type KeyUsage = (typeof KEY_USAGES)[number]

/**
 * Reads `Extensions`. The same extension twice is refused (§4.2). An explicit `critical FALSE` is
 * not DER but stands in certificates that everybody accepts, so we do too.
 */
export function readExtensions(wrapper: DerReader): CertificateExtension[] {
  const list = wrapper.readSequence()
  wrapper.done()
  const extensions: CertificateExtension[] = []
  // A certificate has room for ten thousands of them: not to be compared each with each.
  const seen = new Set<string>()
  while (!list.atEnd()) {
    const entry = list.readSequence()
    const oid = entry.readOid()
    const critical = entry.peekTag() === TAG.boolean ? entry.readBoolean() : false
    const value = entry.readOctetString()
    entry.done()
    if (seen.has(oid)) throw malformed('extension is there twice', { oid })
    seen.add(oid)
    extensions.push({ oid, critical, value })
  }
  return extensions
}

export function encodeExtension({ oid, critical, value }: CertificateExtension): Uint8Array {
  const flag = critical ? [derBoolean(true)] : []
  return derSequence(derOid(oid), ...flag, derOctetString(value))
}

/** Reads the one SEQUENCE that an extension's value is. */
function openSequence(value: Uint8Array): DerReader {
  const outer = new DerReader(value)
  const sequence = outer.readSequence()
  outer.done()
  return sequence
}

export function decodeBasicConstraints(value: Uint8Array): BasicConstraints {
  const sequence = openSequence(value)
  const ca = sequence.peekTag() === TAG.boolean ? sequence.readBoolean() : false
  const pathLength = sequence.atEnd() ? undefined : sequence.readSmallInteger()
  sequence.done()
  return pathLength === undefined ? { ca } : { ca, pathLength }
}

/** Critical, as RFC 5280 §4.2.1.9 demands of CAs. */
export function encodeBasicConstraints({ ca, pathLength }: BasicConstraints): CertificateExtension {
  const flag = ca ? [derBoolean(true)] : []
  const limit = pathLength === undefined ? [] : [derInteger(pathLength)]
  return { oid: OID.basicConstraints, critical: true, value: derSequence(...flag, ...limit) }
}

export function decodeKeyUsage(value: Uint8Array): ReadonlySet<KeyUsage> {
  const outer = new DerReader(value)
  const { bytes } = outer.readBitString()
  outer.done()
  return new Set(
    KEY_USAGES.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0),
  )
}

export function encodeKeyUsage(usages: Iterable<KeyUsage>, critical = true): CertificateExtension {
  const bits = [...usages].map((usage) => KEY_USAGES.indexOf(usage))
  const highest = Math.max(-1, ...bits)
  const bytes = new Uint8Array((highest >> 3) + 1)
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  const unusedBits = highest < 0 ? 0 : 7 - (highest & 7)
  return { oid: OID.keyUsage, critical, value: derBitString(bytes, unusedBits) }
}

export function decodeExtendedKeyUsage(value: Uint8Array): readonly string[] {
  const sequence = openSequence(value)
  const purposes: string[] = []
  while (!sequence.atEnd()) purposes.push(sequence.readOid())
  return purposes
}

export function encodeExtendedKeyUsage(
  purposes: readonly string[],
  critical = false,
): CertificateExtension {
  return { oid: OID.extendedKeyUsage, critical, value: derSequence(...purposes.map(derOid)) }
}

export function decodeSubjectKeyId(value: Uint8Array): Uint8Array {
  const outer = new DerReader(value)
  const identifier = outer.readOctetString()
  outer.done()
  return identifier
}

export function encodeSubjectKeyIdentifier(publicKey: KeyObject): CertificateExtension {
  const value = derOctetString(keyIdentifier(encodePublicKey(publicKey)))
  return { oid: OID.subjectKeyIdentifier, critical: false, value }
}

/** What says who signed (RFC 5280 §4.2.1.1). */
export interface AuthorityKeyIdentifier {
  readonly keyId: Uint8Array | undefined
  /** Of the signer's certificate: who issued that, what is inside the GeneralNames. */
  readonly issuer: Uint8Array | undefined
  /** Of the signer's certificate. */
  readonly serial: Uint8Array | undefined
}

export function decodeAuthorityKeyIdentifier(value: Uint8Array): AuthorityKeyIdentifier {
  const sequence = openSequence(value)
  const keyId = sequence.readOptional(contextTag(0))
  const issuer = sequence.readOptional(constructedContextTag(1))
  const serial = sequence.readOptional(contextTag(2))
  sequence.done()
  return { keyId, issuer, serial }
}

/** The key identifier alone; whom to trust does not depend on what stands beside it. */
export function decodeAuthorityKeyId(value: Uint8Array): Uint8Array | undefined {
  return decodeAuthorityKeyIdentifier(value).keyId
}

/** From the issuer's subject key identifier, or from its key when it has none. */
export function encodeAuthorityKeyIdentifier(issuer: Uint8Array | KeyObject): CertificateExtension {
  const identifier = issuer instanceof Uint8Array ? issuer : keyIdentifier(encodePublicKey(issuer))
  const value = derSequence(encodeDer(contextTag(0), identifier))
  return { oid: OID.authorityKeyIdentifier, critical: false, value }
}

const GENERAL_NAME_DNS = contextTag(2)
const GENERAL_NAME_IP = contextTag(7)

export function decodeSubjectAltNames(value: Uint8Array): SubjectAltNames {
  const sequence = openSequence(value)
  const dns: string[] = []
  const ips: string[] = []
  let other = false
  while (!sequence.atEnd()) {
    const { tag, content } = sequence.readElement()
    const ip = tag === GENERAL_NAME_IP ? formatIp(content) : undefined
    if (tag === GENERAL_NAME_DNS) dns.push(Buffer.from(content).toString('latin1'))
    else if (ip !== undefined) ips.push(ip)
    else other = true
  }
  return { dns, ips, other }
}

/** DNS names and numeric addresses; an address that is none is a `TypeError`. */
export function encodeSubjectAltNames(names: {
  dns?: readonly string[]
  ips?: readonly string[]
}): CertificateExtension {
  const entries = [
    ...(names.dns ?? []).map((name) => encodeDer(GENERAL_NAME_DNS, Buffer.from(name, 'latin1'))),
    ...(names.ips ?? []).map((ip) => encodeDer(GENERAL_NAME_IP, parseIp(ip))),
  ]
  return { oid: OID.subjectAltName, critical: false, value: derSequence(...entries) }
}
