/** The extensions of attribute certificates that VOMS servers write (RFC 5755 §4.3, and their own). */
import { DerReader, TAG } from '../asn1/der.js'
import { malformed } from '../asn1/malformed.js'
import { constructedContextTag } from '../asn1/tags.js'
import { type Certificate, parseCertificate } from '../x509/certificate.js'
import { decodeHost, readUri } from './general-names.js'

/** A name and a value that a VO gives its member besides FQANs. Text from outside: not for terminals. */
export interface GenericAttribute {
  readonly name: string
  readonly value: string
  /** Which FQAN or VO it was given for. */
  readonly qualifier: string
}

/** Longer issuer chains than anybody has; each certificate costs its parsing. */
const MAX_ISSUER_CERTIFICATES = 10

function open(value: Uint8Array): DerReader {
  const outer = new DerReader(value)
  const sequence = outer.readSequence()
  outer.done()
  return sequence
}

/** `SEQUENCE { SEQUENCE OF Certificate }`: who signed, and the CAs on the way up that were put in. */
export function decodeIssuerCertificates(value: Uint8Array): readonly Certificate[] {
  const outer = open(value)
  const list = outer.readSequence()
  outer.done()
  const certificates: Certificate[] = []
  while (!list.atEnd()) {
    if (certificates.length === MAX_ISSUER_CERTIFICATES) {
      throw malformed(`more than ${MAX_ISSUER_CERTIFICATES} issuer certificates`)
    }
    certificates.push(parseCertificate(list.readElement().raw))
  }
  return certificates
}

/**
 * `SEQUENCE { SEQUENCE OF { policyAuthority, SEQUENCE OF { name, value, qualifier } } }`, the last
 * three octet strings.
 */
export function decodeGenericAttributes(value: Uint8Array): readonly GenericAttribute[] {
  const outer = open(value)
  const lists = outer.readSequence()
  outer.done()
  const attributes: GenericAttribute[] = []
  while (!lists.atEnd()) {
    const list = lists.readSequence()
    readUri(list.readSequence())
    const tags = list.readSequence()
    list.done()
    while (!tags.atEnd()) {
      const tag = tags.readSequence()
      attributes.push({ name: readText(tag), value: readText(tag), qualifier: readText(tag) })
      tag.done()
    }
  }
  return attributes
}

function readText(reader: DerReader): string {
  return Buffer.from(reader.readOctetString()).toString('utf8')
}

const TARGET_NAME = constructedContextTag(0)

/**
 * Hosts that the attributes are meant for (RFC 5755 §4.3.2): `SEQUENCE { SEQUENCE OF Target }`.
 *
 * Java servers wrap each Target in a SEQUENCE of its own and write the host as a URI; C servers of
 * these years write a list with nothing in it. Groups and certificates as targets name nobody here.
 */
export function decodeTargets(value: Uint8Array): readonly string[] {
  const outer = open(value)
  const targets = outer.readSequence()
  outer.done()
  const hosts: string[] = []
  while (!targets.atEnd()) {
    const wrapped = targets.peekTag() === TAG.sequence
    const target = wrapped ? targets.readSequence() : targets
    if (wrapped && target.atEnd()) continue
    const { tag, content } = target.readElement()
    if (wrapped) target.done()
    const host = tag === TARGET_NAME ? decodeHost(content) : undefined
    if (host !== undefined) hosts.push(host)
  }
  return hosts
}
