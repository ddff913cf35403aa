/**
 * A credential as STORE sends it and RETRIEVE gives it back: PEM blocks, in which the key is as it is
 * on disk; it is never decrypted on the way.
 *
 * Sent are leaf, key, rest of the chain. The C server keeps the text as it comes, and reads its own
 * files in that order: of a chain that stood before the key it would delegate the leaf alone.
 */
import { VoboxError } from '../errors.js'
import { orderChain, withoutDuplicates } from '../proxy/order-chain.js'
import { type Certificate, parseCertificate } from '../x509/certificate.js'
import { encodePem, type PemBlock, parsePem } from '../x509/pem.js'
import {
  encodeKeyBlock,
  isEncryptedKey,
  isPrivateKeyLabel,
  keysMatch,
  parsePrivateKey,
} from '../x509/private-key.js'

/** A credential as it is on disk. */
export interface StoredFiles {
  /** PEM: the certificate first, and any of its chain. Text between the blocks stays behind. */
  certificatesPem: string | Uint8Array
  /** PEM; encrypted with the pass phrase that retrieval will need, or anybody who gets it has it. */
  keyPem: string | Uint8Array
}

/** A credential as a server gives it back. */
export interface StoredChain {
  /** Leaf first, no root. */
  chain: readonly Certificate[]
  /** One PEM block, encrypted if it was stored so. A secret. */
  keyPem: string
}

/** Largest credential sent or taken, in bytes; `MAX_CREDENTIAL_BYTES` of a proxy file. */
export const MAX_STORED_BYTES = 512 * 1024

const CERTIFICATE = /^(?:X509 )?CERTIFICATE$/

/**
 * What goes over the wire, without the NUL at its end.
 *
 * @throws VoboxError `KEY_MALFORMED` (`data.reason` `'no-key'`, `'several-keys'`),
 *   `CERTIFICATE_MALFORMED`, `PEM_MALFORMED`, `CHAIN_BROKEN` for a certificate that is no part of the
 *   chain, `PROXY_KEY_MISMATCH` where the key is not encrypted and another one's.
 */
export function encodeStoredFiles({ certificatesPem, keyPem }: StoredFiles): Buffer {
  const certificates = parsePem(certificatesPem).filter(({ label }) => CERTIFICATE.test(label))
  const { chain, keyPem: key } = storedChain(certificates, parsePem(keyPem))
  const [leaf, ...others] = chain.map(({ der }) => encodePem('CERTIFICATE', der))
  const bytes = Buffer.from([leaf, key, ...others].join(''), 'latin1')
  if (bytes.length > MAX_STORED_BYTES) {
    throw new VoboxError('MESSAGE_TOO_LARGE', `more than ${MAX_STORED_BYTES} bytes to be stored`, {
      data: { bytes: bytes.length, maxBytes: MAX_STORED_BYTES },
      hint: 'Store the certificate with its own chain alone',
    })
  }
  return bytes
}

/** Reads what a server gives back; fails as {@link encodeStoredFiles} does. */
export function parseStoredFiles(bytes: Uint8Array): StoredChain {
  const blocks = parsePem(bytes)
  const certificates = blocks.filter(({ label }) => CERTIFICATE.test(label))
  return storedChain(certificates, blocks)
}

function storedChain(certificates: readonly PemBlock[], blocks: readonly PemBlock[]): StoredChain {
  const key = onlyKey(blocks)
  const [leaf, ...others] = withoutDuplicates(
    certificates.map(({ bytes }) => parseCertificate(bytes)),
  )
  if (leaf === undefined) {
    throw new VoboxError('CERTIFICATE_MALFORMED', 'there is no certificate with the private key', {
      data: { reason: 'no-certificate' },
    })
  }
  if (!isEncryptedKey(key) && !keysMatch(parsePrivateKey(key), leaf.publicKey)) {
    throw new VoboxError('PROXY_KEY_MISMATCH', 'the private key is not that of the certificate', {
      data: { subjects: [leaf.subject.oneLine] },
      hint: 'Name the certificate and the key that belong together',
    })
  }
  return { chain: orderChain(leaf, others), keyPem: encodeKeyBlock(key) }
}

function onlyKey(blocks: readonly PemBlock[]): PemBlock {
  const keys = blocks.filter(({ label }) => isPrivateKeyLabel(label))
  const [key] = keys
  if (key !== undefined && keys.length === 1) return key
  const [reason, what] =
    keys.length === 0
      ? (['no-key', 'there is no private key'] as const)
      : (['several-keys', `there are ${keys.length} private keys, where one is due`] as const)
  throw new VoboxError('KEY_MALFORMED', what, { data: { reason } })
}
