/**
 * The library: what commands, and other programs, may use.
 *
 *     const vo = await openVo({ vo: 'alice', environment: process.env })
 *     const rows = await queryRows(vo, [...(await vo.registry.all()).values()])
 *     vo.close()
 *
 * Nothing here prints or ends the process. Failures are {@link VoboxError}s with a stable `code`.
 */
export type { Config } from './config/config.js'
export { parseDuration, showDuration } from './config/duration.js'
export { type ErrorCode, isVoboxError, printable, toVoboxError, VoboxError } from './errors.js'
export { type OpenVoOptions, openVo, type VoContext } from './node/compose.js'
export { answerFor, secondsLeftOfLogin } from './node/compose-answer-vo.js'
export { type Selection, selectFrom } from './node/compose-select.js'
export { interruption } from './node/interruption.js'
export { asUnixSeconds, type UnixSeconds } from './ports/clock.js'
export type { Registration, RegistrationState } from './registry/registration.js'
export { type QueryRow, queryRows } from './renewal/query.js'
export { exitStatusOf } from './report/exit-status.js'
export { encodeFailure, JSON_VERSION, showFailure } from './report/failure.js'
export { encodeQuery } from './report/query-json.js'
export { showQueryTable } from './report/query-table.js'
