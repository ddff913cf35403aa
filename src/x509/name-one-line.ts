/** OpenSSL's one-line forms of a name (`X509_NAME_oneline`, `-nameopt compat`). */
import { attributeShortName } from '../asn1/attribute-types.js'
import { TAG } from '../asn1/der.js'
import type { NameAttribute } from './name.js'

/**
 * As OpenSSL 3 writes it: `/TYPE=value` for every attribute, further attributes of a multi-valued
 * part begin with `+` instead, a slash or plus inside a value has a backslash before it, bytes
 * outside printable ASCII are `\xHH`. Bytes, not characters: a UTF-8 letter shows as two escapes and
 * a BMPString has `\x00` before every ASCII letter. A backslash is not escaped, so the form can still
 * be ambiguous; that is why nothing parses it.
 */
export function nameOneLine(parts: readonly (readonly NameAttribute[])[]): string {
  return parts
    .flatMap((part) => part.map((one, index) => `${index === 0 ? '/' : '+'}${escaped(one)}`))
    .join('')
}

/**
 * As OpenSSL before 3, and Java to this day, write it: a slash before every attribute, none escaped.
 * DNs that people copied into configurations and policies over the years look like this.
 */
export function nameClassicOneLine(parts: readonly (readonly NameAttribute[])[]): string {
  return parts
    .flat()
    .map((attribute) => `/${plain(attribute)}`)
    .join('')
}

function escaped({ type, tag, value }: NameAttribute): string {
  return `${attributeShortName(type)}=${showBytes(shown(tag, value)).replace(/[/+]/g, '\\$&')}`
}

function plain({ type, tag, value }: NameAttribute): string {
  return `${attributeShortName(type)}=${showBytes(shown(tag, value))}`
}

/** OpenSSL takes a GeneralString for 32-bit characters when its first three octets in four are 0. */
function shown(tag: number, value: Uint8Array): Uint8Array {
  if (tag !== TAG.generalString || value.length % 4 !== 0) return value
  if (value.some((octet, index) => index % 4 !== 3 && octet !== 0)) return value
  return value.filter((_, index) => index % 4 === 3)
}

function showBytes(bytes: Uint8Array): string {
  let text = ''
  for (const octet of bytes) {
    text +=
      octet >= 0x20 && octet <= 0x7e
        ? String.fromCharCode(octet)
        : `\\x${octet.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}
