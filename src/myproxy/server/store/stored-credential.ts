/**
 * The `.creds` file: leaf, private key (encrypted where a pass phrase was given), chain; in PEM.
 */
import { isVoboxError, VoboxError } from '../../../errors.js'
import { type Credential, parseCredential } from '../../../proxy/credential.js'
import { type Certificate, parseCertificate } from '../../../x509/certificate.js'
import { encodePem, type PemBlock, parsePem } from '../../../x509/pem.js'
import { encodePrivateKey, isEncryptedKey, isPrivateKeyLabel } from '../../../x509/private-key.js'
import type { StoredChain } from '../../stored-files.js'
import type { StoredEntry } from './credential-repository.js'
import { type KeyGuard, protectKey, unprotectKey, workToOpen } from './key-protection.js'

/**
 * @param passPhrase encrypts the key; empty: it is stored as it is, for renewal.
 * @throws `signal.reason`.
 */
export async function encodeStoredCredential(
  credential: Credential,
  passPhrase: string,
  guard: KeyGuard,
  signal?: AbortSignal,
): Promise<Buffer> {
  const keyPem =
    passPhrase === ''
      ? encodePrivateKey(credential.privateKey)
      : await protectKey(credential.privateKey, passPhrase, guard, signal)
  return encodeStoredFiles({ chain: credential.chain, keyPem })
}

/** @param files as their owner handed them over; the key stays as it is. */
export function encodeStoredFiles({ chain, keyPem }: StoredChain): Buffer {
  const [leaf, ...others] = chain.map(({ der }) => encodePem('CERTIFICATE', der))
  return Buffer.from([leaf, keyPem, ...others].join(''), 'latin1')
}

/**
 * The public half, leaf first; needs no pass phrase.
 *
 * @param parse default `parseCertificate`.
 */
export function storedChain(
  entry: StoredEntry,
  parse: (der: Uint8Array) => Certificate = parseCertificate,
): Certificate[] {
  return certificateBlocks(entry).map(({ bytes }) => parse(bytes))
}

/** Whether only a pass phrase opens it. */
export function isProtected(entry: StoredEntry): boolean {
  return entry.data.passPhraseHash !== undefined || isEncryptedKey(keyBlock(entry))
}

/** What one guess at its pass phrase costs, as `workToOpen` measures. */
export function workToGuess(entry: StoredEntry): number {
  return workToOpen(keyBlock(entry))
}

/**
 * Opens a stored credential. A pass phrase for one that has none is a wrong one: whoever stored it
 * meant it for renewal only.
 *
 * @param options.parse of certificates; default `parseCertificate`.
 * @throws `KEY_ENCRYPTED` with `data.reason`; what `parseCredential` throws for a damaged one;
 *   `signal.reason`.
 */
export async function openStoredCredential(
  entry: StoredEntry,
  passPhrase: string,
  { parse, signal }: { parse?: (der: Uint8Array) => Certificate; signal?: AbortSignal } = {},
): Promise<Credential> {
  const key = keyBlock(entry)
  // Some C servers kept a crypt(3) hash beside a plain key. We cannot check it: nothing opens that.
  if (isEncryptedKey(key) !== (passPhrase !== '') || entry.data.passPhraseHash !== undefined) {
    throw new VoboxError('KEY_ENCRYPTED', 'the pass phrase does not open the stored credential', {
      data: { reason: passPhrase === '' ? 'no-pass-phrase' : 'wrong-pass-phrase' },
    })
  }
  if (passPhrase === '') return parseCredential(entry.creds, undefined, parse)
  const opened = encodePrivateKey(await unprotectKey(key, passPhrase, signal))
  const certificates = certificateBlocks(entry).map(({ label, bytes }) => encodePem(label, bytes))
  try {
    const text = [...certificates, opened].join('')
    return parseCredential(Buffer.from(text, 'latin1'), undefined, parse)
  } catch (error) {
    // One wrong pass phrase in some hundred decrypts to what looks like a key.
    if (!isVoboxError(error, 'PROXY_KEY_MISMATCH')) throw error
    throw new VoboxError('KEY_ENCRYPTED', 'the pass phrase does not open the stored credential', {
      data: { reason: 'wrong-pass-phrase' },
      cause: error,
    })
  }
}

function certificateBlocks(entry: StoredEntry): PemBlock[] {
  return parsePem(entry.creds).filter(({ label }) => label === 'CERTIFICATE')
}

function keyBlock(entry: StoredEntry): PemBlock {
  const blocks = parsePem(entry.creds).filter(({ label }) => isPrivateKeyLabel(label))
  const [key] = blocks
  if (key !== undefined && blocks.length === 1) return key
  throw new VoboxError('MYPROXY_STORE_MALFORMED', 'a stored credential has not one private key', {
    data: { keys: blocks.length },
  })
}
