/** A chain as both sides of a delegation send it: one count byte, then that many certificates in DER. */
import { violation } from './text-message.js'

/** Most certificates in one list. A byte could say 255; no real chain is over a dozen. */
export const MAX_LISTED_CERTIFICATES = 32

/** Largest certificate accepted, in bytes; attribute certificates make proxies big. */
export const MAX_CERTIFICATE_BYTES = 256 * 1024

export function encodeCertificateList(certificates: readonly Uint8Array[]): Buffer {
  checkCount(certificates.length)
  return Buffer.concat([Buffer.of(certificates.length), ...certificates])
}

/** @throws `PROTOCOL_VIOLATION` for none or more than {@link MAX_LISTED_CERTIFICATES}. */
export function checkCount(count: number): number {
  if (count < 1 || count > MAX_LISTED_CERTIFICATES) {
    const limit = MAX_LISTED_CERTIFICATES
    throw violation(`there is a list of ${count} certificates, not of 1 to ${limit}`, { count })
  }
  return count
}
