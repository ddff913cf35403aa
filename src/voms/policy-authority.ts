/**
 * IetfAttrSyntax (RFC 5755 §4.4) as VOMS fills it: who grants, as the URI `vo://host:port`, and the
 * FQANs as octets.
 */
import type { DerReader } from '../asn1/der.js'
import { malformed } from '../asn1/malformed.js'
import { isVoboxError } from '../errors.js'
import { type Fqan, parseFqan } from './fqan.js'
import { readUri } from './general-names.js'

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
