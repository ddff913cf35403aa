/** File names of a hashed CA directory: what `openssl x509 -subject_hash` and `-subject_hash_old` print. */
import { createHash } from 'node:crypto'
import { derSequence, derSet, derUtf8String, encodeDer, TAG } from '../asn1/der.js'
import type { Name, NameAttribute } from './name.js'
import { decodeText, isTextTag } from './name-text.js'

/** Since OpenSSL 1.0: SHA-1 over the canonical form. Eight hexadecimal digits. */
export function nameHash(name: Name): string {
  return firstWord(createHash('sha1').update(canonicalName(name)).digest())
}

/** Before OpenSSL 1.0: MD5 over the DER. Globus still looks for it. */
export function nameHashOld(name: Name): string {
  return firstWord(createHash('md5').update(name.der).digest())
}

function firstWord(digest: Buffer): string {
  return digest.readUInt32LE(0).toString(16).padStart(8, '0')
}

/**
 * The parts without the outer SEQUENCE, every text as folded UTF-8 (`x509_name_canon`): names that
 * RFC 5280 §7.1 calls the same have the same one. Good for finding things, not for trusting them.
 */
export function canonicalName(name: Name): Uint8Array {
  return Buffer.concat(name.parts.map((part) => derSet(...part.map(canonicalAttribute))))
}

function canonicalAttribute({ typeBytes, tag, value }: NameAttribute): Uint8Array {
  const text = isTextTag(tag)
    ? derUtf8String(foldText(decodeText(tag, value)))
    : encodeDer(tag, value)
  return derSequence(encodeDer(TAG.oid, typeBytes), text)
}

/** ASCII alone: trims and collapses white space to one space, lowers capitals. */
function foldText(text: string): string {
  return text
    .replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '')
    .replace(/[ \t\n\v\f\r]+/g, ' ')
    .replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
}
