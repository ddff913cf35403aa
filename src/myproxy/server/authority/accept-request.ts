/** Whether a key is one to certify. */
import type { KeyObject } from 'node:crypto'
import { VoboxError } from '../../../errors.js'
import { parseRequest } from '../../../x509/request.js'

/** No directive lowers it. */
const LEAST_RSA_BITS = 2048

/** Above these a client makes us, and everybody whom it shows the certificate to, work for long. */
const MOST_RSA_BITS = 16_384

/** Smaller exponents have been the ground of forgeries; the C server asks for this one too. */
const LEAST_EXPONENT = 65_537n

const CURVES: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

/**
 * The key of a request that its sender holds. Everything else in it is passed over: name, extensions
 * and lifetime are the CA's to decide.
 *
 * The C server takes RSA keys alone; `min_keylen` speaks of those.
 *
 * @param minRsaBits `min_keylen`; 2048 if it is less.
 * @throws `REQUEST_MALFORMED`, `SIGNATURE_INVALID`, `KEY_TOO_WEAK`.
 */
export function acceptRequest(der: Uint8Array, minRsaBits: number): KeyObject {
  const { publicKey } = parseRequest(der)
  const { asymmetricKeyType: keyType, asymmetricKeyDetails: details } = publicKey
  const least = Math.max(minRsaBits, LEAST_RSA_BITS)
  const { modulusLength = 0, publicExponent = 0n, namedCurve } = details ?? {}
  if (keyType === 'ec' && CURVES.has(namedCurve)) return publicKey
  if (keyType !== 'rsa') throw tooWeak(`A key of ${namedCurve ?? keyType} is not certified`, least)
  if (publicExponent < LEAST_EXPONENT) {
    throw tooWeak('RSA public key exponent must be 65537 or larger.', least)
  }
  if (modulusLength < least) {
    throw tooWeak(`RSA public key must be at least ${least} bits.`, least, modulusLength)
  }
  if (modulusLength > MOST_RSA_BITS) {
    throw tooWeak(`RSA public key must be at most ${MOST_RSA_BITS} bits.`, least, modulusLength)
  }
  return publicKey
}

function tooWeak(problem: string, leastBits: number, keyBits?: number): VoboxError {
  return new VoboxError('KEY_TOO_WEAK', problem, {
    hint: `Ask with an RSA key of ${leastBits} bits, or one of P-256`,
    data: { leastBits, ...(keyBits !== undefined && { keyBits }) },
  })
}
