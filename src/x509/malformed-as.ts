import { type ErrorCode, VoboxError } from '../errors.js'

/** Runs `parse` and reports malformed DER under the code of what was being parsed. */
export function malformedAs<T>(code: ErrorCode, what: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (!(cause instanceof VoboxError) || cause.code !== 'ASN1_MALFORMED') throw cause
    throw new VoboxError(code, `${what} is malformed: ${cause.message}`, {
      data: cause.data,
      cause,
    })
  }
}
