/**
 * Encrypting a stored private key with its owner's pass phrase.
 *
 * The form is PKCS#8 with PBES2, scrypt and AES-256-CBC (RFC 8018 §6.2, RFC 7914 §7), which OpenSSL
 * reads too. There is no hash of the pass phrase beside it, as there is none in the C server: that
 * the key opens is the proof, and whoever copies the disk has one thing to guess at, not an easier
 * second one. Node's own export would derive the key with 2048 rounds of PBKDF2, which a graphics
 * card tries by the million; hence scrypt, and by hand, off the main thread, two at a time.
 */
import { createCipheriv, createDecipheriv, createPrivateKey, type KeyObject } from 'node:crypto'
import { derInteger, derOctetString, derOid, derSequence } from '../../../asn1/der.js'
import { OID } from '../../../asn1/oids.js'
import { isVoboxError, VoboxError } from '../../../errors.js'
import type { Random } from '../../../ports/random.js'
import { encodePem, type PemBlock, parsePem } from '../../../x509/pem.js'
import { parsePrivateKey } from '../../../x509/private-key.js'
import { deriveByScrypt, keySchemeOf, type ScryptCost } from './key-scheme.js'

export const ENCRYPTED_KEY_LABEL = 'ENCRYPTED PRIVATE KEY'

/** What a guess costs; see `keys.pass_phrase_cost` in the configuration. */
export interface KeyGuard {
  random: Random
  /** The `p` of scrypt, so many times {@link UNIT}; with 5 it is what OWASP recommends. */
  passPhraseCost: number
}

/**
 * About 0.07 s and 16 MB, where the C server takes one round of MD5. A larger N would be beyond what
 * OpenSSL reads by default, and with it a C server that takes over or is a secondary; that one opens
 * a key six times a request, which is why a site may want a smaller `p`.
 */
const UNIT = { N: 2 ** 14, r: 8 }

const costOf = (p: number): ScryptCost => ({ ...UNIT, p })

const SALT_BYTES = 16
const KEY_BYTES = 32
const IV_BYTES = 16

/** A PEM block that only `passPhrase` opens. @throws `signal.reason`, before it is begun. */
export async function protectKey(
  key: KeyObject,
  passPhrase: string,
  { random, passPhraseCost }: KeyGuard,
  signal?: AbortSignal,
): Promise<string> {
  const cost = costOf(passPhraseCost)
  const salt = random.bytes(SALT_BYTES)
  const iv = random.bytes(IV_BYTES)
  const secret = await deriveByScrypt(passPhrase, salt, cost, KEY_BYTES, signal)
  const cipher = createCipheriv('aes-256-cbc', secret, iv)
  const plain = key.export({ type: 'pkcs8', format: 'der' })
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()])
  plain.fill(0)
  secret.fill(0)
  return encodePem(
    ENCRYPTED_KEY_LABEL,
    derSequence(encodeAlgorithm(cost, salt, iv), derOctetString(encrypted)),
  )
}

/**
 * Opens an encrypted key block: of ours, of the C server, or as its owner encrypted it.
 *
 * @throws `KEY_ENCRYPTED` with `data.reason` `wrong-pass-phrase`; what {@link keySchemeOf} does;
 *   `signal.reason`, before it is begun.
 */
export async function unprotectKey(
  block: PemBlock,
  passPhrase: string,
  signal?: AbortSignal,
): Promise<KeyObject> {
  const scheme = block.label === ENCRYPTED_KEY_LABEL ? keySchemeOf(block.bytes) : undefined
  if (scheme === undefined) return parsePrivateKey(block, Buffer.from(passPhrase, 'utf8'))
  const secret = await scheme.derive(passPhrase, signal)
  try {
    const decipher = createDecipheriv(scheme.cipher, secret, scheme.iv)
    const plain = Buffer.concat([decipher.update(scheme.encrypted), decipher.final()])
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

/**
 * Whether a key that somebody else encrypted can be opened here one day, at a price that is known.
 *
 * @param keyPem one block; what is not encrypted costs nothing.
 * @throws what {@link keySchemeOf} does.
 */
export function requireAffordable(keyPem: string): void {
  for (const { label, bytes } of parsePem(keyPem)) {
    if (label === ENCRYPTED_KEY_LABEL) keySchemeOf(bytes)
  }
}

/**
 * Spends the time of one wrong guess, so that a name that does not exist answers no faster, nor one
 * whose key is cheaper to try: of another program, or stored with a smaller cost.
 *
 * @param options.spent what trying has cost already, as {@link workToOpen} says; default nothing.
 * @throws `signal.reason`, before it is begun.
 */
export async function pretendToUnprotect(
  passPhrase: string,
  { random, passPhraseCost }: KeyGuard,
  { spent = 0, signal }: { spent?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const p = passPhraseCost - Math.round(spent / (UNIT.N * UNIT.r))
  if (p < 1) return
  const salt = random.bytes(SALT_BYTES)
  const secret = await deriveByScrypt(passPhrase, salt, costOf(p), KEY_BYTES, signal)
  secret.fill(0)
}

/**
 * What one guess at a key costs, in N·r·p of scrypt; 0 for schemes before PBES2, which cost little, and
 * for a key that nothing opens here, on which no time is spent.
 */
export function workToOpen({ label, bytes }: PemBlock): number {
  if (label !== ENCRYPTED_KEY_LABEL) return 0
  try {
    return keySchemeOf(bytes)?.work ?? 0
  } catch (error) {
    if (!isVoboxError(error)) throw error
    return 0
  }
}

function encodeAlgorithm(cost: ScryptCost, salt: Uint8Array, iv: Uint8Array): Uint8Array {
  const scryptParameters = derSequence(
    derOctetString(salt),
    derInteger(cost.N),
    derInteger(cost.r),
    derInteger(cost.p),
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
