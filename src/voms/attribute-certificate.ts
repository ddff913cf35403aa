/**
 * Attribute certificates (RFC 5755 §4.1) as VOMS servers write them, as views on their bytes.
 *
 * **Nothing here is verified.** What an `AttributeCertificate` says is what somebody wrote; only
 * `verify-attributes.ts` turns it into attributes that may be believed, which are another type.
 */
import { DerReader, TAG } from '../asn1/der.js'
import { malformed } from '../asn1/malformed.js'
import { OID } from '../asn1/oids.js'
import { isVoboxError, VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { Certificate } from '../x509/certificate.js'
import {
  type CertificateExtension,
  decodeAuthorityKeyId,
  readExtensions,
} from '../x509/extensions.js'
import { malformedAs } from '../x509/malformed-as.js'
import type { Name } from '../x509/name.js'
import { serialHexOf } from '../x509/serial.js'
import { readSignatureAlgorithm, type SignatureAlgorithm } from '../x509/signature-algorithms.js'
import {
  decodeGenericAttributes,
  decodeIssuerCertificates,
  decodeTargets,
  type GenericAttribute,
} from './ac-extensions.js'
import type { Fqan } from './fqan.js'
import { readDirectoryName } from './general-names.js'
import {
  type GrantedAttributes,
  readGrantedAttributes,
  type VomsAuthority,
} from './policy-authority.js'

export type { GenericAttribute } from './ac-extensions.js'

export interface AttributeCertificate extends VomsAuthority {
  /** As received; embed this. */
  readonly der: Uint8Array
  /** The part that is signed. */
  readonly tbs: Uint8Array
  /**
   * Name and serial number of the holder's certificate. RFC 5755 §4.2.2 wants the name of its
   * *issuer*; VOMS servers write its *subject* unless they were told otherwise.
   */
  readonly holderName: Name
  /** Content of the INTEGER, and the same as `Certificate.serialHex`. */
  readonly holderSerial: Uint8Array
  readonly holderSerialHex: string
  /** Subject of the VOMS server's certificate. */
  readonly issuer: Name
  readonly serial: Uint8Array
  readonly serialHex: string
  readonly notBefore: UnixSeconds
  readonly notAfter: UnixSeconds
  /** In the order of the server: the first is the primary FQAN. */
  readonly fqans: readonly Fqan[]
  /** The same as the server wrote them, with their `NULL` parts or without. */
  readonly fqanTexts: readonly string[]
  /** Whether it is meant for certain hosts alone; the list may be empty, and then it is for none. */
  readonly targeted: boolean
  readonly targets: readonly string[]
  readonly genericAttributes: readonly GenericAttribute[]
  /** What the server put in, its own certificate first as a rule. Nothing in it is trusted. */
  readonly issuerCertificates: readonly Certificate[]
  readonly authorityKeyId: Uint8Array | undefined
  readonly extensions: readonly CertificateExtension[]
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Uint8Array
}

/** @throws VoboxError `VOMS_AC_MALFORMED` and nothing else. */
export function parseAttributeCertificate(der: Uint8Array): AttributeCertificate {
  return asMalformedAc(() => readAttributeCertificate(der))
}

/** Runs `parse` and reports everything malformed inside as `VOMS_AC_MALFORMED`. */
export function asMalformedAc<T>(parse: () => T): T {
  try {
    return malformedAs('VOMS_AC_MALFORMED', 'attribute certificate', parse)
  } catch (cause) {
    if (!isVoboxError(cause, 'CERTIFICATE_MALFORMED')) throw cause
    const message = `attribute certificate is malformed: ${cause.message}`
    throw new VoboxError('VOMS_AC_MALFORMED', message, { data: cause.data, cause })
  }
}

function readAttributeCertificate(der: Uint8Array): AttributeCertificate {
  const outer = new DerReader(der)
  const certificate = outer.readSequence()
  outer.done()
  const tbs = certificate.readElement().raw
  const algorithm = certificate.readElement().raw
  const signatureAlgorithm = readSignatureAlgorithm(new DerReader(algorithm).readSequence())
  const signature = certificate.readBitString().bytes
  certificate.done()
  const info = readInfo(new DerReader(tbs).readSequence(), algorithm)
  return { der, tbs, ...info, signatureAlgorithm, signature }
}

type Info = Omit<AttributeCertificate, 'der' | 'tbs' | 'signatureAlgorithm' | 'signature'>

/** AttributeCertificateInfo; only version 2, which is written as 1. */
function readInfo(info: DerReader, outerAlgorithm: Uint8Array): Info {
  if (info.readSmallInteger() !== 1) throw malformed('attribute certificate version is unknown')
  const holder = readHolder(info.readSequence())
  const issuer = readIssuer(info)
  if (Buffer.compare(info.readElement().raw, outerAlgorithm) !== 0) {
    throw malformed('attribute certificate names two signature algorithms')
  }
  const serial = info.readInteger()
  const validity = info.readSequence()
  const notBefore = readGeneralizedTime(validity)
  const notAfter = readGeneralizedTime(validity)
  validity.done()
  const granted = readAttributes(info.readSequence())
  info.readOptional(TAG.bitString)
  const extensions = info.atEnd() ? [] : readExtensions(info)
  return {
    ...holder,
    issuer,
    serial,
    serialHex: serialHexOf(serial),
    notBefore,
    notAfter,
    ...granted,
    ...decodeExtensions(extensions),
  }
}

/** Holder, §4.2.2: by baseCertificateID alone. */
function readHolder(holder: DerReader) {
  const base = holder.readOptionalContext(0)
  if (base === undefined) throw malformed('holder is not named by a certificate')
  holder.done()
  const holderName = readDirectoryName(base.readSequence())
  const holderSerial = base.readInteger()
  base.readOptional(TAG.bitString)
  base.done()
  return { holderName, holderSerial, holderSerialHex: serialHexOf(holderSerial) }
}

/** AttCertIssuer, §4.2.3: v2Form with one distinguished name and nothing else. */
function readIssuer(info: DerReader): Name {
  const form = info.readOptionalContext(0)
  if (form === undefined) throw malformed('issuer is not in the v2 form')
  const name = readDirectoryName(form.readSequence())
  form.done()
  return name
}

/** §4.2.6: GeneralizedTime, whatever the year. */
function readGeneralizedTime(validity: DerReader): UnixSeconds {
  if (validity.peekTag() !== TAG.generalizedTime) throw malformed('validity is no GeneralizedTime')
  return validity.readTime()
}

/** The one attribute of VOMS, with one value; attributes of other types say nothing to us. */
function readAttributes(attributes: DerReader): GrantedAttributes {
  let granted: GrantedAttributes | undefined
  while (!attributes.atEnd()) {
    const attribute = attributes.readSequence()
    const oid = attribute.readOid()
    const values = attribute.readSet()
    attribute.done()
    if (oid !== OID.vomsAttributes) continue
    if (granted !== undefined) throw malformed('attributes of VOMS are there twice')
    granted = readGrantedAttributes(values.readSequence())
    values.done()
  }
  if (granted === undefined) throw malformed('attributes of VOMS are missing')
  return granted
}

function decodeExtensions(extensions: readonly CertificateExtension[]) {
  const decode = <T>(oid: string, decoder: (value: Uint8Array) => T): T | undefined => {
    const extension = extensions.find((one) => one.oid === oid)
    return extension === undefined ? undefined : decoder(extension.value)
  }
  const targets = decode(OID.targetInformation, decodeTargets)
  return {
    extensions,
    targeted: targets !== undefined,
    targets: targets ?? [],
    genericAttributes: decode(OID.vomsGenericAttributes, decodeGenericAttributes) ?? [],
    issuerCertificates: decode(OID.vomsIssuerCertificates, decodeIssuerCertificates) ?? [],
    authorityKeyId: decode(OID.authorityKeyIdentifier, decodeAuthorityKeyId),
  }
}
