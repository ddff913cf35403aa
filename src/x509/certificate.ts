/**
 * X.509 certificates (RFC 5280 §4) as immutable views on the bytes they arrived in.
 *
 * Parsed once, strictly, by our own slicer: extensions that decide about trust are decoded at once,
 * so that whoever holds a `Certificate` holds one that parses. Keys, hashes and texts are made when
 * first asked for. Nothing here trusts anything.
 */
import { createHash, type KeyObject } from 'node:crypto'
import { DerReader } from '../asn1/der.js'
import { OID } from '../asn1/oids.js'
import { VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import {
  type BasicConstraints,
  type CertificateExtension,
  decodeAuthorityKeyId,
  decodeBasicConstraints,
  decodeExtendedKeyUsage,
  decodeKeyUsage,
  decodeSubjectAltNames,
  decodeSubjectKeyId,
  type KeyUsage,
  readExtensions,
  type SubjectAltNames,
} from './extensions.js'
import { malformedAs } from './malformed-as.js'
import { type Name, parseName } from './name.js'
import { importPublicKey, type KeyFacts, readKeyFacts } from './public-key.js'
import { serialHexOf } from './serial.js'
import {
  readSignatureAlgorithm,
  type SignatureAlgorithm,
  verifySignature,
} from './signature-algorithms.js'

export type { BasicConstraints, CertificateExtension, KeyUsage, SubjectAltNames }

/** A certificate as it arrived. That it parses says nothing about whether it is trusted. */
export interface Certificate {
  readonly der: Uint8Array
  /** The part that is signed. */
  readonly tbs: Uint8Array
  /** 1, 2 or 3; only version 3 has extensions. */
  readonly version: number
  readonly subject: Name
  readonly issuer: Name
  /** Lower-case, without leading zero octets; two's complement as it was encoded. */
  readonly serialHex: string
  readonly notBefore: UnixSeconds
  readonly notAfter: UnixSeconds
  /** SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Throws `CERTIFICATE_MALFORMED` when the key makes no sense to OpenSSL. */
  readonly publicKey: KeyObject
  readonly keyType: 'rsa' | 'ec' | 'other'
  /** Size of the RSA modulus or of the curve; 0 for other keys. */
  readonly keyBits: number
  readonly extensions: readonly CertificateExtension[]
  /** By its dotted number. */
  extension(oid: string): CertificateExtension | undefined
  readonly basicConstraints: BasicConstraints | undefined
  /** Undefined: no such extension, so every use is allowed. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined
  /** Purposes as dotted numbers. */
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly subjectKeyId: Uint8Array | undefined
  readonly authorityKeyId: Uint8Array | undefined
  readonly subjectAltNames: SubjectAltNames | undefined
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Uint8Array
  /** Lower-case hexadecimal, no colons. */
  readonly fingerprintSha256: string
}

interface TbsFields {
  version: number
  serialHex: string
  issuer: Name
  subject: Name
  notBefore: UnixSeconds
  notAfter: UnixSeconds
  spki: Uint8Array
  extensions: readonly CertificateExtension[]
}

class ParsedCertificate implements Certificate {
  readonly der: Uint8Array
  readonly tbs: Uint8Array
  readonly version: number
  readonly subject: Name
  readonly issuer: Name
  readonly serialHex: string
  readonly notBefore: UnixSeconds
  readonly notAfter: UnixSeconds
  readonly spki: Uint8Array
  readonly keyType: KeyFacts['keyType']
  readonly keyBits: number
  readonly extensions: readonly CertificateExtension[]
  readonly basicConstraints: BasicConstraints | undefined
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly subjectKeyId: Uint8Array | undefined
  readonly authorityKeyId: Uint8Array | undefined
  readonly subjectAltNames: SubjectAltNames | undefined
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Uint8Array
  #publicKey: KeyObject | undefined
  #fingerprint: string | undefined

  constructor(der: Uint8Array) {
    const outer = new DerReader(der)
    const certificate = outer.readSequence()
    outer.done()
    const tbs = certificate.readElement()
    const algorithm = certificate.readElement()
    this.signatureAlgorithm = readSignatureAlgorithm(new DerReader(algorithm.raw).readSequence())
    this.signature = certificate.readBitString().bytes
    certificate.done()
    const fields = readTbs(new DerReader(tbs.raw).readSequence(), algorithm.raw)

    this.der = der
    this.tbs = tbs.raw
    this.version = fields.version
    this.subject = fields.subject
    this.issuer = fields.issuer
    this.serialHex = fields.serialHex
    this.notBefore = fields.notBefore
    this.notAfter = fields.notAfter
    this.spki = fields.spki
    this.extensions = fields.extensions
    const { keyType, keyBits } = readKeyFacts(fields.spki)
    this.keyType = keyType
    this.keyBits = keyBits
    const decode = <T>(oid: string, decoder: (value: Uint8Array) => T): T | undefined => {
      const extension = this.extension(oid)
      return extension === undefined ? undefined : decoder(extension.value)
    }
    this.basicConstraints = decode(OID.basicConstraints, decodeBasicConstraints)
    this.keyUsage = decode(OID.keyUsage, decodeKeyUsage)
    this.extendedKeyUsage = decode(OID.extendedKeyUsage, decodeExtendedKeyUsage)
    this.subjectKeyId = decode(OID.subjectKeyIdentifier, decodeSubjectKeyId)
    this.authorityKeyId = decode(OID.authorityKeyIdentifier, decodeAuthorityKeyId)
    this.subjectAltNames = decode(OID.subjectAltName, decodeSubjectAltNames)
  }

  extension(oid: string): CertificateExtension | undefined {
    return this.extensions.find((extension) => extension.oid === oid)
  }

  get publicKey(): KeyObject {
    this.#publicKey ??= publicKeyOf(this.spki)
    return this.#publicKey
  }

  get fingerprintSha256(): string {
    this.#fingerprint ??= createHash('sha256').update(this.der).digest('hex')
    return this.#fingerprint
  }
}

/** TBSCertificate, RFC 5280 §4.1. The inner algorithm must be the outer one, octet for octet. */
function readTbs(tbs: DerReader, outerAlgorithm: Uint8Array): TbsFields {
  const versionField = tbs.readOptionalContext(0)
  const version = (versionField?.readSmallInteger() ?? 0) + 1
  versionField?.done()
  const serialHex = serialHexOf(tbs.readInteger())
  const algorithm = tbs.readElement().raw
  if (Buffer.compare(algorithm, outerAlgorithm) !== 0) {
    throw new VoboxError('CERTIFICATE_MALFORMED', 'certificate names two signature algorithms')
  }
  const issuer = parseName(tbs.readElement().raw)
  const validity = tbs.readSequence()
  const notBefore = validity.readTime()
  const notAfter = validity.readTime()
  validity.done()
  const subject = parseName(tbs.readElement().raw)
  const spki = tbs.readElement().raw
  if (version >= 2) for (const tag of [0x81, 0x82]) tbs.readOptional(tag)
  const wrapped = version === 3 ? tbs.readOptionalContext(3) : undefined
  const extensions = wrapped === undefined ? [] : readExtensions(wrapped)
  tbs.done()
  if (version > 3) throw new VoboxError('CERTIFICATE_MALFORMED', 'certificate version is unknown')
  return { version, serialHex, issuer, subject, notBefore, notAfter, spki, extensions }
}

function publicKeyOf(spki: Uint8Array): KeyObject {
  try {
    return importPublicKey(spki)
  } catch (cause) {
    throw new VoboxError('CERTIFICATE_MALFORMED', 'public key of the certificate is malformed', {
      cause,
    })
  }
}

/** Throws `CERTIFICATE_MALFORMED` and nothing else. */
export function parseCertificate(der: Uint8Array): Certificate {
  return malformedAs('CERTIFICATE_MALFORMED', 'certificate', () => new ParsedCertificate(der))
}

/** What was found before; neither a certificate nor a key changes. */
const signedBy = new WeakMap<Certificate, WeakMap<KeyObject, boolean>>()

/** Whether `issuerKey` made the signature on `certificate`; an algorithm we do not believe: false. */
export function isSignedBy(certificate: Certificate, issuerKey: KeyObject): boolean {
  const known = signedBy.get(certificate) ?? new WeakMap<KeyObject, boolean>()
  const before = known.get(issuerKey)
  if (before !== undefined) return before
  const { signatureAlgorithm, tbs, signature } = certificate
  const signed = verifySignature(signatureAlgorithm, issuerKey, tbs, signature)
  signedBy.set(certificate, known.set(issuerKey, signed))
  return signed
}
