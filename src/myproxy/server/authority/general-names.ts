/** GeneralName (RFC 5280 §4.2.1.6) from `URI:…`, `DNS:…` and their like. */
import { encodeDer } from '../../../asn1/der.js'
import { encodeOid } from '../../../asn1/oid-codec.js'
import { contextTag } from '../../../asn1/tags.js'
import { parseIp } from '../../../x509/ip-address.js'

const IA5 = /^[\x20-\x7e]+$/

function ia5(tag: number): (text: string) => Uint8Array {
  return (text) => {
    if (!IA5.test(text)) throw new RangeError(`"${text}" is empty or not ASCII`)
    return encodeDer(contextTag(tag), Buffer.from(text, 'latin1'))
  }
}

const KINDS: Readonly<Record<string, (text: string) => Uint8Array>> = {
  email: (text) => {
    // "copy" and "move" take addresses out of the request's subject, which nobody has judged.
    if (!text.includes('@')) throw new RangeError(`"${text}" is no e-mail address`)
    return ia5(1)(text)
  },
  DNS: ia5(2),
  URI: ia5(6),
  IP: (text) => encodeDer(contextTag(7), parseIp(text)),
  RID: (text) => encodeDer(contextTag(8), encodeOid(text)),
}

/** @throws `RangeError` or `TypeError` with what is wrong. */
export function encodeGeneralName(kind: string, text: string | undefined): Uint8Array {
  const encode = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined
  if (encode === undefined || text === undefined) {
    throw new RangeError(`"${kind}" is none of ${Object.keys(KINDS).join(', ')}`)
  }
  return encode(text)
}
