/** What somebody asks a VO for, as `--voms` and the registry write it: `VO` or `VO:FQAN`. */
import { printable, VoboxError } from '../errors.js'
import { type Fqan, parseFqan, showFqan } from './fqan.js'

export interface AttributeRequest {
  /** Alias of a vomses line, or a VO. */
  readonly vo: string
  /** Undefined: whatever the VO gives by default, its groups. */
  readonly fqan?: Fqan
}

const ALIAS = /^[\w.-]{1,255}$/

/**
 * Reads `alice`, `alice:/alice/team` or `alice:/alice/Role=lcgadmin`.
 *
 * @throws VoboxError `FQAN_INVALID`, `data.request` is the text.
 */
export function parseAttributeRequest(text: string): AttributeRequest {
  const colon = text.indexOf(':')
  const vo = colon < 0 ? text : text.slice(0, colon)
  if (!ALIAS.test(vo)) {
    const message = `'${printable(text, 100)}' names no VO and attribute`
    throw new VoboxError('FQAN_INVALID', message, {
      hint: 'write VO or VO:FQAN, e.g. alice:/alice/Role=lcgadmin',
      data: { request: printable(text) },
    })
  }
  return colon < 0 ? { vo } : { vo, fqan: parseFqan(text.slice(colon + 1)) }
}

/** The text that {@link parseAttributeRequest} reads, in its shortest form. */
export function showAttributeRequest({ vo, fqan }: AttributeRequest): string {
  return fqan === undefined ? vo : `${vo}:${showFqan(fqan)}`
}
