/**
 * Reads PKCS#12 files (RFC 7292): a private key and certificates behind a pass phrase, as browsers,
 * OpenSSL and Java export them.
 *
 * Certificates come out with the bytes that they went in with: their names must survive. The MAC is
 * checked before anything is decrypted, so that a wrong pass phrase is told from a damaged file.
 */
import {
  createHash,
  createHmac,
  createPrivateKey,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'
import { derOfBer } from '../asn1/ber.js'
import { DerReader, TAG } from '../asn1/der.js'
import { OID } from '../asn1/oids.js'
import { isVoboxError, VoboxError } from '../errors.js'
import {
  decryptPkcs12,
  derivePkcs12,
  hashOf,
  type Pkcs12PassPhrase,
  PURPOSE,
  unsupported,
} from './pkcs12-encryption.js'

export interface Pkcs12Content {
  readonly privateKey: KeyObject
  /** DER as it stands in the file, in the file's order. */
  readonly certificates: readonly Uint8Array[]
}

/** `[0] IMPLICIT OCTET STRING`, whole or, in BER, in pieces. */
const ENCRYPTED_CONTENT = 0x80
const ENCRYPTED_CONTENT_IN_PIECES = 0xa0

/** A file of bags in bags has no end otherwise; nobody nests any. */
const MAX_NESTED_BAGS = 4

/** Key and certificates are encrypted apart; what derives a key for each must come to an end. */
const MAX_ENCRYPTED = 8

interface Found {
  /** How often something was decrypted. */
  decrypted: number
  keys: KeyObject[]
  certificates: Uint8Array[]
}

/** Whether `bytes` begin as DER or BER does, and not as the text of a PEM file does. */
export function looksLikePkcs12(bytes: Uint8Array): boolean {
  return bytes[0] === TAG.sequence && (bytes[1] ?? 0) >= 0x80
}

/**
 * Opens a file.
 *
 * @param passPhrase as UTF-8; an empty one opens a file that was made without.
 * @throws VoboxError `PASS_PHRASE_WRONG`; `PKCS12_MALFORMED` with `data.reason` `'no-key'`,
 *   `'several-keys'`, `'no-certificate'`, `'no-mac'`, `'unsupported-cipher'`, `'malformed'`.
 */
export async function parsePkcs12(bytes: Uint8Array, passPhrase: Buffer): Promise<Pkcs12Content> {
  try {
    const { content, mac } = readOuter(bytes)
    const opened = passPhraseThatOpens(content, mac, passPhrase)
    const found: Found = { decrypted: 0, keys: [], certificates: [] }
    for (const safe of sequenceOf(content)) await readSafe(safe, opened, found)
    return onlyKeyOf(found)
  } catch (cause) {
    if (isVoboxError(cause) && cause.code !== 'ASN1_MALFORMED') throw cause
    const why = isVoboxError(cause) ? cause.message : 'what is inside cannot be read'
    throw malformedFile('malformed', `is not a PKCS#12 file that can be read: ${why}`, cause)
  }
}

interface Mac {
  hashOid: string
  digest: Uint8Array
  salt: Uint8Array
  iterations: number
}

/** PFX, RFC 7292 §4: what the MAC is about, and the MAC. */
function readOuter(bytes: Uint8Array): { content: Uint8Array; mac: Mac } {
  const outer = new DerReader(derOfBer(bytes)).readSequence()
  if (outer.readSmallInteger() !== 3)
    throw malformedFile('malformed', 'is of another version than 3')
  const authSafe = outer.readSequence()
  const contentType = authSafe.readOid()
  if (contentType !== OID.pkcs7Data) throw unsupported(contentType)
  const content = explicit(authSafe).readOctetString()
  if (outer.atEnd()) {
    throw malformedFile('no-mac', 'has no MAC, so that nobody can say who changed it')
  }
  const macData = outer.readSequence()
  const digestInfo = macData.readSequence()
  const hashOid = digestInfo.readSequence().readOid()
  const digest = digestInfo.readOctetString()
  const salt = macData.readOctetString()
  const iterations = macData.atEnd() ? 1 : macData.readSmallInteger()
  return { content, mac: { hashOid, digest, salt, iterations } }
}

/** An empty pass phrase is written in two ways: two octets of zero, or nothing at all. */
function passPhraseThatOpens(content: Uint8Array, mac: Mac, passPhrase: Buffer): Pkcs12PassPhrase {
  const bmp = Buffer.from(`${passPhrase.toString('utf8')}\0`, 'utf16le').swap16()
  const forms = passPhrase.length === 0 ? [bmp, Buffer.alloc(0)] : [bmp]
  const form = forms.find((candidate) => isMacOf(content, mac, candidate))
  if (form !== undefined) return { utf8: passPhrase, bmp: form }
  throw new VoboxError('PASS_PHRASE_WRONG', 'the pass phrase does not open the file', {
    hint: 'it is the one that was given when the file was exported',
  })
}

function isMacOf(content: Uint8Array, mac: Mac, passPhrase: Buffer): boolean {
  const hash = hashOf(mac.hashOid)
  if (hash === undefined) throw unsupported(mac.hashOid)
  const { digest, salt, iterations } = mac
  const purpose = PURPOSE.mac
  // RFC 7292 §B.4: a MAC is as long as its hash, and so is its key.
  if (digest.length !== createHash(hash.name).digest().length) {
    throw malformedFile('malformed', 'has a MAC of the wrong length')
  }
  const length = digest.length
  const key = derivePkcs12({ hash, passPhrase, salt, iterations, purpose, length })
  const made = createHmac(hash.name, key).update(content).digest()
  return made.length === digest.length && timingSafeEqual(made, digest)
}

/** ContentInfo: safe contents, encrypted or not. */
async function readSafe(
  safe: DerReader,
  passPhrase: Pkcs12PassPhrase,
  found: Found,
): Promise<void> {
  const contentType = safe.readOid()
  const content = explicit(safe)
  if (contentType === OID.pkcs7Data) {
    await readBags(content.readOctetString(), passPhrase, found)
    return
  }
  if (contentType !== OID.pkcs7EncryptedData) throw unsupported(contentType)
  const encryptedData = content.readSequence()
  encryptedData.readSmallInteger()
  const info = encryptedData.readSequence()
  info.readOid()
  const algorithm = info.readSequence()
  countDecryption(found)
  const plain = await decryptPkcs12(algorithm, encryptedContent(info), passPhrase)
  await readBags(plain, passPhrase, found)
}

function countDecryption(found: Found): void {
  found.decrypted += 1
  if (found.decrypted > MAX_ENCRYPTED) throw malformedFile('malformed', 'has too many parts')
}

function encryptedContent(info: DerReader): Uint8Array {
  if (info.peekTag() !== ENCRYPTED_CONTENT_IN_PIECES) return info.read(ENCRYPTED_CONTENT)
  const pieces = info.readNested(ENCRYPTED_CONTENT_IN_PIECES)
  const parts: Uint8Array[] = []
  while (!pieces.atEnd()) parts.push(pieces.readOctetString())
  return Buffer.concat(parts)
}

async function readBags(
  contents: Uint8Array,
  passPhrase: Pkcs12PassPhrase,
  found: Found,
  depth = 0,
): Promise<void> {
  if (depth > MAX_NESTED_BAGS) throw malformedFile('malformed', 'has bags in bags in bags')
  for (const bag of sequenceOf(contents)) {
    const kind = bag.readOid()
    const value = explicit(bag)
    if (kind === OID.pkcs12CertBag) readCertificate(value.readSequence(), found)
    else if (kind === OID.pkcs12KeyBag) found.keys.push(keyOf(value.readElement().raw))
    else if (kind === OID.pkcs12ShroudedKeyBag) {
      const encrypted = value.readSequence()
      const algorithm = encrypted.readSequence()
      countDecryption(found)
      found.keys.push(
        keyOf(await decryptPkcs12(algorithm, encrypted.readOctetString(), passPhrase)),
      )
    } else if (kind === OID.pkcs12SafeContentsBag) {
      await readBags(value.readElement().raw, passPhrase, found, depth + 1)
    }
    // Lists and secrets are of no use to anybody here.
  }
}

function readCertificate(bag: DerReader, found: Found): void {
  const kind = bag.readOid()
  if (kind === OID.pkcs12X509Certificate) found.certificates.push(explicit(bag).readOctetString())
}

function keyOf(privateKeyInfo: Uint8Array): KeyObject {
  const key = Buffer.from(privateKeyInfo)
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  } finally {
    key.fill(0)
  }
}

function onlyKeyOf({ keys, certificates }: Found): Pkcs12Content {
  const [privateKey] = keys
  if (privateKey === undefined) throw malformedFile('no-key', 'holds no private key')
  if (keys.length > 1) {
    throw malformedFile('several-keys', `holds ${keys.length} private keys`)
  }
  if (certificates.length === 0) throw malformedFile('no-certificate', 'holds no certificate')
  return { privateKey, certificates }
}

/** Readers over the elements of a SEQUENCE OF SEQUENCE, which may be in BER. */
function sequenceOf(bytes: Uint8Array): DerReader[] {
  const outer = new DerReader(derOfBer(bytes)).readSequence()
  const readers: DerReader[] = []
  while (!outer.atEnd()) readers.push(outer.readSequence())
  return readers
}

function explicit(reader: DerReader): DerReader {
  const inner = reader.readOptionalContext(0)
  if (inner === undefined) throw malformedFile('malformed', 'lacks a content')
  return inner
}

function malformedFile(reason: string, what: string, cause?: unknown): VoboxError {
  return new VoboxError('PKCS12_MALFORMED', `the file ${what}`, {
    hint: 'export certificate and key anew: openssl pkcs12 -export -in CERT -inkey KEY -out FILE',
    data: { reason },
    cause,
  })
}
