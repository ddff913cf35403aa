/** What a failed command ends with, so that a script can tell the reasons apart. */
import type { ErrorCode } from '../errors.js'

export const EXIT = { ok: 0, failed: 1, usage: 2, notRegistered: 3 } as const

const STATUS_BY_CODE: Partial<Record<ErrorCode, number>> = {
  USAGE: EXIT.usage,
  VO_NAME_INVALID: EXIT.usage,
  MAIL_ADDRESS_INVALID: EXIT.usage,
  SERVER_LIST_INVALID: EXIT.usage,
  REGISTRATION_INVALID: EXIT.usage,
  FQAN_INVALID: EXIT.usage,
  NOT_REGISTERED: EXIT.notRegistered,
}

export function exitStatusOf(code: ErrorCode): number {
  return STATUS_BY_CODE[code] ?? EXIT.failed
}
