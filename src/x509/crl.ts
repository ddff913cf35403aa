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
import { VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { type CrlScope, readScope, WHOLE_SCOPE } from './crl-scope.js'
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
    this.scope = scopeOf(wrapped === undefined ? [] : readExtensions(wrapped), this.issuer)
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

/** Extensions of an entry that may be critical: whatever they say, the certificate is revoked. */
const ENTRY_EXTENSIONS: ReadonlySet<string> = new Set([OID.crlReason, OID.invalidityDate])

/** A list with a critical entry extension that we do not know must not be used (RFC 5280 §5.3). */
function readSerials(entries: Uint8Array | undefined): ReadonlySet<string> {
  const serials = new Set<string>()
  const list = new DerReader(entries ?? new Uint8Array())
  while (!list.atEnd()) {
    const entry = list.readSequence()
    serials.add(serialHexOf(entry.readInteger()))
    // The date of revocation decides nothing.
    entry.readElement()
    if (entry.atEnd()) continue
    const unknown = readExtensions(entry).find(
      ({ oid, critical }) => critical && !ENTRY_EXTENSIONS.has(oid),
    )
    if (unknown !== undefined) throw unsupported(unknown.oid)
  }
  return serials
}

/**
 * A list with a critical extension that we do not know must not be relied on (RFC 5280 §5.2); one
 * that holds only the changes to another (§5.2.4) is refused however it is marked.
 */
function scopeOf(extensions: readonly CertificateExtension[], issuer: Name): CrlScope {
  let scope = WHOLE_SCOPE
  for (const { oid, critical, value } of extensions) {
    if (oid === OID.issuingDistributionPoint) scope = readScope(value, issuer)
    else if (oid === OID.deltaCrlIndicator) throw unsupported(oid)
    else if (critical && !LIST_EXTENSIONS.has(oid)) throw unsupported(oid)
  }
  return scope
}

/** Extensions of a list that may be critical: none of them changes what it says. */
const LIST_EXTENSIONS: ReadonlySet<string> = new Set([OID.crlNumber, OID.authorityKeyIdentifier])

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
