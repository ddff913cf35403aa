/**
 * Extensions for a certificate from a text of the administrator's: `certificate_extfile`,
 * `proxy_extfile`, or what `…_extapp` prints.
 *
 * A subset of what OpenSSL knows, in its syntax and to its bytes; what is not known is refused by
 * line, and so is what would make the certificate a CA or a proxy, which OpenSSL would encode.
 */
import {
  derBoolean,
  derIa5String,
  derInteger,
  derNull,
  derOid,
  derPrintableString,
  derUtf8String,
  readSingleElement,
} from '../../../asn1/der.js'
import { OID } from '../../../asn1/oids.js'
import { isVoboxError } from '../../../errors.js'
import { PROXY_CERT_INFO_OID } from '../../../proxy/proxy-cert-info.js'
import {
  type CertificateExtension,
  decodeBasicConstraints,
  decodeKeyUsage,
} from '../../../x509/extensions.js'
import {
  DEFAULT_SECTION,
  type ExtensionLine,
  type ExtensionText,
  extensionInvalid,
  splitValue,
} from './extension-text.js'
import { type ExtensionSubject, KNOWN_EXTENSIONS } from './known-extensions.js'

const MAX_EXTENSIONS = 100

/**
 * @param where the file or the program that the text came from, for messages.
 * @returns in the order of the lines; none for a text without any.
 * @throws `CONFIG_INVALID` with `data.path` and `data.line`.
 */
export function compileExtensions(
  text: ExtensionText,
  where: string,
  about: ExtensionSubject,
): CertificateExtension[] {
  const compiled: CertificateExtension[] = []
  const lines = text.get(DEFAULT_SECTION) ?? []
  for (const line of lines.slice(0, MAX_EXTENSIONS)) {
    const extension = compileLine(text, line, where, about)
    if (compiled.some(({ oid }) => oid === extension.oid)) {
      throw extensionInvalid(where, line.line, `${line.name} is there twice`)
    }
    compiled.push(extension)
  }
  if (lines.length > MAX_EXTENSIONS) throw extensionInvalid(where, 1, 'has too many extensions')
  return compiled
}

function compileLine(
  text: ExtensionText,
  line: ExtensionLine,
  where: string,
  about: ExtensionSubject,
): CertificateExtension {
  try {
    const [, flag, value = ''] = /^(critical\s*,)?\s*([\s\S]*)$/.exec(line.value) ?? []
    const known = Object.hasOwn(KNOWN_EXTENSIONS, line.name)
      ? KNOWN_EXTENSIONS[line.name]
      : undefined
    const generic = genericValue(value)
    const oid = known?.oid ?? (generic && dotted(line.name))
    if (oid === undefined) throw new RangeError('is no extension that is known here')
    const encoded = generic ?? known?.encode(splitValue(value), { ...about, text }, value)
    if (encoded === undefined) throw new RangeError('has no value')
    const extension = { oid, critical: flag !== undefined, value: encoded }
    refusePower(extension)
    return extension
  } catch (error) {
    if (isVoboxError(error) || isMisuse(error)) {
      throw extensionInvalid(where, line.line, `${line.name}: ${error.message}`)
    }
    throw error
  }
}

/** What encoders and `BigInt` throw of a text that is none of theirs. */
function isMisuse(error: unknown): error is Error {
  return [RangeError, TypeError, SyntaxError].some((kind) => error instanceof kind)
}

function dotted(name: string): string | undefined {
  return /^[0-2](\.[0-9]+)+$/.test(name) ? name : undefined
}

const ASN1_TYPES: Readonly<Record<string, (text: string) => Uint8Array>> = {
  UTF8: derUtf8String,
  UTF8STRING: derUtf8String,
  IA5: derIa5String,
  IA5STRING: derIa5String,
  PRINTABLE: derPrintableString,
  PRINTABLESTRING: derPrintableString,
  OID: derOid,
  OBJECT: derOid,
  NULL: derNull,
  BOOL: (text) => derBoolean(/^(true|yes|y)$/i.test(text)),
  BOOLEAN: (text) => derBoolean(/^(true|yes|y)$/i.test(text)),
  INT: (text) => derInteger(BigInt(text)),
  INTEGER: (text) => derInteger(BigInt(text)),
}

/** `DER:05:00` or `ASN1:UTF8String:Some text`; undefined for anything else. */
function genericValue(value: string): Uint8Array | undefined {
  const hex = /^DER:([0-9A-Fa-f:\s]*)$/.exec(value)?.[1]?.replace(/[:\s]/g, '')
  if (hex !== undefined) {
    if (hex.length % 2 !== 0) throw new RangeError('has an odd number of digits')
    return readSingleElement(Buffer.from(hex, 'hex')).raw
  }
  const [, type, text = ''] = /^ASN1:([A-Za-z0-9]+)(?::([\s\S]*))?$/.exec(value) ?? []
  if (type === undefined) return undefined
  const name = type.toUpperCase()
  const encode = Object.hasOwn(ASN1_TYPES, name) ? ASN1_TYPES[name] : undefined
  if (encode === undefined) throw new RangeError(`"${type}" is no type that is known here`)
  return encode(text)
}

/** Who is issued a certificate is given no power to issue more. */
function refusePower({ oid, value }: CertificateExtension): void {
  if (oid === OID.basicConstraints && decodeBasicConstraints(value).ca) {
    throw new RangeError('it would make another CA')
  }
  if (oid === OID.keyUsage) {
    const usages = decodeKeyUsage(value)
    if (usages.has('keyCertSign') || usages.has('cRLSign')) {
      throw new RangeError('it would make another CA')
    }
  }
  if (Object.values(PROXY_CERT_INFO_OID).some((proxy) => proxy === oid)) {
    throw new RangeError('it would make a proxy certificate')
  }
}
