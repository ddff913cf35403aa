/**
 * IetfAttrSyntax (RFC 5755 §4.4) as VOMS fills it: who grants, as the URI `vo://host:port`, and the
 * FQANs as octets.
 */
import { type DerReader, TAG } from '../asn1/der.js'
import { malformed } from '../asn1/malformed.js'
import { constructedContextTag, contextTag } from '../asn1/tags.js'
import { isVoboxError } from '../errors.js'
import { type Fqan, parseFqan } from './fqan.js'

export interface VomsAuthority {
  /** As it was written, `alice://voms.example.org:15000`. */
  readonly uri: string
  /** What stands before `://`. */
  readonly vo: string
  /** Undefined where the rest is not `host:port`; then no `.lsc` file can be found for it. */
  readonly server: { readonly host: string; readonly port: number } | undefined
}

export interface GrantedAttributes extends VomsAuthority {
  /** In the order of the encoding: the first is the primary FQAN. */
  readonly fqans: readonly Fqan[]
  /** The same as the server wrote them, with their `NULL` parts or without. */
  readonly fqanTexts: readonly string[]
}

const URI = contextTag(6)
const PRINTABLE = /^[\x21-\x7e]+$/
const AUTHORITY = /^(\w[\w.-]{0,254}):\/\/(.*)$/
const SERVER = /^(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})$/

/** Reads one IetfAttrSyntax. Throws `ASN1_MALFORMED`. */
export function readGrantedAttributes(syntax: DerReader): GrantedAttributes {
  const names = syntax.readOptionalContext(0)
  if (names === undefined) throw malformed('attribute has no policy authority')
  const authority = parseVomsAuthority(readUri(names))
  const values = syntax.readSequence()
  syntax.done()
  const fqanTexts: string[] = []
  while (!values.atEnd()) fqanTexts.push(Buffer.from(values.readOctetString()).toString('latin1'))
  if (fqanTexts.length === 0) throw malformed('attribute grants nothing')
  return { ...authority, fqans: fqanTexts.map(readFqan), fqanTexts }
}

/**
 * GeneralNames that are one URI. Also what stands before generic attributes.
 *
 * @param names opened
 */
export function readUri(names: DerReader): string {
  const text = Buffer.from(names.read(URI)).toString('latin1')
  names.done()
  if (!PRINTABLE.test(text)) throw malformed('URI holds characters that it may not')
  return text
}

export function parseVomsAuthority(uri: string): VomsAuthority {
  const [, vo, rest = ''] = AUTHORITY.exec(uri) ?? []
  if (vo === undefined) throw malformed('policy authority names no VO', { uri })
  const [, host, digits] = SERVER.exec(rest) ?? []
  const port = Number(digits)
  const server = host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
  return { uri, vo, server }
}

function readFqan(text: string): Fqan {
  try {
    return parseFqan(text)
  } catch (error) {
    if (!isVoboxError(error, 'FQAN_INVALID')) throw error
    throw malformed(error.message, error.data)
  }
}

/** GeneralNames that are one directory name; the Name, opened for nobody (`[4]` is explicit). */
export function readDirectoryName(names: DerReader): Uint8Array {
  const name = names.readNested(constructedContextTag(4))
  const { tag, raw } = name.readElement()
  if (tag !== TAG.sequence) throw malformed('directory name is no name', { found: tag })
  name.done()
  names.done()
  return raw
}
