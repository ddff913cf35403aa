/**
 * A serial number as lower-case hexadecimal, without the octet that only keeps it positive, so that
 * certificates and revocation lists spell the same number the same way.
 */
export function serialHexOf(integerContent: Uint8Array): string {
  return Buffer.from(integerContent)
    .toString('hex')
    .replace(/^00(?=.)/, '')
}
