/**
 * Encrypting a stored private key with its owner's pass phrase.
 *
 * The form is PKCS#8 with PBES2, scrypt and AES-256-CBC (RFC 8018 §6.2, RFC 7914 §7), which OpenSSL
 * reads too. There is no hash of the pass phrase beside it, as there is none in the C server: that
 * the key opens is the proof, and whoever copies the disk has one thing to guess at, not an easier
 * second one. Node's own export would derive the key with 2048 rounds of PBKDF2, which a graphics
 * card tries by the million; hence scrypt, and by hand, off the main thread, two at a time.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  type KeyObject,
  scrypt,
} from 'node:crypto'
import pLimit from 'p-limit'
import {
  DerReader,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  readSingleElement,
} from '../../asn1/der.js'
import { OID } from '../../asn1/oids.js'
import { isVoboxError, VoboxError } from '../../errors.js'
import type { Random } from '../../ports/random.js'
import { encodePem, type PemBlock } from '../../x509/pem.js'
import { parsePrivateKey } from '../../x509/private-key.js'

export const ENCRYPTED_KEY_LABEL = 'ENCRYPTED PRIVATE KEY'

interface ScryptCost {
  /** CPU and memory cost; memory is 128·N·r bytes. */
  N: number
  r: number
  p: number
}

/** About 0.2 s and 16 MB a guess; a larger N would be beyond what OpenSSL reads by default. */
const COST: ScryptCost = { N: 2 ** 14, r: 8, p: 5 }

/** Upper bounds for what is read, so that a file cannot ask for all memory or an hour. */
const MAX_COST: ScryptCost = { N: 2 ** 17, r: 16, p: 16 }

const SALT_BYTES = 16
const KEY_BYTES = 32
const IV_BYTES = 16

/** Derivations at once; the thread pool has four threads that files and key generation want too. */
const derivations = pLimit(2)

/** A PEM block that only `passPhrase` opens. */
export async function protectKey(
  key: KeyObject,
  passPhrase: string,
  random: Random,
): Promise<string> {
  const salt = random.bytes(SALT_BYTES)
  const iv = random.bytes(IV_BYTES)
  const secret = await derive(passPhrase, salt, COST)
  const cipher = createCipheriv('aes-256-cbc', secret, iv)
  const plain = key.export({ type: 'pkcs8', format: 'der' })
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()])
  plain.fill(0)
  secret.fill(0)
  return encodePem(
    ENCRYPTED_KEY_LABEL,
    derSequence(encodeAlgorithm(salt, iv), derOctetString(encrypted)),
  )
}

/**
 * Opens an encrypted key block: of ours, or as the C server or OpenSSL wrote it.
 *
 * @throws `KEY_ENCRYPTED` with `data.reason` `wrong-pass-phrase`.
 */
export async function unprotectKey(block: PemBlock, passPhrase: string): Promise<KeyObject> {
  const parameters = block.label === ENCRYPTED_KEY_LABEL ? parseOurs(block.bytes) : undefined
  if (parameters === undefined) return parsePrivateKey(block, Buffer.from(passPhrase, 'utf8'))
  const secret = await derive(passPhrase, parameters.salt, parameters.cost)
  try {
    const decipher = createDecipheriv('aes-256-cbc', secret, parameters.iv)
    const plain = Buffer.concat([decipher.update(parameters.encrypted), decipher.final()])
    return createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' })
  } catch (cause) {
    throw new VoboxError('KEY_ENCRYPTED', 'private key cannot be decrypted with this pass phrase', {
      data: { reason: 'wrong-pass-phrase', label: block.label },
      cause,
    })
  } finally {
    secret.fill(0)
  }
}

/** Spends the time of one wrong guess, so that a name that does not exist answers no faster. */
export async function pretendToUnprotect(passPhrase: string, random: Random): Promise<void> {
  const secret = await derive(passPhrase, random.bytes(SALT_BYTES), COST)
  secret.fill(0)
}

function derive(passPhrase: string, salt: Uint8Array, cost: ScryptCost): Promise<Buffer> {
  const maxmem = 256 * cost.N * cost.r
  return derivations(
    () =>
      new Promise<Buffer>((resolve, reject) => {
        scrypt(passPhrase, salt, KEY_BYTES, { ...cost, maxmem }, (error, key) =>
          error === null ? resolve(key) : reject(error),
        )
      }),
  )
}

function encodeAlgorithm(salt: Uint8Array, iv: Uint8Array): Uint8Array {
  const scryptParameters = derSequence(
    derOctetString(salt),
    derInteger(COST.N),
    derInteger(COST.r),
    derInteger(COST.p),
    derInteger(KEY_BYTES),
  )
  return derSequence(
    derOid(OID.pbes2),
    derSequence(
      derSequence(derOid(OID.scrypt), scryptParameters),
      derSequence(derOid(OID.aes256Cbc), derOctetString(iv)),
    ),
  )
}

interface Parameters {
  salt: Uint8Array
  cost: ScryptCost
  iv: Uint8Array
  encrypted: Uint8Array
}

/** Undefined for another way of encrypting, which OpenSSL may know. */
function parseOurs(der: Uint8Array): Parameters | undefined {
  try {
    const outer = new DerReader(readSingleElement(der).raw).readSequence()
    const algorithm = outer.readSequence()
    const encrypted = outer.readOctetString()
    if (algorithm.readOid() !== OID.pbes2) return undefined
    const pbes2 = algorithm.readSequence()
    const derivation = pbes2.readSequence()
    const encryption = pbes2.readSequence()
    if (derivation.readOid() !== OID.scrypt || encryption.readOid() !== OID.aes256Cbc) {
      return undefined
    }
    const scryptParameters = derivation.readSequence()
    const salt = scryptParameters.readOctetString()
    const cost = {
      N: scryptParameters.readSmallInteger(),
      r: scryptParameters.readSmallInteger(),
      p: scryptParameters.readSmallInteger(),
    }
    const iv = encryption.readOctetString()
    if (!isAffordable(cost) || iv.length !== IV_BYTES) throw tooCostly(cost)
    return { salt, cost, iv, encrypted }
  } catch (error) {
    if (isVoboxError(error, 'ASN1_MALFORMED')) return undefined
    throw error
  }
}

function isAffordable({ N, r, p }: ScryptCost): boolean {
  const powerOfTwo = N > 1 && (N & (N - 1)) === 0
  return powerOfTwo && N <= MAX_COST.N && r >= 1 && r <= MAX_COST.r && p >= 1 && p <= MAX_COST.p
}

function tooCostly(cost: ScryptCost): VoboxError {
  return new VoboxError('MYPROXY_STORE_MALFORMED', 'a stored key asks for an impossible scrypt', {
    data: { ...cost },
  })
}
