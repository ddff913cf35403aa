/**
 * How the server says no. Its sentences are those of the C server where it has one: people have
 * searched for them for twenty years, and clients tell refusals apart by them.
 */
import { type ErrorCode, type Persistence, VoboxError } from '../../errors.js'

/** A refusal: `lines` go to the client, `code` and the first line to the log. */
function refusal(
  code: ErrorCode,
  lines: readonly string[],
  persistence: Persistence = 'permanent',
): VoboxError {
  return new VoboxError(code, lines.join(' '), { data: { lines }, persistence })
}

export function noCredential(username: string, name: string | undefined): VoboxError {
  const named = name === undefined ? '' : ` and credential name "${name}"`
  const verb = name === undefined ? 'for' : 'with'
  return refusal('MYPROXY_NO_CREDENTIAL', [
    `No credentials exist ${verb} username "${username}"${named}.`,
  ])
}

export function nothingOwned(username: string, name: string | undefined, dn: string): VoboxError {
  const named = name === undefined ? '' : ` with name ${name}`
  return refusal('MYPROXY_NO_CREDENTIAL', [
    `no credentials found${named} for user ${username}, owner "${dn}"`,
  ])
}

export function nothingToDestroy(): VoboxError {
  return refusal('MYPROXY_NO_CREDENTIAL', ['Credentials do not exist.'])
}

export function notOwned(dn: string): VoboxError {
  return refusal('MYPROXY_NOT_OWNER', [`Credentials not owned by "${dn}".`])
}

export function doesNotOwn(dn: string): VoboxError {
  return refusal('MYPROXY_NOT_OWNER', [`'${dn}' does not own the credentials`])
}

/** Somebody else, at the same time, stored or changed what the client wants to change. */
export function changedMeanwhile(): VoboxError {
  return refusal(
    'MYPROXY_REFUSED',
    ['The credentials were changed by another request. Try again.'],
    'transient',
  )
}

export function ownedByAnother(username: string, dn: string): VoboxError {
  return refusal('MYPROXY_NOT_OWNER', [
    `Credentials are already stored for user ${username}`,
    'and they are not owned by',
    `"${dn}",`,
    'so you may not overwrite them.',
    'Please choose a different username or credential name or',
    'contact your myproxy-server administrator.',
  ])
}

export function notAccepted(dn: string): VoboxError {
  return refusal('MYPROXY_NOT_AUTHORISED', [
    `"${dn}" not authorized to store credentials on this server (accepted_credentials policy)`,
  ])
}

/** By `accepted_credentials_mapfile`; its path is the administrator's. */
export function notMapped(dn: string, username: string): VoboxError {
  return refusal('MYPROXY_NOT_AUTHORISED', [
    `PUT/STORE: No mapping found for '${dn}' and '${username}'`,
    'Accepted credentials failure for DN/Username via grid-mapfile',
  ])
}

/** By `accepted_credentials_mapapp`. */
export function notMappedByProgram(): VoboxError {
  return refusal('MYPROXY_NOT_AUTHORISED', [
    'consult_mapapp call-out returned failure',
    'Accepted credentials failure for DN/Username via call-out',
  ])
}

/** @param reasons one for each way that was looked at. */
export function notAuthorised(reasons: readonly string[]): VoboxError {
  const asRenewer = reasons.some((reason) => reason.includes('authorized_renewers'))
  return refusal(asRenewer ? 'MYPROXY_NOT_AUTHORISED_RENEWER' : 'MYPROXY_NOT_AUTHORISED', reasons)
}

/** For what is not about one credential. */
export function notARetriever(dn: string): VoboxError {
  return refusal('MYPROXY_NOT_AUTHORISED', [
    `"${dn}" not authorized by server's authorized_retrievers policy`,
    `"${dn}" not authorized to retrieve credentials from this server (authorized_retrievers policy)`,
  ])
}

/** Also where none was given. */
export const INVALID_PASS_PHRASE = 'invalid credential passphrase'

export function wrongPassPhrase(): VoboxError {
  return refusal('MYPROXY_PASS_PHRASE_REQUIRED', [INVALID_PASS_PHRASE])
}

/** The old one of a change: for a key that has none, left away, or not the right one. */
export function invalidOldPassPhrase(why: 'none-set' | 'none-given' | 'wrong'): VoboxError {
  const last = 'invalid pass phrase'
  switch (why) {
    case 'none-set':
      return refusal('CREDENTIAL_HAS_NO_PASS_PHRASE', [last])
    case 'none-given':
      return refusal('MYPROXY_PASS_PHRASE_REQUIRED', [INVALID_PASS_PHRASE, last])
    case 'wrong':
      return refusal('MYPROXY_PASS_PHRASE_WRONG', ['Bad password', INVALID_PASS_PHRASE, last])
  }
}

export function passPhraseTooShort(minCharacters: number): VoboxError {
  return refusal('PASS_PHRASE_UNSUITABLE', [
    `Pass phrase too short.  Must be at least ${minCharacters} characters long.`,
  ])
}

/** A renewal whose second half failed, and why. */
export function authenticationFailed(reason: string): VoboxError {
  return refusal('MYPROXY_AUTHORISATION_REFUSED', [reason, 'authentication failed'])
}

export function limitedClient(): VoboxError {
  return refusal('PROXY_LIMITED', ['Client with limited proxy may not retrieve full credentials.'])
}

/** An admitted client whose proxy is not made, and why. */
export function notDelegated(reason: string): VoboxError {
  return refusal('MYPROXY_REFUSED', [`Unable to delegate credentials: ${reason}`])
}

/** VOMS attributes were asked for with a proxy, and the proxy is not made without them. */
export function attributesNotGiven({ code, message, persistence }: VoboxError): VoboxError {
  return refusal(code, [message, "Couldn't get VOMS User Information."], persistence)
}

export function storedExpired(): VoboxError {
  return refusal('MYPROXY_CREDENTIAL_EXPIRED', [
    'X509_verify_cert() failed: certificate has expired',
    'The stored credential must be stored anew.',
  ])
}

/** @param reason what the administrator who locked it wrote. */
export function locked(reason: string): VoboxError {
  return refusal('MYPROXY_CREDENTIAL_LOCKED', ['credential locked', reason])
}

export function storedLivesTooLong(hours: number, maxHours: number): VoboxError {
  return refusal('MYPROXY_LIFETIME_REFUSED', [
    `Credential lifetime (${hours} hours) exceeds maximum allowed by server (${maxHours} hours).`,
  ])
}

export function tooManyStored(max: number): VoboxError {
  return refusal('MYPROXY_REFUSED', [
    `You have ${max} credentials stored here, and may not have more.`,
    'Remove one that is not needed: vobox-proxy myproxy destroy',
  ])
}

export function notAuthenticated(): VoboxError {
  return refusal('MYPROXY_REFUSED', [
    'A certificate is needed for this request: the client presented none',
  ])
}

/** What was delegated to us is not the client's to store. */
export function notTheirs(reason: string): VoboxError {
  return refusal('MYPROXY_REFUSED', [`Unable to store credentials: ${reason}`])
}

/** What was handed over cannot be read, or is not trusted. */
export function invalidCredentials({ code, message, persistence }: VoboxError): VoboxError {
  return refusal(code, ['Credentials are not valid.', message], persistence)
}

export function untrustedClient(error: VoboxError): VoboxError {
  return refusal(
    'PEER_UNTRUSTED',
    [`Error authenticating client: ${error.message}`],
    error.persistence,
  )
}

/** What came first was no request. */
export function unreadableRequest({ code, message, data, persistence }: VoboxError): VoboxError {
  const line = data.command === undefined ? 'error parsing request' : 'UNKNOWN command in request.'
  return refusal(code, [line, message], persistence)
}

export function busy(reason: string): VoboxError {
  return refusal('MYPROXY_REFUSED', [`The server is busy: ${reason}. Try again later`], 'transient')
}

/** Failures whose sentence speaks of what the client sent, and of nothing that is ours. */
const ABOUT_THE_CLIENT: readonly ErrorCode[] = [
  'PROTOCOL_VIOLATION',
  'MESSAGE_TOO_LARGE',
  'MYPROXY_VALUE_INVALID',
  'REQUEST_MALFORMED',
  'SIGNATURE_INVALID',
  'KEY_TOO_WEAK',
  'CERTIFICATE_MALFORMED',
  'PROXY_KEY_MISMATCH',
  'PROXY_KIND_REFUSED',
  'PROXY_RULE_BROKEN',
  'PROXY_TOO_DEEP',
  'CHAIN_UNTRUSTED',
  'CHAIN_BROKEN',
  'CHAIN_EXPIRED',
  'CHAIN_NOT_YET_VALID',
  'CHAIN_TOO_LONG',
  'CERTIFICATE_REVOKED',
  'CRL_EXPIRED',
  'SIGNING_POLICY_MISSING',
  'SIGNING_POLICY_FORBIDS',
  'KEY_USAGE_FORBIDS',
  'EXTENSION_UNKNOWN_CRITICAL',
]

/** Whether a failure may be told to the client in its own words. */
export function isAboutTheClient(error: VoboxError): boolean {
  return ABOUT_THE_CLIENT.includes(error.code)
}

/** What the client is told about a failure: nothing about paths, files or our own faults. */
export function linesForClient(error: VoboxError): readonly string[] {
  const { lines } = error.data
  if (Array.isArray(lines)) return lines.map(String)
  if (isAboutTheClient(error)) return [error.message]
  return ['internal error: see the log of the server']
}
