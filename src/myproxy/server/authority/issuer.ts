/** The credential that a CA signs with, judged when it is read and not when the first client comes. */
import type { KeyObject } from 'node:crypto'
import { VoboxError } from '../../../errors.js'
import type { UnixSeconds } from '../../../ports/clock.js'
import { type Certificate, isSignedBy, parseCertificate } from '../../../x509/certificate.js'
import { sameName } from '../../../x509/name.js'
import { type PemBlock, parsePem } from '../../../x509/pem.js'
import {
  isEncryptedKey,
  isPrivateKeyLabel,
  keysMatch,
  parsePrivateKey,
} from '../../../x509/private-key.js'

export interface Issuer {
  certificate: Certificate
  privateKey: KeyObject
  /** What is sent behind each certificate: that of the sub-CA and of those above it; or nothing. */
  sent: readonly Certificate[]
  /** When the first of them ends. */
  effectiveEnd: UnixSeconds
}

const LEAST_RSA_BITS = 2048

/**
 * `certificate_issuer_cert`: the first certificate of the file.
 *
 * @throws `CERTIFICATE_MALFORMED`, `KEY_USAGE_FORBIDS` for one that may not sign others,
 *   `CHAIN_EXPIRED`.
 */
export function parseIssuerCertificate(text: Uint8Array, now: UnixSeconds): Certificate {
  const [certificate] = certificatesIn(text)
  if (certificate === undefined) throw noneIn('certificate')
  const { basicConstraints, keyUsage, notAfter } = certificate
  const isAuthority = basicConstraints?.ca === true || certificate.version < 3
  if (!isAuthority || (keyUsage !== undefined && !keyUsage.has('keyCertSign'))) {
    throw new VoboxError('KEY_USAGE_FORBIDS', 'is not the certificate of a CA', {
      hint: 'It needs basicConstraints CA:TRUE, and keyUsage with keyCertSign',
      data: { subject: certificate.subject.oneLine },
    })
  }
  if (notAfter <= now) {
    throw new VoboxError('CHAIN_EXPIRED', 'has expired', {
      hint: 'Renew the certificate of the CA',
      data: { subject: certificate.subject.oneLine, notAfter },
    })
  }
  return certificate
}

/**
 * `certificate_issuer_key`, opened with its pass phrase if it has one.
 *
 * @throws `KEY_ENCRYPTED`, `KEY_MALFORMED`, `KEY_TOO_WEAK`; `PROXY_KEY_MISMATCH` when it is not that
 *   of the certificate.
 */
export function parseIssuerKey(
  text: Uint8Array,
  passPhrase: string | undefined,
  certificate: Certificate,
): KeyObject {
  const blocks = parsePem(text).filter(({ label }) => isPrivateKeyLabel(label))
  const [block] = blocks
  if (block === undefined || blocks.length > 1) throw noneIn('private key')
  const secret = passPhrase === undefined ? undefined : Buffer.from(passPhrase, 'utf8')
  if (secret === undefined && isEncryptedKey(block)) {
    throw new VoboxError('KEY_ENCRYPTED', 'has a pass phrase', {
      hint: 'Write certificate_issuer_key_passphrase, into a file that only its owner can read',
      data: { reason: 'no-pass-phrase' },
    })
  }
  const key = parsePrivateKey(block, secret)
  secret?.fill(0)
  const { asymmetricKeyType: keyType, asymmetricKeyDetails: details } = key
  if (keyType === 'rsa' && (details?.modulusLength ?? 0) < LEAST_RSA_BITS) {
    throw new VoboxError('KEY_TOO_WEAK', `has fewer than ${LEAST_RSA_BITS} bits`, {
      hint: 'Nobody trusts what it signs: make the CA anew',
      data: { keyBits: details?.modulusLength },
    })
  }
  if (!['rsa', 'ec', 'ed25519'].includes(keyType ?? '')) {
    throw new VoboxError('KEY_MALFORMED', `is a key of ${keyType}, which signs no certificates`, {
      hint: 'Use an RSA key, or one of P-256',
    })
  }
  if (!keysMatch(key, certificate.publicKey)) {
    throw new VoboxError('PROXY_KEY_MISMATCH', 'is not the key of certificate_issuer_cert', {
      hint: 'Name the certificate and the key of the same CA',
    })
  }
  return key
}

/**
 * `certificate_issuer_subca_certfile`: the CA's own certificate, if it is there, then each one's
 * issuer. The C server sends whatever it finds; a client that gets strays builds no path.
 *
 * @param issuer undefined where a program issues: then only the order within the file is judged.
 * @throws `CERTIFICATE_MALFORMED`; `CHAIN_BROKEN` for a certificate that signed none before it.
 */
export function parseSubCaFile(text: Uint8Array, issuer: Certificate | undefined): Certificate[] {
  const found = certificatesIn(text)
  const [first, ...rest] = found
  if (first === undefined) throw noneIn('certificate')
  const startsWithIssuer = issuer === undefined || isSame(first, issuer)
  const chain = startsWithIssuer ? [first] : [issuer, first]
  for (const next of rest) chain.push(next)
  chain.forEach((certificate, index) => {
    const above = chain[index + 1]
    if (above !== undefined) requireIssued(certificate, above)
  })
  return chain
}

function requireIssued(certificate: Certificate, above: Certificate): void {
  const { issuer } = certificate
  if (sameName(above.subject, issuer) && isSignedBy(certificate, above.publicKey)) return
  throw new VoboxError('CHAIN_BROKEN', `${above.subject.oneLine} did not issue what precedes it`, {
    hint: 'Write the certificate of the sub-CA first, then that of its issuer, and so on',
    data: { subject: above.subject.oneLine },
  })
}

function isSame(a: Certificate, b: Certificate): boolean {
  return Buffer.compare(a.der, b.der) === 0
}

export function certificatesIn(text: Uint8Array | string): Certificate[] {
  const blocks = parsePem(text).filter(({ label }: PemBlock) => /^(X509 )?CERTIFICATE$/.test(label))
  return blocks.map(({ bytes }) => parseCertificate(bytes))
}

function noneIn(what: string): VoboxError {
  return new VoboxError('PEM_MALFORMED', `does not hold one ${what} in PEM`, {
    hint: 'Look into the file: openssl x509 -in FILE, or openssl pkey -in FILE',
  })
}
