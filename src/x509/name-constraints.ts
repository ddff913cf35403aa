/**
 * Name constraints (RFC 5280 §4.2.1.10): the name space that a CA certificate leaves to those below.
 *
 * Enforced for directory names, DNS names and addresses, which is what user and host certificates
 * carry. A constraint on another kind of name refuses every certificate that has names of a kind we
 * do not decode, because one of them might be what is forbidden.
 */
import { attributeType } from '../asn1/attribute-types.js'
import { DerReader, TAG } from '../asn1/der.js'
import { OID } from '../asn1/oids.js'
import { constructedContextTag, contextTag } from '../asn1/tags.js'
import type { Certificate } from './certificate.js'
import { parseIp } from './ip-address.js'
import { isEmptyName, type Name, parseName } from './name.js'
import { canonicalName } from './name-hash.js'
import { decodeText } from './name-text.js'

/** GeneralName of the base of a subtree. */
interface Subtree {
  tag: number
  content: Uint8Array
}

interface NameConstraints {
  permitted: readonly Subtree[]
  excluded: readonly Subtree[]
}

/** Throws `ASN1_MALFORMED`; minimum and maximum, which nobody may use, are refused as well. */
function decodeNameConstraints(value: Uint8Array): NameConstraints {
  const outer = new DerReader(value)
  const constraints = outer.readSequence()
  outer.done()
  const permitted = readSubtrees(constraints.readOptionalContext(0))
  const excluded = readSubtrees(constraints.readOptionalContext(1))
  constraints.done()
  return { permitted, excluded }
}

function readSubtrees(list: DerReader | undefined): Subtree[] {
  const subtrees: Subtree[] = []
  while (list !== undefined && !list.atEnd()) {
    const subtree = list.readSequence()
    const { tag, content } = subtree.readElement()
    subtree.done()
    subtrees.push({ tag, content })
  }
  return subtrees
}

/** A name of the certificate, in the form that {@link isWithin} compares. */
type HeldName =
  | { kind: 'directory'; name: Name }
  | { kind: 'dns'; name: string }
  | { kind: 'ip'; name: Uint8Array }

const TAG_OF_KIND: Readonly<Record<HeldName['kind'], number>> = {
  directory: constructedContextTag(4),
  dns: contextTag(2),
  ip: contextTag(7),
}

function namesOf({ subject, subjectAltNames }: Certificate): HeldName[] {
  const held: HeldName[] = isEmptyName(subject) ? [] : [{ kind: 'directory', name: subject }]
  const alternatives = subjectAltNames?.dns ?? []
  const dns = alternatives.length > 0 ? alternatives : hostsNamedBy(subject)
  for (const name of dns) held.push({ kind: 'dns', name })
  for (const ip of subjectAltNames?.ips ?? []) held.push({ kind: 'ip', name: parseIp(ip) })
  return held
}

/**
 * Where there are no alternative names a common name can pass for a host, so it is held against DNS
 * constraints as well, as OpenSSL does; also behind a service, as in `host/a.example.org`.
 */
function hostsNamedBy(subject: Name): string[] {
  return subject.parts
    .flat()
    .filter(({ type }) => type === attributeType('CN'))
    .map(({ tag, value }) => decodeText(tag, value).replace(/^[a-z]+\//, ''))
    .filter((text) => /^[A-Za-z0-9_*-]+(\.[A-Za-z0-9_-]+)+\.?$/.test(text))
}

/**
 * Whether the name constraints of `authority`, if it has any, leave room for `certificate`, which
 * stands anywhere below it.
 */
export function satisfiesNameConstraints(
  certificate: Certificate,
  authority: Certificate,
): boolean {
  const extension = authority.extension(OID.nameConstraints)
  if (extension === undefined) return true
  const { permitted, excluded } = decodeNameConstraints(extension.value)
  const decoded = Object.values(TAG_OF_KIND)
  const subtrees = [...permitted, ...excluded]
  if (certificate.subjectAltNames?.other && !subtrees.every(({ tag }) => decoded.includes(tag))) {
    return false
  }
  return namesOf(certificate).every((held) => {
    const ofKind = ({ tag }: Subtree) => tag === TAG_OF_KIND[held.kind]
    const allowed = permitted.filter(ofKind)
    if (allowed.length > 0 && !allowed.some(({ content }) => isWithin(held, content))) return false
    return !excluded.some((subtree) => ofKind(subtree) && touches(held, subtree.content))
  })
}

function isWithin(held: HeldName, base: Uint8Array): boolean {
  switch (held.kind) {
    case 'directory':
      return startsWithName(held.name, parseName(base))
    case 'dns':
      return isDnsWithin(held.name, Buffer.from(base).toString('latin1'))
    case 'ip':
      return isIpWithin(held.name, base)
  }
}

/**
 * Whether an excluded subtree takes in any of what a name can stand for. A CA that wants to go round
 * an exclusion chooses the string type, the case and the wildcard.
 */
function touches(held: HeldName, base: Uint8Array): boolean {
  switch (held.kind) {
    case 'directory':
      return startsWith(canonicalName(held.name), canonicalName(parseName(base)))
    case 'dns': {
      const suffix = Buffer.from(base).toString('latin1')
      const [, below] = /^\*\.(.+)$/.exec(held.name) ?? []
      const covered = below !== undefined && isDnsWithin(suffix.replace(/^\./, ''), below)
      return covered || isDnsWithin(held.name, suffix)
    }
    case 'ip':
      return isIpWithin(held.name, base)
  }
}

/** By bytes, part by part, like every comparison of names that lets somebody in. */
function startsWithName(name: Name, base: Name): boolean {
  const content = (one: Name) => new DerReader(one.der).read(TAG.sequence)
  return startsWith(content(name), content(base))
}

/** Both are rows of complete parts, so that a common beginning ends with a part. */
function startsWith(parts: Uint8Array, beginning: Uint8Array): boolean {
  return Buffer.compare(parts.subarray(0, beginning.length), beginning) === 0
}

/**
 * Adding labels on the left satisfies the constraint; an empty one takes in everything. A dot at the
 * end changes nothing, as it does not when a host is compared.
 */
function isDnsWithin(name: string, base: string): boolean {
  const lower = name.toLowerCase().replace(/\.$/, '')
  const suffix = base.toLowerCase().replace(/^\./, '').replace(/\.$/, '')
  return suffix === '' || lower === suffix || lower.endsWith(`.${suffix}`)
}

/** `content` is an address followed by a mask of the same length. */
function isIpWithin(address: Uint8Array, content: Uint8Array): boolean {
  if (content.length !== address.length * 2) return false
  return address.every((octet, index) => {
    const mask = content[address.length + index] ?? 0xff
    return (octet & mask) === ((content[index] ?? 0) & mask)
  })
}
