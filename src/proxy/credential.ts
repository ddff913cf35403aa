/**
 * The proxy file's codec: a private key, its certificate and the chain above it, in PEM.
 *
 * Blocks come in any order, with text between them: tools write leaf-key-chain, chain-key or bags of
 * everything. The leaf is the certificate that the key belongs to. Anything that another program
 * could read differently (two keys, two certificates for the key, a certificate that is no part of
 * the chain) is refused. What goes out is always leaf, key, chain, without a root.
 */
import type { KeyObject } from 'node:crypto'
import { VoboxError } from '../errors.js'
import { type Certificate, parseCertificate } from '../x509/certificate.js'
import { encodePem, type PemBlock, parsePem } from '../x509/pem.js'
import {
  encodePrivateKey,
  isPrivateKeyLabel,
  keysMatch,
  parsePrivateKey,
} from '../x509/private-key.js'
import { orderChain, withoutDuplicates } from './order-chain.js'

/** A private key, its certificate and the chain above: of a user, a host or a proxy. */
export interface Credential {
  /** Key of the leaf. */
  readonly privateKey: KeyObject
  /** Leaf first, each signed by the next, no root. */
  readonly chain: readonly Certificate[]
}

/** Largest proxy file accepted, in bytes; a deep chain with several ACs stays below 100 kB. */
export const MAX_CREDENTIAL_BYTES = 512 * 1024

/** Most certificates in one file; the deepest delegation that anybody accepts is far below. */
const MAX_CERTIFICATES = 64

const CERTIFICATE_LABELS: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE'])

/** Written by `openssl ecparam -genkey` before the key; says nothing that the key does not. */
const IGNORED_LABELS: ReadonlySet<string> = new Set(['EC PARAMETERS'])

/**
 * Reads a credential.
 *
 * @param passPhrase for an encrypted key; proxies have none.
 * @param parse of certificates; default `parseCertificate`.
 * @throws VoboxError `PROXY_FILE_MALFORMED` (`data.reason` says how), `PROXY_KEY_MISMATCH`,
 *   `KEY_ENCRYPTED`, `KEY_MALFORMED`.
 */
export function parseCredential(
  bytes: Uint8Array,
  passPhrase?: Buffer,
  parse?: (der: Uint8Array) => Certificate,
): Credential {
  const blocks = parseBlocks(bytes)
  const key = onlyKey(blocks)
  const certificates = parseCertificates(blocks, parse)
  const privateKey = parsePrivateKey(key, passPhrase)
  const leaf = leafOf(privateKey, certificates)
  const others = certificates.filter((certificate) => certificate !== leaf)
  return { privateKey, chain: inMalformedFile('chain', () => orderChain(leaf, others)) }
}

/**
 * Reads a credential whose certificates and key stand in two files, as a host's do.
 *
 * Fails as {@link parseCredential} does; a second key in the certificate's file is refused.
 */
export function parseSplitCredential(
  certificateFile: Uint8Array,
  keyFile: Uint8Array,
  passPhrase?: Buffer,
): Credential {
  return parseCredential(Buffer.concat([certificateFile, Buffer.from('\n'), keyFile]), passPhrase)
}

/**
 * The certificates of a proxy file as they stand, whatever key is with them; for looking alone.
 *
 * @param parse of certificates; default `parseCertificate`.
 */
export function parseCertificateChain(
  bytes: Uint8Array,
  parse?: (der: Uint8Array) => Certificate,
): Certificate[] {
  return parseCertificates(parseBlocks(bytes), parse)
}

function parseBlocks(bytes: Uint8Array): PemBlock[] {
  if (bytes.length > MAX_CREDENTIAL_BYTES) {
    throw malformedFile('too-large', `is larger than ${MAX_CREDENTIAL_BYTES} bytes`, {
      sizeBytes: bytes.length,
    })
  }
  if (bytes.includes(0)) throw malformedFile('binary', 'is not PEM text: it holds binary data')
  const blocks = inMalformedFile('pem', () => parsePem(bytes))
  for (const { label } of blocks) {
    const known =
      CERTIFICATE_LABELS.has(label) || IGNORED_LABELS.has(label) || isPrivateKeyLabel(label)
    if (!known) {
      throw malformedFile('foreign-block', `holds a "${label}" block, which has no place in it`, {
        label,
      })
    }
  }
  return blocks
}

function onlyKey(blocks: readonly PemBlock[]): PemBlock {
  const keys = blocks.filter((block) => isPrivateKeyLabel(block.label))
  const [key] = keys
  if (key === undefined) throw malformedFile('no-key', 'holds no private key')
  if (keys.length > 1) {
    throw malformedFile('several-keys', `holds ${keys.length} private keys`, { keys: keys.length })
  }
  return key
}

function parseCertificates(
  blocks: readonly PemBlock[],
  parse: (der: Uint8Array) => Certificate = parseCertificate,
): Certificate[] {
  const found = blocks.filter((block) => CERTIFICATE_LABELS.has(block.label))
  if (found.length === 0) throw malformedFile('no-certificate', 'holds no certificate')
  if (found.length > MAX_CERTIFICATES) {
    throw malformedFile('too-many-certificates', `holds ${found.length} certificates`, {
      certificates: found.length,
    })
  }
  return inMalformedFile('certificate', () =>
    withoutDuplicates(found.map((block) => parse(block.bytes))),
  )
}

function leafOf(privateKey: KeyObject, certificates: readonly Certificate[]): Certificate {
  const matching = certificates.filter((certificate) =>
    inMalformedFile('certificate', () => keysMatch(privateKey, certificate.publicKey)),
  )
  const [leaf] = matching
  if (leaf === undefined) {
    throw new VoboxError(
      'PROXY_KEY_MISMATCH',
      'the private key belongs to none of the certificates',
      {
        hint: 'key and certificate are from two different credentials; make the proxy anew',
        data: { subjects: certificates.map((certificate) => certificate.subject.oneLine) },
      },
    )
  }
  if (matching.length > 1) {
    throw malformedFile('ambiguous-leaf', 'holds several certificates for its one key', {
      subjects: matching.map((certificate) => certificate.subject.oneLine),
    })
  }
  return leaf
}

/** Runs one step of reading; a failure of a lower room becomes one of this file. */
function inMalformedFile<T>(reason: string, step: () => T): T {
  try {
    return step()
  } catch (cause) {
    if (!(cause instanceof VoboxError)) throw cause
    throw new VoboxError('PROXY_FILE_MALFORMED', `the proxy file is not usable: ${cause.message}`, {
      hint: cause.hint,
      data: { ...cause.data, reason: cause.data.reason ?? reason },
      cause,
    })
  }
}

function malformedFile(
  reason: string,
  what: string,
  data: Readonly<Record<string, unknown>> = {},
): VoboxError {
  return new VoboxError('PROXY_FILE_MALFORMED', `the proxy file ${what}`, {
    hint: 'make the proxy anew with vobox-proxy proxy-init or vobox-proxy myproxy logon',
    data: { ...data, reason },
  })
}

/** The file's content: leaf, key (PKCS#8, plain), chain. It holds a secret. */
export function encodeCredential(credential: Credential): Buffer {
  const [leaf, ...above] = credential.chain.map(({ der }) => encodePem('CERTIFICATE', der))
  if (leaf === undefined) throw new TypeError('a credential has at least one certificate')
  return Buffer.from([leaf, encodePrivateKey(credential.privateKey), ...above].join(''), 'latin1')
}
