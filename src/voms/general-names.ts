/** GeneralNames (RFC 5280 §4.2.1.6) as far as attribute certificates need them. */
import { DerReader } from '../asn1/der.js'
import { malformed } from '../asn1/malformed.js'
import { constructedContextTag, contextTag } from '../asn1/tags.js'
import { type Name, parseName } from '../x509/name.js'

const DNS_NAME = contextTag(2)
const DIRECTORY_NAME = constructedContextTag(4)
const URI = contextTag(6)

const PRINTABLE = /^[\x21-\x7e]+$/

/** GeneralNames, opened, that are one URI. */
export function readUri(names: DerReader): string {
  const uri = printableText(names.read(URI))
  names.done()
  return uri
}

/** GeneralNames, opened, that are one directory name. */
export function readDirectoryName(names: DerReader): Name {
  const explicit = names.readNested(DIRECTORY_NAME)
  names.done()
  const { raw } = explicit.readElement()
  explicit.done()
  return parseName(raw)
}

/** One GeneralName that says a host, as a DNS name or as a URI; undefined: it is of another kind. */
export function decodeHost(generalName: Uint8Array): string | undefined {
  const reader = new DerReader(generalName)
  const { tag, content } = reader.readElement()
  reader.done()
  return tag === DNS_NAME || tag === URI ? printableText(content) : undefined
}

/** IA5 without blanks and control characters. */
function printableText(content: Uint8Array): string {
  const text = Buffer.from(content).toString('latin1')
  if (!PRINTABLE.test(text)) throw malformed('name holds characters that it may not')
  return text
}
