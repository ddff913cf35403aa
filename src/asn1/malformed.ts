import { VoboxError } from '../errors.js'

/** The only failure of this room. */
export function malformed(message: string, data: Record<string, unknown> = {}): VoboxError {
  return new VoboxError('ASN1_MALFORMED', message, { data })
}
