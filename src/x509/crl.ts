/**
 * Certificate revocation lists (RFC 5280 §5), parsed as far as they decide something.
 *
 * A list may hold 100,000 serial numbers and most are never asked about, so the entries are decoded
 * when the first question comes. A serial number that is listed is revoked, whatever its reason:
 * a certificate on hold is not to be believed either.
 */
import type { KeyObject } from 'node:crypto'
import { DerReader, TAG } from '../asn1/der.js'
import { OID } from '../asn1/oids.js'
import { constructedContextTag, contextTag } from '../asn1/tags.js'
import { VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { type CertificateExtension, readExtensions } from './extensions.js'
import { malformedAs } from './malformed-as.js'
import { type Name, parseName } from './name.js'
import { parsePem } from './pem.js'
import { serialHexOf } from './serial.js'
import {
  readSignatureAlgorithm,
  type SignatureAlgorithm,
  verifySignature,
} from './signature-algorithms.js'

/** Which certificates of the issuer a list speaks about (RFC 5280 §5.2.5). */
export type CrlScope = 'all' | 'end-entities' | 'authorities'

export interface Crl {
  readonly issuer: Name
  readonly thisUpdate: UnixSeconds
  /** Undefined: the issuer promised no next one, so this one does not expire. */
  readonly nextUpdate: UnixSeconds | undefined
  readonly scope: CrlScope
  readonly signatureAlgorithm: SignatureAlgorithm
  /** Whether the list names this serial number (`Certificate.serialHex`). Throws `CRL_MALFORMED`. */
  revokes(serialHex: string): boolean
  /** Remembered for each key: a large list is hashed once. */
  isSignedBy(issuerKey: KeyObject): boolean
}

class ParsedCrl implements Crl {
  readonly issuer: Name
  readonly thisUpdate: UnixSeconds
  readonly nextUpdate: UnixSeconds | undefined
  readonly scope: CrlScope
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly #tbs: Uint8Array
  readonly #signature: Uint8Array
  readonly #entries: Uint8Array | undefined
  #serials: ReadonlySet<string> | undefined
  readonly #verified = new WeakMap<KeyObject, boolean>()

  constructor(der: Uint8Array) {
    const outer = new DerReader(der)
    const list = outer.readSequence()
    outer.done()
    this.#tbs = list.readElement().raw
    const algorithm = list.readElement().raw
    this.signatureAlgorithm = readSignatureAlgorithm(new DerReader(algorithm).readSequence())
    this.#signature = list.readBitString().bytes
    list.done()

    const tbs = new DerReader(this.#tbs).readSequence()
    if (tbs.peekTag() === TAG.integer) tbs.readSmallInteger()
    if (Buffer.compare(tbs.readElement().raw, algorithm) !== 0) {
      throw new VoboxError('CRL_MALFORMED', 'CRL names two signature algorithms')
    }
    this.issuer = parseName(tbs.readElement().raw)
    this.thisUpdate = tbs.readTime()
    const next = tbs.peekTag()
    const hasNext = next === TAG.utcTime || next === TAG.generalizedTime
    this.nextUpdate = hasNext ? tbs.readTime() : undefined
    this.#entries = tbs.readOptional(TAG.sequence)
    const wrapped = tbs.readOptionalContext(0)
    tbs.done()
    this.scope = scopeOf(wrapped === undefined ? [] : readExtensions(wrapped))
  }

  revokes(serialHex: string): boolean {
    this.#serials ??= malformedAs('CRL_MALFORMED', 'CRL', () => readSerials(this.#entries))
    return this.#serials.has(serialHex)
  }

  isSignedBy(issuerKey: KeyObject): boolean {
    const known = this.#verified.get(issuerKey)
    if (known !== undefined) return known
    const { signatureAlgorithm } = this
    const verified = verifySignature(signatureAlgorithm, issuerKey, this.#tbs, this.#signature)
    this.#verified.set(issuerKey, verified)
    return verified
  }
}

function readSerials(entries: Uint8Array | undefined): ReadonlySet<string> {
  const serials = new Set<string>()
  const list = new DerReader(entries ?? new Uint8Array())
  while (!list.atEnd()) serials.add(serialHexOf(list.readSequence().readInteger()))
  return serials
}

/** A list with a critical extension that we do not know must not be relied on (RFC 5280 §5.2). */
function scopeOf(extensions: readonly CertificateExtension[]): CrlScope {
  let scope: CrlScope = 'all'
  for (const { oid, critical, value } of extensions) {
    if (oid === OID.issuingDistributionPoint) scope = readScope(value)
    else if (critical || oid === OID.deltaCrlIndicator) throw unsupported(oid)
  }
  return scope
}

/** IssuingDistributionPoint, RFC 5280 §5.2.5. Indirect lists and lists by reason are not for us. */
function readScope(value: Uint8Array): CrlScope {
  const outer = new DerReader(value)
  const point = outer.readSequence()
  outer.done()
  point.readOptional(constructedContextTag(0))
  const endEntities = readFlag(point, 1)
  const authorities = readFlag(point, 2)
  const byReason = point.readOptional(contextTag(3)) !== undefined
  const indirect = readFlag(point, 4)
  const attributes = readFlag(point, 5)
  point.done()
  if (byReason || indirect || attributes || (endEntities && authorities)) {
    throw unsupported(OID.issuingDistributionPoint)
  }
  if (endEntities) return 'end-entities'
  return authorities ? 'authorities' : 'all'
}

function readFlag(reader: DerReader, number: number): boolean {
  return reader.peekTag() === contextTag(number) && reader.readBoolean(contextTag(number))
}

function unsupported(oid: string): VoboxError {
  return new VoboxError('CRL_MALFORMED', `CRL has the extension ${oid}, which is not supported`, {
    data: { oid },
  })
}

/** One list, PEM (`X509 CRL`) or DER. Throws `CRL_MALFORMED` and nothing else. */
export function parseCrl(bytes: Uint8Array): Crl {
  const der = bytes[0] === TAG.sequence ? bytes : derFromPem(bytes)
  return malformedAs('CRL_MALFORMED', 'CRL', () => new ParsedCrl(der))
}

function derFromPem(bytes: Uint8Array): Uint8Array {
  let cause: unknown
  try {
    const [block, ...more] = parsePem(bytes).filter(({ label }) => label === 'X509 CRL')
    if (block !== undefined && more.length === 0) return block.bytes
  } catch (error) {
    cause = error
  }
  throw new VoboxError('CRL_MALFORMED', 'file does not hold one CRL', { cause })
}
