/**
 * How an encrypted PKCS#8 key is to be opened, and whether that is affordable.
 *
 * Whoever stores a key (STORE) chooses how it is encrypted, and with that how long each attempt to
 * open it takes: `openssl` alone would follow a file that asks for a year. So what is asked for is
 * read first, the derivation is run by us, off the main thread, and what nobody uses is refused.
 */
import { pbkdf2, scrypt } from 'node:crypto'
import pLimit from 'p-limit'
import { DerReader, readSingleElement } from '../../../asn1/der.js'
import { OID } from '../../../asn1/oids.js'
import { TAG } from '../../../asn1/tags.js'
import { isVoboxError, VoboxError } from '../../../errors.js'
import { PBES2_CIPHERS, PRFS } from '../../../x509/pkcs12-encryption.js'

export interface ScryptCost {
  /** CPU and memory cost; memory is 128·N·r bytes. */
  N: number
  r: number
  p: number
}

/** What opens a key: derive, then decipher. */
export interface DerivedScheme {
  /** Of Node. */
  cipher: string
  iv: Uint8Array
  encrypted: Uint8Array
  /** @throws `signal.reason`, where that comes before its turn. */
  derive(passPhrase: string, signal?: AbortSignal): Promise<Buffer>
  /** N·r·p of scrypt, or the rounds of PBKDF2, each of which takes about as long as one of these. */
  work: number
}

/**
 * Most of N·r·p: about a second and 128 MB. What OWASP recommends fits (N = 2^17, r = 8, p = 1); with
 * more, two clients that guess at a key of their own would hold up everybody's pass phrases.
 */
const MAX_SCRYPT_WORK = 2 ** 20

/** About a second; OWASP recommends 600,000 with SHA-256, 1,300,000 with SHA-1. */
const MAX_PBKDF2_ROUNDS = 2_000_000

/** Of the schemes before PBES2, which OpenSSL runs on the main thread; tools write 2,048. */
const MAX_OLD_ROUNDS = 50_000

/** RFC 8018 appendix A.3 and RFC 7292 appendix C: all have a salt and rounds for parameters. */
const OLD_SCHEMES = /^1\.2\.840\.113549\.1\.(?:5\.(?:1|3|4|6|10|11)|12\.1\.[1-6])$/

/** Derivations at once: files and key generation want threads of the pool, too. */
export const DERIVATIONS_AT_ONCE = 2

const derivations = pLimit(DERIVATIONS_AT_ONCE)

/** In turn; for a request that has ended meanwhile nothing is derived. */
function inTurn(derive: () => Promise<Buffer>, signal: AbortSignal | undefined): Promise<Buffer> {
  return derivations(() => {
    signal?.throwIfAborted()
    return derive()
  })
}

/**
 * @param der `EncryptedPrivateKeyInfo` (RFC 5958 §3).
 * @returns undefined where OpenSSL may open it, at a known price.
 * @throws `KEY_MALFORMED`; `KEY_ENCRYPTED` with `data.reason` `unsupported-cipher`;
 *   `MYPROXY_STORE_MALFORMED` for one that costs too much.
 */
export function keySchemeOf(der: Uint8Array): DerivedScheme | undefined {
  try {
    const outer = new DerReader(readSingleElement(der).raw).readSequence()
    const algorithm = outer.readSequence()
    const encrypted = outer.readOctetString()
    const oid = algorithm.readOid()
    if (oid === OID.pbes2) return pbes2Scheme(algorithm.readSequence(), encrypted)
    if (!OLD_SCHEMES.test(oid)) throw unsupported(oid)
    const parameters = algorithm.readSequence()
    parameters.readOctetString()
    checkRounds(parameters.readSmallInteger(), MAX_OLD_ROUNDS)
    return undefined
  } catch (error) {
    if (!isVoboxError(error, 'ASN1_MALFORMED')) throw error
    throw new VoboxError('KEY_MALFORMED', 'an encrypted private key is malformed', { cause: error })
  }
}

/** RFC 8018 §6.2. */
function pbes2Scheme(pbes2: DerReader, encrypted: Uint8Array): DerivedScheme {
  const derivation = pbes2.readSequence()
  const encryption = pbes2.readSequence()
  const cipherOid = encryption.readOid()
  const cipher = PBES2_CIPHERS[cipherOid]
  if (cipher === undefined) throw unsupported(cipherOid)
  const iv = encryption.readOctetString()
  const oid = derivation.readOid()
  const read = { [OID.scrypt]: readScrypt, [OID.pbkdf2]: readPbkdf2 }[oid]
  if (read === undefined) throw unsupported(oid)
  const { derive, work } = read(derivation.readSequence())
  const run: DerivedScheme['derive'] = (passPhrase, signal) =>
    inTurn(() => derive(passPhrase, cipher.keyBytes), signal)
  return { cipher: cipher.name, iv, encrypted, derive: run, work }
}

interface Derivation {
  derive: (passPhrase: string, keyBytes: number) => Promise<Buffer>
  work: number
}

/** RFC 7914 §7. */
function readScrypt(parameters: DerReader): Derivation {
  const salt = parameters.readOctetString()
  const cost = {
    N: parameters.readSmallInteger(),
    r: parameters.readSmallInteger(),
    p: parameters.readSmallInteger(),
  }
  if (!isAffordable(cost)) throw tooCostly('scrypt', { ...cost })
  const derive: Derivation['derive'] = (passPhrase, keyBytes) =>
    runScrypt(passPhrase, salt, cost, keyBytes)
  return { derive, work: cost.N * cost.r * cost.p }
}

/** RFC 8018 appendix A.2. */
function readPbkdf2(parameters: DerReader): Derivation {
  const salt = parameters.readOctetString()
  const rounds = checkRounds(parameters.readSmallInteger(), MAX_PBKDF2_ROUNDS)
  // The length is optional, and the cipher's own in any case.
  if (parameters.peekTag() === TAG.integer) parameters.readSmallInteger()
  const prfOid = parameters.atEnd() ? OID.hmacSha1 : parameters.readSequence().readOid()
  const prf = PRFS[prfOid]
  if (prf === undefined) throw unsupported(prfOid)
  const derive: Derivation['derive'] = (passPhrase, keyBytes) =>
    new Promise((resolve, reject) => {
      pbkdf2(passPhrase, salt, rounds, keyBytes, prf, (error, key) =>
        error === null ? resolve(key) : reject(error),
      )
    })
  return { derive, work: rounds }
}

/** For keys of our own, and for the time that one takes. @throws `signal.reason`. */
export function deriveByScrypt(
  passPhrase: string,
  salt: Uint8Array,
  cost: ScryptCost,
  keyBytes: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  return inTurn(() => runScrypt(passPhrase, salt, cost, keyBytes), signal)
}

function runScrypt(
  passPhrase: string,
  salt: Uint8Array,
  cost: ScryptCost,
  keyBytes: number,
): Promise<Buffer> {
  const maxmem = 256 * cost.N * cost.r
  return new Promise((resolve, reject) => {
    scrypt(passPhrase, salt, keyBytes, { ...cost, maxmem }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}

function isAffordable({ N, r, p }: ScryptCost): boolean {
  const powerOfTwo = N > 1 && (N & (N - 1)) === 0
  return powerOfTwo && r >= 1 && p >= 1 && N * r * p <= MAX_SCRYPT_WORK
}

function checkRounds(rounds: number, most: number): number {
  if (rounds >= 1 && rounds <= most) return rounds
  throw tooCostly('number of rounds', { rounds })
}

function tooCostly(what: string, data: Record<string, number>): VoboxError {
  const message = `a stored key asks for an impossible ${what}`
  return new VoboxError('MYPROXY_STORE_MALFORMED', message, { data })
}

function unsupported(oid: string): VoboxError {
  return new VoboxError('KEY_ENCRYPTED', 'a key is encrypted in a way that is not supported', {
    hint: 'encrypt it anew with "openssl pkcs8 -topk8"',
    data: { reason: 'unsupported-cipher', oid },
  })
}
