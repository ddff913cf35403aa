/** The extensions that an extension file can name, and how `x509v3_config(5)` says they are encoded. */
import type { KeyObject } from 'node:crypto'
import {
  DerReader,
  derBitString,
  derContext,
  derIa5String,
  derInteger,
  derOid,
  derSequence,
  encodeDer,
  TAG,
} from '../../../asn1/der.js'
import { OID } from '../../../asn1/oids.js'
import { contextTag } from '../../../asn1/tags.js'
import type { Certificate } from '../../../x509/certificate.js'
import {
  encodeBasicConstraints,
  encodeExtendedKeyUsage,
  encodeKeyUsage,
  encodeSubjectKeyIdentifier,
  type KeyUsage,
} from '../../../x509/extensions.js'
import { type ExtensionLine, type ExtensionText, splitValue } from './extension-text.js'
import { encodeGeneralName } from './general-names.js'

/** What some extensions speak of. */
export interface ExtensionSubject {
  publicKey: KeyObject
  issuer: Certificate
}

export interface ExtensionScope extends ExtensionSubject {
  /** For values that point to a section. */
  text: ExtensionText
}

type Item = ReturnType<typeof splitValue>[number]

interface KnownExtension {
  oid: string
  /** @throws `RangeError` or `TypeError` with what is wrong. */
  encode(items: Item[], scope: ExtensionScope, value: string): Uint8Array
}

const KEY_USAGES: Readonly<Record<string, KeyUsage>> = {
  digitalSignature: 'digitalSignature',
  'Digital Signature': 'digitalSignature',
  nonRepudiation: 'nonRepudiation',
  'Non Repudiation': 'nonRepudiation',
  keyEncipherment: 'keyEncipherment',
  'Key Encipherment': 'keyEncipherment',
  dataEncipherment: 'dataEncipherment',
  'Data Encipherment': 'dataEncipherment',
  keyAgreement: 'keyAgreement',
  'Key Agreement': 'keyAgreement',
  encipherOnly: 'encipherOnly',
  'Encipher Only': 'encipherOnly',
  decipherOnly: 'decipherOnly',
  'Decipher Only': 'decipherOnly',
}

const PURPOSES: Readonly<Record<string, string>> = {
  serverAuth: OID.serverAuth,
  clientAuth: OID.clientAuth,
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  msSmartcardLogin: '1.3.6.1.4.1.311.20.2.2',
  msEFS: '1.3.6.1.4.1.311.10.3.4',
  anyExtendedKeyUsage: OID.anyExtendedKeyUsage,
}

const ACCESS_METHODS: Readonly<Record<string, string>> = {
  OCSP: '1.3.6.1.5.5.7.48.1',
  caIssuers: '1.3.6.1.5.5.7.48.2',
}

/** Bits of Netscape's own, in their order; the last three make a CA. */
const NETSCAPE_TYPES = ['client', 'server', 'email', 'objsign', 'reserved']

const CPS_POINTER = '1.3.6.1.5.5.7.2.1'

export const KNOWN_EXTENSIONS: Readonly<Record<string, KnownExtension>> = {
  keyUsage: {
    oid: OID.keyUsage,
    encode: (items) => encodeKeyUsage(items.map((item) => oneOf(KEY_USAGES, item))).value,
  },
  extendedKeyUsage: {
    oid: OID.extendedKeyUsage,
    encode: (items) => encodeExtendedKeyUsage(items.map((item) => oidOf(PURPOSES, item))).value,
  },
  basicConstraints: { oid: OID.basicConstraints, encode: basicConstraints },
  subjectKeyIdentifier: { oid: OID.subjectKeyIdentifier, encode: subjectKeyIdentifier },
  authorityKeyIdentifier: { oid: OID.authorityKeyIdentifier, encode: authorityKeyIdentifier },
  subjectAltName: { oid: OID.subjectAltName, encode: alternativeNames },
  issuerAltName: { oid: OID.issuerAltName, encode: alternativeNames },
  crlDistributionPoints: { oid: OID.crlDistributionPoints, encode: distributionPoints },
  certificatePolicies: { oid: OID.certificatePolicies, encode: policies },
  authorityInfoAccess: { oid: '1.3.6.1.5.5.7.1.1', encode: accessDescriptions },
  nsCertType: { oid: '2.16.840.1.113730.1.1', encode: netscapeType },
  nsComment: { oid: '2.16.840.1.113730.1.13', encode: netscapeText },
  nsBaseUrl: { oid: '2.16.840.1.113730.1.2', encode: netscapeText },
  nsRevocationUrl: { oid: '2.16.840.1.113730.1.3', encode: netscapeText },
  nsCaRevocationUrl: { oid: '2.16.840.1.113730.1.4', encode: netscapeText },
  nsCaPolicyUrl: { oid: '2.16.840.1.113730.1.8', encode: netscapeText },
}

function oneOf<T>(table: Readonly<Record<string, T>>, { name, argument }: Item): T {
  const found = Object.hasOwn(table, name) ? table[name] : undefined
  if (found === undefined || argument !== undefined) throw new RangeError(`"${name}" is not known`)
  return found
}

function oidOf(table: Readonly<Record<string, string>>, item: Item): string {
  return /^[0-9]+(\.[0-9]+)+$/.test(item.name) ? item.name : oneOf(table, item)
}

/** The lines of `[name]`. */
function sectionOf({ text }: ExtensionScope, name: string): readonly ExtensionLine[] {
  const section = text.get(name)
  if (section === undefined) throw new RangeError(`there is no section [${name}]`)
  return section
}

function basicConstraints(items: Item[]): Uint8Array {
  const [item] = items
  if (items.length !== 1 || item?.name.toUpperCase() !== 'CA' || item.argument === undefined) {
    throw new RangeError('only CA:FALSE is known')
  }
  if (!/^(false|n|no)$/i.test(item.argument)) throw new RangeError('it would make another CA')
  return encodeBasicConstraints({ ca: false }).value
}

function subjectKeyIdentifier(items: Item[], { publicKey }: ExtensionScope): Uint8Array {
  if (items.length !== 1 || items[0]?.name !== 'hash') throw new RangeError('only hash is known')
  return encodeSubjectKeyIdentifier(publicKey).value
}

function authorityKeyIdentifier(items: Item[], { issuer }: ExtensionScope): Uint8Array {
  const wish = (name: string) => items.find((item) => item.name === name)
  const odd = items.find(
    ({ name, argument }) =>
      !['keyid', 'issuer'].includes(name) || ![undefined, 'always'].includes(argument),
  )
  if (odd !== undefined) throw new RangeError(`"${odd.name}" is not known`)
  const keyId = wish('keyid') && issuer.subjectKeyId
  if (wish('keyid')?.argument === 'always' && keyId === undefined) {
    throw new RangeError('the CA certificate has no key identifier')
  }
  const byName = wish('issuer')
  const named = byName !== undefined && (byName.argument === 'always' || keyId === undefined)
  const serial = derInteger(Buffer.from(evenHex(issuer.serialHex), 'hex'))
  return derSequence(
    ...(keyId === undefined ? [] : [encodeDer(contextTag(0), keyId)]),
    ...(named ? [derContext(1, derContext(4, issuer.issuer.der))] : []),
    ...(named ? [encodeDer(contextTag(2), new DerReader(serial).read(TAG.integer))] : []),
  )
}

function evenHex(hex: string): string {
  return hex.length % 2 === 0 ? hex : `0${hex}`
}

function alternativeNames(_items: Item[], scope: ExtensionScope, value: string): Uint8Array {
  return derSequence(...namesOf(scope, value))
}

/** `URI:a,DNS:b`, or `@section` with `URI.1 = a`. */
function namesOf(scope: ExtensionScope, value: string): Uint8Array[] {
  if (value.startsWith('@')) {
    return sectionOf(scope, value.slice(1)).map((line) =>
      encodeGeneralName(line.name.replace(/\.[^.]*$/, ''), line.value),
    )
  }
  return splitValue(value).map(({ name, argument }) => encodeGeneralName(name, argument))
}

/** Each name is a point of its own; a word without a colon is the section that describes one. */
function distributionPoints(items: Item[], scope: ExtensionScope): Uint8Array {
  const point = (names: readonly Uint8Array[]) =>
    derSequence(derContext(0, derContext(0, ...names)))
  return derSequence(
    ...items.map(({ name, argument }) => {
      if (argument !== undefined) return point([encodeGeneralName(name, argument)])
      const lines = sectionOf(scope, name)
      const odd = lines.find((line) => line.name !== 'fullname')
      if (odd !== undefined) throw new RangeError(`"${odd.name}" is not known`)
      return point(lines.flatMap((line) => namesOf(scope, line.value)))
    }),
  )
}

/** Identifiers, or `@section` with `policyIdentifier` and `CPS.1`. */
function policies(items: Item[], scope: ExtensionScope): Uint8Array {
  return derSequence(
    ...items.map((item) => {
      if (!item.name.startsWith('@')) return derSequence(derOid(oidOf({}, item)))
      const lines = sectionOf(scope, item.name.slice(1))
      const id = lines.find(({ name }) => name === 'policyIdentifier')?.value ?? ''
      const others = lines.filter(({ name }) => name !== 'policyIdentifier')
      const odd = others.find(({ name }) => !/^CPS(\.|$)/.test(name))
      if (odd !== undefined) throw new RangeError(`"${odd.name}" is not known`)
      const pointers = others.map(({ value }) =>
        derSequence(derOid(CPS_POINTER), derIa5String(value)),
      )
      const qualifiers = pointers.length === 0 ? [] : [derSequence(...pointers)]
      return derSequence(derOid(oidOf({}, { name: id, argument: undefined })), ...qualifiers)
    }),
  )
}

/** `OCSP;URI:http://…`: the method, then a name. */
function accessDescriptions(items: Item[]): Uint8Array {
  return derSequence(
    ...items.map(({ name, argument }) => {
      const [method = '', kind = ''] = name.split(';')
      const oid = oidOf(ACCESS_METHODS, { name: method, argument: undefined })
      return derSequence(derOid(oid), encodeGeneralName(kind, argument))
    }),
  )
}

function netscapeType(items: Item[]): Uint8Array {
  const bits = items.map(({ name }) => NETSCAPE_TYPES.indexOf(name))
  if (bits.includes(-1)) throw new RangeError(`only ${NETSCAPE_TYPES.join(', ')} are known`)
  const octet = bits.reduce((sum, bit) => sum | (0x80 >> bit), 0)
  return derBitString(Uint8Array.of(octet), 7 - Math.max(...bits))
}

function netscapeText(_items: Item[], _scope: ExtensionScope, value: string): Uint8Array {
  if (!/^[\x20-\x7e]+$/.test(value)) throw new RangeError('is empty or not ASCII')
  return derIa5String(value)
}
