/**
 * Distinguished names (RFC 5280 §4.1.2.4) as the bytes they arrived in.
 *
 * Two names are the same when their DER is the same; nothing is compared by, or parsed from, text.
 * A proxy's issuer must equal its signer's subject byte for byte, and a name that went through text
 * would lose its string types and the order inside its multi-valued parts.
 */
import { attributeType } from '../asn1/attribute-types.js'
import { DerReader, derOid, derSequence, derSet, encodeDer, TAG } from '../asn1/der.js'
import { decodeOid } from '../asn1/oid-codec.js'
import { nameClassicOneLine, nameOneLine } from './name-one-line.js'
import { decodeText, encodeText, type TextEncoding } from './name-text.js'

export { nameHash, nameHashOld } from './name-hash.js'

/** One attribute of a relative distinguished name, in the order of the encoding. */
export interface NameAttribute {
  /** Attribute type, dotted. */
  readonly type: string
  /** The same as it was encoded: content of the OBJECT IDENTIFIER. */
  readonly typeBytes: Uint8Array
  /** Tag of the string type, e.g. `TAG.utf8String`. */
  readonly tag: number
  readonly value: Uint8Array
}

/** A distinguished name, as it was encoded and as it is shown. */
export interface Name {
  /** The SEQUENCE as it arrived. */
  readonly der: Uint8Array
  /** For people and files: OpenSSL 3's one-line form, `/DC=ch/CN=host\/…`. Never parsed back. */
  readonly oneLine: string
  /** The form before OpenSSL 3, `/DC=ch/CN=host/…`: differs only for slashes and multi-valued parts. */
  readonly classicOneLine: string
  /** The attributes, one array for each relative distinguished name. */
  readonly parts: readonly (readonly NameAttribute[])[]
}

class ParsedName implements Name {
  readonly der: Uint8Array
  readonly parts: readonly (readonly NameAttribute[])[]
  #oneLine: string | undefined

  constructor(der: Uint8Array, parts: readonly (readonly NameAttribute[])[]) {
    this.der = der
    this.parts = parts
  }

  get oneLine(): string {
    this.#oneLine ??= nameOneLine(this.parts)
    return this.#oneLine
  }

  get classicOneLine(): string {
    return nameClassicOneLine(this.parts)
  }
}

/** Throws `ASN1_MALFORMED` unless `der` is a name and nothing else. */
export function parseName(der: Uint8Array): Name {
  const outer = new DerReader(der)
  const sequence = outer.readSequence()
  outer.done()
  const parts: NameAttribute[][] = []
  while (!sequence.atEnd()) parts.push(readRelativeName(sequence.readSet()))
  return new ParsedName(der, parts)
}

function readRelativeName(set: DerReader): NameAttribute[] {
  const attributes: NameAttribute[] = []
  do {
    const pair = set.readSequence()
    const typeBytes = pair.read(TAG.oid)
    const { tag, content } = pair.readElement()
    pair.done()
    attributes.push({ type: decodeOid(typeBytes), typeBytes, tag, value: content })
  } while (!set.atEnd())
  return attributes
}

export function sameName(a: Name, b: Name): boolean {
  return a === b || Buffer.compare(a.der, b.der) === 0
}

/** Whether a text that a person wrote down, in either one-line form, is this name. */
export function isNameText(name: Name, text: string): boolean {
  return text === name.oneLine || text === name.classicOneLine
}

export function isEmptyName(name: Name): boolean {
  return name.parts.length === 0
}

/** The name with one more `CN`; everything before it stays byte for byte. */
export function nameWithCommonName(name: Name, commonName: string): Name {
  return parseName(derSequence(nameContent(name), encodeRelativeName([['CN', commonName]])))
}

/**
 * The one common name that `subject` has more than `issuer`; undefined when it differs in any other
 * way (RFC 3820 §3.4).
 */
export function addedCommonName(issuer: Name, subject: Name): string | undefined {
  if (subject.parts.length !== issuer.parts.length + 1) return undefined
  const before = nameContent(issuer)
  if (Buffer.compare(nameContent(subject).subarray(0, before.length), before) !== 0) {
    return undefined
  }
  const added = subject.parts.at(-1) ?? []
  const [attribute] = added
  if (attribute === undefined || added.length !== 1) return undefined
  if (attribute.type !== attributeType('CN')) return undefined
  return decodeText(attribute.tag, attribute.value)
}

/** The parts of a name without the SEQUENCE around them. */
export function nameContent(name: Name): Uint8Array {
  return new DerReader(name.der).read(TAG.sequence)
}

/** Short name of the type (or dotted number), text, and its encoding where OpenSSL's is not wanted. */
export type AttributeText = readonly [type: string, text: string, encoding?: TextEncoding]

/**
 * Builds a name from texts, for CAs, requests and tests; an array of several attributes makes one
 * multi-valued part. An unknown type is a `TypeError`.
 */
export function buildName(parts: readonly (AttributeText | readonly AttributeText[])[]): Name {
  const encoded = parts.map((part) => encodeRelativeName(isOneAttribute(part) ? [part] : part))
  return parseName(derSequence(...encoded))
}

export const EMPTY_NAME: Name = buildName([])

function isOneAttribute(part: AttributeText | readonly AttributeText[]): part is AttributeText {
  return typeof part[0] === 'string'
}

function encodeRelativeName(attributes: readonly AttributeText[]): Uint8Array {
  return derSet(...attributes.map(encodeAttribute))
}

function encodeAttribute([type, text, encoding]: AttributeText): Uint8Array {
  const oid = attributeType(type) ?? (/^[0-9.]+$/.test(type) ? type : undefined)
  if (oid === undefined) throw new TypeError(`unknown attribute type: ${type}`)
  const { tag, bytes } = encodeText(text, encoding ?? defaultEncoding(type, text))
  return derSequence(derOid(oid), encodeDer(tag, bytes))
}

/** Types whose syntax is fixed (RFC 5280 appendix A.1), the way OpenSSL writes them. */
const FIXED_ENCODINGS: Readonly<Record<string, TextEncoding>> = {
  DC: 'ia5',
  emailAddress: 'ia5',
  C: 'printable',
  serialNumber: 'printable',
  dnQualifier: 'printable',
}

/** Digits stay printable, as every tool writes the CN it adds to a proxy. */
function defaultEncoding(type: string, text: string): TextEncoding {
  return FIXED_ENCODINGS[type] ?? (/^[0-9]+$/.test(text) ? 'printable' : 'utf8')
}
