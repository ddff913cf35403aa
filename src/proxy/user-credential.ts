/**
 * A user's certificate and key, as a CA or a browser gave them: two PEM files, or one of PKCS#12.
 *
 * Unlike a proxy's, the key is usually encrypted, and the files are not ours to write: what else
 * stands in them (the CAs above, a root) is passed over unless it leads up from the certificate.
 */
import type { KeyObject } from 'node:crypto'
import { isVoboxError, VoboxError } from '../errors.js'
import { type Certificate, isSignedBy, parseCertificate } from '../x509/certificate.js'
import { sameName } from '../x509/name.js'
import { type PemBlock, parsePem } from '../x509/pem.js'
import { type Pkcs12Content, parsePkcs12 } from '../x509/pkcs12.js'
import {
  isEncryptedKey,
  isPrivateKeyLabel,
  keysMatch,
  parsePrivateKey,
} from '../x509/private-key.js'
import type { Credential } from './credential.js'
import { orderChain, withoutDuplicates } from './order-chain.js'

/** Asks whoever knows it for a pass phrase. The buffer is wiped when it was used. */
export type AskPassPhrase = () => Promise<Buffer>

/** As many as a bundle of CAs may hold that somebody exported with their certificate. */
const MAX_CERTIFICATES = 64

/** Whether PEM text holds a private key; false for what is no PEM. */
export function holdsPrivateKey(bytes: Uint8Array): boolean {
  try {
    return parsePem(bytes).some(({ label }) => isPrivateKeyLabel(label))
  } catch (error) {
    if (isVoboxError(error)) return false
    throw error
  }
}

/** The certificates of a PEM file. @throws VoboxError `CERTIFICATE_MALFORMED`, `PEM_MALFORMED`. */
export function parseUserCertificates(bytes: Uint8Array): Certificate[] {
  const found = parsePem(bytes).filter(({ label }) => /^(X509 )?CERTIFICATE$/.test(label))
  return certificatesOf(found.map((block) => block.bytes))
}

/**
 * The one private key of a PEM file.
 *
 * @throws VoboxError `KEY_MALFORMED` (`data.reason` `'no-key'`, `'several-keys'`), `PEM_MALFORMED`,
 *   `PASS_PHRASE_WRONG`, `KEY_ENCRYPTED` where its encryption is not supported, and what `ask`
 *   rejects with.
 */
export async function parseUserKey(bytes: Uint8Array, ask: AskPassPhrase): Promise<KeyObject> {
  const block = onlyKey(parsePem(bytes))
  if (!isEncryptedKey(block)) return parsePrivateKey(block)
  const passPhrase = await ask()
  try {
    return parsePrivateKey(block, passPhrase)
  } catch (error) {
    if (!isVoboxError(error, 'KEY_ENCRYPTED') || error.data.reason !== 'wrong-pass-phrase') {
      throw error
    }
    throw new VoboxError('PASS_PHRASE_WRONG', 'the pass phrase does not open the key', {
      hint: 'it is the one that was chosen when the key was made',
    })
  } finally {
    passPhrase.fill(0)
  }
}

/** A PKCS#12 file as a credential; who exported it without a pass phrase is not asked for one. */
export async function parseUserPkcs12(bytes: Uint8Array, ask: AskPassPhrase): Promise<Credential> {
  const { privateKey, certificates } = await openPkcs12(bytes, ask)
  return userCredential(privateKey, certificatesOf(certificates))
}

/**
 * Key and certificates as one credential: the certificate of the key, and those that lead up from it.
 *
 * @throws VoboxError `PROXY_KEY_MISMATCH` (`data.reason` `'ambiguous'` where several certificates are
 *   of this key), `CHAIN_BROKEN` for two certificates in one place.
 */
export function userCredential(
  privateKey: KeyObject,
  certificates: readonly Certificate[],
): Credential {
  const [leaf, another] = certificates.filter(({ publicKey }) => keysMatch(privateKey, publicKey))
  const subjects = certificates.map(({ subject }) => subject.oneLine)
  if (leaf === undefined) {
    throw new VoboxError('PROXY_KEY_MISMATCH', 'the key is not that of the certificate', {
      hint: 'certificate and key are of two different requests; use those that belong together',
      data: { reason: 'mismatch', subjects },
    })
  }
  if (another !== undefined) {
    throw new VoboxError('PROXY_KEY_MISMATCH', 'there are several certificates for the one key', {
      hint: 'keep the one that is valid, and move the others to another file',
      data: { reason: 'ambiguous', subjects },
    })
  }
  return { privateKey, chain: orderChain(leaf, ancestorsOf(leaf, certificates)) }
}

async function openPkcs12(bytes: Uint8Array, ask: AskPassPhrase): Promise<Pkcs12Content> {
  try {
    return await parsePkcs12(bytes, Buffer.alloc(0))
  } catch (error) {
    if (!isVoboxError(error, 'PASS_PHRASE_WRONG')) throw error
  }
  const passPhrase = await ask()
  try {
    return await parsePkcs12(bytes, passPhrase)
  } finally {
    passPhrase.fill(0)
  }
}

function onlyKey(blocks: readonly PemBlock[]): PemBlock {
  const [key, another] = blocks.filter(({ label }) => isPrivateKeyLabel(label))
  if (key !== undefined && another === undefined) return key
  const [reason, message] =
    key === undefined
      ? (['no-key', 'there is no private key in it'] as const)
      : (['several-keys', 'there is more than one private key in it'] as const)
  throw new VoboxError('KEY_MALFORMED', message, { data: { reason } })
}

function certificatesOf(ders: readonly Uint8Array[]): Certificate[] {
  if (ders.length === 0 || ders.length > MAX_CERTIFICATES) {
    const message =
      ders.length === 0 ? 'there is no certificate in it' : 'there are too many certificates in it'
    throw new VoboxError('CERTIFICATE_MALFORMED', message, { data: { certificates: ders.length } })
  }
  return withoutDuplicates(ders.map((der) => parseCertificate(der)))
}

/** Every certificate that could stand above `leaf`, so that two in one place are still found. */
function ancestorsOf(leaf: Certificate, certificates: readonly Certificate[]): Certificate[] {
  const found: Certificate[] = []
  for (let below = [leaf]; below.length > 0; ) {
    const above = certificates.filter(
      (candidate) =>
        candidate !== leaf &&
        !found.includes(candidate) &&
        below.some((one) => signs(candidate, one)),
    )
    found.push(...above)
    below = above
  }
  return found
}

function signs(candidate: Certificate, below: Certificate): boolean {
  return sameName(candidate.subject, below.issuer) && isSignedBy(below, candidate.publicKey)
}
