/** OpenSSL's one-line form of a name (`X509_NAME_oneline`, `-nameopt compat`). */
import { attributeShortName } from '../asn1/attribute-types.js'
import { TAG } from '../asn1/der.js'
import type { NameAttribute } from './name.js'

/**
 * `/TYPE=value` for every attribute; further attributes of a multi-valued part begin with `+`
 * instead (OpenSSL before 1.1.1 wrote a slash there too); bytes outside printable ASCII as `\xHH`.
 * Bytes, not characters: a UTF-8 letter shows as two escapes and a BMPString has `\x00` before every
 * ASCII letter. A slash inside a value is not escaped, so the form can be ambiguous; that is why
 * nothing parses it.
 */
export function nameOneLine(parts: readonly (readonly NameAttribute[])[]): string {
  return parts.flatMap((part) => part.map(attributeOneLine)).join('')
}

function attributeOneLine({ type, tag, value }: NameAttribute, index: number): string {
  const separator = index === 0 ? '/' : '+'
  return `${separator}${attributeShortName(type)}=${escapeBytes(shown(tag, value))}`
}

/** OpenSSL takes a GeneralString for 32-bit characters when its first three octets in four are 0. */
function shown(tag: number, value: Uint8Array): Uint8Array {
  if (tag !== TAG.generalString || value.length % 4 !== 0) return value
  if (value.some((octet, index) => index % 4 !== 3 && octet !== 0)) return value
  return value.filter((_, index) => index % 4 === 3)
}

function escapeBytes(bytes: Uint8Array): string {
  let text = ''
  for (const octet of bytes) {
    text +=
      octet >= 0x20 && octet <= 0x7e
        ? String.fromCharCode(octet)
        : `\\x${octet.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}
