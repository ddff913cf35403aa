/** What a VOMS server said, whichever form it spoke. */
import { VoboxError } from '../errors.js'
import { base64Content } from './tagged-text.js'

/** Why a server refuses: its own words, and what its form has for a code. */
export interface VomsRefusal {
  /** Name of the REST form (`NoSuchUser`), or number of the XML form (`1001`). */
  code: string
  text: string
}

export type VomsAnswer =
  | { kind: 'granted'; acs: Uint8Array[]; warnings: string[] }
  | { kind: 'refused'; refusals: VomsRefusal[] }

/** Largest answer accepted, in bytes; an attribute certificate of a hundred FQANs has some 20,000. */
export const MAX_ANSWER_BYTES = 1024 * 1024

/** A server of another kind than we took it for; another form, or another server, may do. */
export function notVoms(what: string, data: Readonly<Record<string, unknown>> = {}): VoboxError {
  return new VoboxError('PROTOCOL_VIOLATION', what, { data })
}

/** @throws VoboxError `PROTOCOL_VIOLATION` for one that is not base64. */
export function decodeAcs(contents: readonly string[]): Uint8Array[] {
  return contents.map((content) => {
    const der = base64Content(content)
    if (der === undefined) throw notVoms('sent an attribute certificate that is not base64')
    return der
  })
}
