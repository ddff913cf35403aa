/**
 * Which certificates of its issuer a revocation list speaks about (RFC 5280 §5.2.5, §6.3.3).
 *
 * A CA may split its list: by the kind of certificate, by distribution point, by reason. That a
 * certificate is not on a list says something only where the list would name it, so each part is
 * held against the certificate; together the parts must cover every reason.
 */
import { DerReader, derSequence, encodeDer, TAG } from '../asn1/der.js'
import { OID } from '../asn1/oids.js'
import { constructedContextTag, contextTag } from '../asn1/tags.js'
import { VoboxError } from '../errors.js'
import type { Certificate } from './certificate.js'
import { malformedAs } from './malformed-as.js'
import { type Name, nameContent, parseName } from './name.js'
import { canonicalName } from './name-hash.js'

export interface CrlScope {
  /** Kinds of certificates; `attributes` are attribute certificates alone. */
  readonly kind: 'all' | 'end-entities' | 'authorities' | 'attributes'
  /** Names of the one distribution point that the list is for; undefined: for all. */
  readonly point: ReadonlySet<string> | undefined
  /** Bits of `ReasonFlags`, bit `n` for the value `n`. */
  readonly reasons: number
}

/** Bits 1 to 8 of `ReasonFlags` (RFC 5280 §4.2.1.13); bit 0 has no meaning. */
export const ALL_REASONS = 0b1_1111_1110

/** A list without an `issuingDistributionPoint` speaks about all. */
export const WHOLE_SCOPE: CrlScope = { kind: 'all', point: undefined, reasons: ALL_REASONS }

/** The same text for two lists of which the newer replaces the older. */
export function scopeKey({ kind, point, reasons }: CrlScope): string {
  return JSON.stringify([kind, reasons, point === undefined ? null : [...point].sort()])
}

/**
 * Reads an IssuingDistributionPoint (RFC 5280 §5.2.5).
 *
 * @throws `ASN1_MALFORMED`; `CRL_MALFORMED` for a list with entries of other issuers (`indirectCRL`),
 *   which no CA of the grid publishes, and for one that is for two kinds at once.
 */
export function readScope(value: Uint8Array, crlIssuer: Name): CrlScope {
  const outer = new DerReader(value)
  const sequence = outer.readSequence()
  outer.done()
  const point = readPointName(sequence.readOptionalContext(0), crlIssuer)
  const kinds: CrlScope['kind'][] = []
  if (readFlag(sequence, 1)) kinds.push('end-entities')
  if (readFlag(sequence, 2)) kinds.push('authorities')
  const reasons = readReasons(sequence, 3)
  const indirect = readFlag(sequence, 4)
  if (readFlag(sequence, 5)) kinds.push('attributes')
  sequence.done()
  const [kind = 'all', ...more] = kinds
  if (!indirect && more.length === 0) return { kind, point, reasons }
  const what = indirect ? 'holds entries of other CAs' : 'is for two kinds of certificates at once'
  throw new VoboxError('CRL_MALFORMED', `CRL ${what}, which is not supported`, {
    data: { oid: OID.issuingDistributionPoint },
  })
}

/**
 * The reasons for which a certificate would be on the list if it were revoked; 0: the list does not
 * speak about it.
 *
 * @throws `CERTIFICATE_MALFORMED` when the certificate's distribution points are needed and cannot
 *   be read.
 */
export function reasonsCovered(scope: CrlScope, certificate: Certificate): number {
  if (!isOfKind(scope, certificate)) return 0
  const { point, reasons } = scope
  if (point === undefined) return reasons
  const points = distributionPoints(certificate)
  const matching = points.filter(({ names }) => names.some((name) => point.has(name)))
  return matching.reduce((covered, one) => covered | (one.reasons & reasons), 0)
}

function isOfKind({ kind }: CrlScope, { basicConstraints }: Certificate): boolean {
  if (kind === 'all') return true
  return kind === (basicConstraints?.ca === true ? 'authorities' : 'end-entities')
}

interface DistributionPoint {
  names: readonly string[]
  reasons: number
}

/** Those of CRLDistributionPoints, and the issuer's own name (RFC 5280 §6.3.3, at its end). */
function distributionPoints(certificate: Certificate): DistributionPoint[] {
  const own = { names: [nameKey(certificate.issuer)], reasons: ALL_REASONS }
  const extension = certificate.extension(OID.crlDistributionPoints)
  if (extension === undefined) return [own]
  return malformedAs('CERTIFICATE_MALFORMED', 'list of CRL distribution points', () => {
    const outer = new DerReader(extension.value)
    const list = outer.readSequence()
    outer.done()
    const points: DistributionPoint[] = [own]
    while (!list.atEnd()) points.push(readPoint(list.readSequence(), certificate.issuer))
    return points
  })
}

/** A point where another issuer's list is (`cRLIssuer`) has no name among those of this one. */
function readPoint(sequence: DerReader, issuer: Name): DistributionPoint {
  const names = readPointName(sequence.readOptionalContext(0), issuer)
  const reasons = readReasons(sequence, 1)
  const issuers = sequence.readOptionalContext(2)
  sequence.done()
  if (issuers === undefined) return { names: [...(names ?? [])], reasons }
  const crlIssuers = readGeneralNames(issuers)
  if (!crlIssuers.includes(nameKey(issuer))) return { names: [], reasons }
  return { names: [...(names ?? crlIssuers)], reasons }
}

/** DistributionPointName: whole names, or what the CRL issuer's name ends in. */
function readPointName(
  choice: DerReader | undefined,
  crlIssuer: Name,
): ReadonlySet<string> | undefined {
  if (choice === undefined) return undefined
  const full = choice.readOptionalContext(0)
  if (full !== undefined) {
    choice.done()
    return new Set(readGeneralNames(full))
  }
  const relative = choice.read(constructedContextTag(1))
  choice.done()
  const whole = derSequence(nameContent(crlIssuer), encodeDer(TAG.set, relative))
  return new Set([nameKey(parseName(whole))])
}

/** GeneralNames (RFC 5280 §4.2.1.6), each as a text that is the same for the same name. */
function readGeneralNames(list: DerReader): string[] {
  const names: string[] = []
  while (!list.atEnd()) {
    const { tag, content } = list.readElement()
    const directory = tag === constructedContextTag(4)
    names.push(directory ? nameKey(parseName(content)) : `${tag} ${latin1(content)}`)
  }
  return names
}

/** Directory names are compared folded (RFC 5280 §7.1). */
function nameKey(name: Name): string {
  return `${constructedContextTag(4)} ${latin1(canonicalName(name))}`
}

/** Latin-1 keeps every octet apart. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

function readFlag(reader: DerReader, number: number): boolean {
  return reader.peekTag() === contextTag(number) && reader.readBoolean(contextTag(number))
}

/** Absent: all of them. */
function readReasons(reader: DerReader, number: number): number {
  if (reader.peekTag() !== contextTag(number)) return ALL_REASONS
  const { bytes } = reader.readBitString(contextTag(number))
  let reasons = 0
  for (let bit = 0; bit <= 8; bit++) {
    if (((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0) reasons |= 1 << bit
  }
  return reasons & ALL_REASONS
}
