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
export type { Answer, AnswerCommand } from './node/compose-answer.js'
export { answerFor, secondsLeftOfLogin } from './node/compose-answer-vo.js'
export { inspectFile } from './node/compose-info.js'
export { placeMachineProxy } from './node/compose-machine-proxy.js'
export { callerOf, openVoForRegistering, openVoForRenewing } from './node/compose-register.js'
export { type Selection, selectFrom } from './node/compose-select.js'
export { interruption } from './node/interruption.js'
export { writeMachineProxy } from './node/write-machine-proxy.js'
export { asUnixSeconds, type UnixSeconds } from './ports/clock.js'
export type { CredentialReport } from './proxy/inspect.js'
export type { Registration, RegistrationState } from './registry/registration.js'
export { type QueryRow, queryRows } from './renewal/query.js'
export {
  type RegisterContext,
  type RegisterRequest,
  type RegisterResult,
  type RegisterWarning,
  registerProxy,
} from './renewal/register.js'
export { type RenewedNow, type RenewNowOptions, renewNow } from './renewal/renew-now.js'
export { type UnregisterResult, unregisterProxy } from './renewal/unregister.js'
export { exitStatusOf } from './report/exit-status.js'
export { encodeFailure, JSON_VERSION, showFailure } from './report/failure.js'
export { encodeInfo, showInfo } from './report/info-text.js'
export { encodeMachineProxy, showMachineProxy } from './report/machine-proxy-text.js'
export { encodeQuery } from './report/query-json.js'
export { showQueryTable } from './report/query-table.js'
export {
  encodeRegistered,
  encodeUnregistered,
  showRegistered,
  showUnregistered,
  showWarning,
} from './report/register-text.js'
export { encodeRenewals, failureOfRenewal, showRenewal } from './report/renew-text.js'
