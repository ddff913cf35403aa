/**
 * Keys that were encrypted with single DES, as old `grid-cert-request` and OpenSSL 0.9 left them.
 *
 * Today's OpenSSL has no single DES without its legacy provider, but triple DES with one key three
 * times over is the same function.
 */
import { createDecipheriv, createHash, createPrivateKey, type KeyObject } from 'node:crypto'
import type { PemBlock } from './pem.js'

const DEK_INFO = /^DES-CBC,([0-9A-Fa-f]{16})$/

export function isSingleDes(block: PemBlock): boolean {
  return DEK_INFO.test(block.headers.get('DEK-Info') ?? '')
}

/** Throws whatever OpenSSL throws when the pass phrase is wrong; the caller names it. */
export function decryptSingleDes(
  block: PemBlock,
  passPhrase: Buffer,
  type: 'pkcs8' | 'pkcs1' | 'sec1' | undefined,
): KeyObject {
  const vector = Buffer.from(DEK_INFO.exec(block.headers.get('DEK-Info') ?? '')?.[1] ?? '', 'hex')
  // EVP_BytesToKey with MD5 and one round: one digest is more than the eight octets needed.
  const key = createHash('md5').update(passPhrase).update(vector).digest().subarray(0, 8)
  const decipher = createDecipheriv('des-ede3-cbc', Buffer.concat([key, key, key]), vector)
  const der = Buffer.concat([decipher.update(block.bytes), decipher.final()])
  return createPrivateKey({ key: der, format: 'der', type: type ?? 'pkcs8' })
}
