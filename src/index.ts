/**
 * What commands may use: the library for other programs, and what else they are made of.
 *
 *     const vo = await openVo({ vo: 'alice', environment: process.env })
 *     const rows = await queryRows(vo, [...(await vo.registry.all()).values()])
 *     vo.close()
 *
 * Nothing here prints or ends the process. Failures are {@link VoboxError}s with a stable `code`.
 */
export type { Config } from './config/config.js'
export { parseDuration, parseHoursAndMinutes, showDuration } from './config/duration.js'
export { printable, toVoboxError } from './errors.js'
export type { JobView } from './jobs/job-view.js'
export type { JobRequest } from './jobs/protocol/request.js'
export * from './library.js'
export {
  type AccessOption,
  type AccessPolicy,
  type AccessWarning,
  accessPolicyOf,
} from './myproxy/access-policy.js'
export { type CheckOptions, type CheckReport, checkVo } from './node/check/check-vo.js'
export { type ForecastOptions, type ForecastReport, forecastVo } from './node/check/forecast-vo.js'
export { calendarOf, writeCalendar } from './node/check/write-calendar.js'
export { interruption } from './node/cli/interruption.js'
export { confirmOnTerminal, passPhraseFrom } from './node/cli/pass-phrase.js'
export { lookOf, progressOn } from './node/cli/terminal.js'
export { type OpenVoOptions, openVo, type VoContext } from './node/compose/compose.js'
export {
  listVoAgents,
  startVoAgents,
  stopVoAgents,
  superviseAgent,
  superviseAgents,
} from './node/compose/compose-agents.js'
export type { Answer, AnswerCommand } from './node/compose/compose-answer.js'
export { answerFor, queryRows, secondsLeftOfLogin } from './node/compose/compose-answer-vo.js'
export { explainConfiguration } from './node/compose/compose-explain-config.js'
export { withHooks } from './node/compose/compose-hooks.js'
export { inspectFile } from './node/compose/compose-info.js'
export { jobsLeft, jobViewOf, sayJobsLeft } from './node/compose/compose-jobs.js'
export { placeMachineProxy } from './node/compose/compose-machine-proxy.js'
export { initProxy } from './node/compose/compose-proxy-init.js'
export {
  callerOf,
  fullPath,
  openVoForRegistering,
  openVoForRenewing,
} from './node/compose/compose-register.js'
export { type Selection, selectFrom, selectWithJobs } from './node/compose/compose-select.js'
export { mailTroubleOf, withMailTrouble } from './node/compose/mail-trouble.js'
export { writeMachineProxy } from './node/compose/write-machine-proxy.js'
export { asCClientSays, askJob } from './node/jobs/ask-service.js'
export { importSpool } from './node/jobs/import-spool.js'
export { listJobs } from './node/jobs/list-jobs.js'
export { changeStoredPassPhrase } from './node/myproxy/change-pass-phrase.js'
export { destroyStored } from './node/myproxy/destroy.js'
export { handOverTo } from './node/myproxy/hand-over.js'
export { askMyProxyInfo } from './node/myproxy/info.js'
export { storeByDelegation } from './node/myproxy/init.js'
export { VOBOX_TERMS } from './node/myproxy/init-vobox.js'
export {
  type LogonOptions,
  type LogonResult,
  logOn,
  type ReceivedProxy,
} from './node/myproxy/logon.js'
export { logonOptionsOf } from './node/myproxy/logon-flags.js'
export {
  type OwnCredential,
  readLoginProxy,
  readOwnCertificate,
  readOwnCredential,
  readProxyFile,
} from './node/myproxy/own-credential.js'
export { askedOnce, type OwnerOptions } from './node/myproxy/owner.js'
export { PassPhrases } from './node/myproxy/pass-phrases.js'
export {
  type RetrieveOptions,
  type RetrieveResult,
  retrieveCredential,
} from './node/myproxy/retrieve.js'
export { storeCredential } from './node/myproxy/store.js'
export {
  fetchTrustRoots,
  type GotTrustRoots,
  type TrustRootsOptions,
} from './node/myproxy/trust-roots.js'
export { usernameOf } from './node/myproxy/username.js'
export {
  type ReplicateRepositoryOptions,
  replicateRepository,
} from './node/myproxy-server/replicate.js'
export { replicateToSyslog } from './node/myproxy-server/replicate-to-syslog.js'
export {
  NOT_LOGGED,
  type ServeMyProxyOptions,
  serveMyProxy,
} from './node/myproxy-server/serve-my-proxy.js'
export { setUp } from './node/setup/setup.js'
export { writeVoDirectory } from './node/setup/write-vo-directory.js'
export type { CredentialReport } from './proxy/inspect.js'
export type { Registration, RegistrationState } from './registry/registration.js'
export type { QueryRow } from './renewal/query/query.js'
export {
  type RegisterContext,
  type RegisterRequest,
  type RegisterResult,
  type RegisterWarning,
  registerProxy,
} from './renewal/registering/register.js'
export { type UnregisterResult, unregisterProxy } from './renewal/registering/unregister.js'
export { type RenewedNow, type RenewNowOptions, renewNow } from './renewal/renew-now.js'
export { encodeAgents, failureOfAgents, showAgents } from './report/agents-text.js'
export { showAttempt } from './report/attempt-text.js'
export { showNagios, showNagiosUnknown } from './report/check-nagios.js'
export { encodeCheck, hasFailed, showCheck } from './report/check-text.js'
export { encodeConfig, showConfig } from './report/config-text.js'
export { exitStatusOf } from './report/exit-status.js'
export { encodeFailure, JSON_VERSION, showFailure } from './report/failure.js'
export { encodeForecast, showForecast } from './report/forecast-text.js'
export { answerInfo, type InfoQuestion, parseBits } from './report/info-answer.js'
export type { Inspected } from './report/info-types.js'
export { INFO_VALUES, type InfoValue } from './report/info-values.js'
export { encodeImported, importHasFailed, showImported } from './report/job-import-text.js'
export {
  encodeJobPath,
  encodeJobRegistered,
  encodeJobs,
  encodeJobUnregistered,
  type JobDone,
  showJobLines,
  showJobProxies,
  showJobUnregistered,
} from './report/jobs-text.js'
export { encodeMachineProxy, showMachineProxy } from './report/machine-proxy-text.js'
export {
  encodeMyProxyInfo,
  showMyProxyInfo,
  showMyProxyTable,
} from './report/myproxy-info-text.js'
export {
  encodeMyProxyInit,
  initHasFailed,
  showMyProxyInit,
} from './report/myproxy-init-text.js'
export { sayLogon } from './report/myproxy-logon-text.js'
export {
  encodeDestroyed,
  encodePassPhraseChanged,
  showDestroyed,
  showPassPhraseChanged,
} from './report/myproxy-owner-text.js'
export { encodeRetrieved, showRetrieved } from './report/myproxy-retrieve-text.js'
export { encodeStored, showStored } from './report/myproxy-store-text.js'
export {
  encodeTrustRoots,
  showTrustRoots,
  warningsOfTrustRoots,
} from './report/myproxy-trust-roots-text.js'
export { nothingRegistered } from './report/nothing-registered.js'
export {
  encodeProxyInit,
  showProxyInit,
  showProxyInitStep,
} from './report/proxy-init-text.js'
export { encodeQuery } from './report/query-json.js'
export { showQueryTable } from './report/query-table.js'
export {
  encodeRegistered,
  encodeUnregistered,
  showRegistered,
  showUnregistered,
  showWarning,
  type Warning,
} from './report/register-text.js'
export { encodeRenewals, failureOfRenewal, showRenewal } from './report/renew-text.js'
export { encodeReplicated, lags, showReplicated } from './report/replication-text.js'
export { encodeSetup, showSetup, showSetupStep } from './report/setup-text.js'
