/**
 * Every failure of this project: one class, one table of codes.
 *
 * A failure says what failed, on what, and what to do next. Programs look at `code` and `data`,
 * people read `message` and `hint`. Misuse by a programmer is a `TypeError` and not in here; an
 * expected state (a proxy that is not due) is a return value and not in here either.
 */

/** Whether trying again, with nothing changed by a person, can succeed. */
export type Persistence = 'transient' | 'permanent'

/**
 * All codes, each with what it usually is. Where the same code can be either, the place that raises
 * it says so with `persistence`; nobody guesses later from the text.
 */
export const ERROR_CODES = {
  // asn1, x509
  ASN1_MALFORMED: 'permanent',
  PEM_MALFORMED: 'permanent',
  CERTIFICATE_MALFORMED: 'permanent',
  CRL_MALFORMED: 'permanent',
  REQUEST_MALFORMED: 'permanent',
  KEY_MALFORMED: 'permanent',
  KEY_ENCRYPTED: 'permanent',
  KEY_TOO_WEAK: 'permanent',
  TRUST_ANCHORS_UNREADABLE: 'transient',
  CHAIN_UNTRUSTED: 'permanent',
  CHAIN_BROKEN: 'permanent',
  CHAIN_EXPIRED: 'permanent',
  CHAIN_NOT_YET_VALID: 'permanent',
  CHAIN_TOO_LONG: 'permanent',
  CERTIFICATE_REVOKED: 'permanent',
  CRL_EXPIRED: 'transient',
  CRL_UNREADABLE: 'transient',
  SIGNING_POLICY_MALFORMED: 'permanent',
  SIGNING_POLICY_MISSING: 'permanent',
  SIGNING_POLICY_FORBIDS: 'permanent',
  KEY_USAGE_FORBIDS: 'permanent',
  NAME_CONSTRAINTS_FORBID: 'permanent',
  SIGNATURE_INVALID: 'permanent',
  EXTENSION_UNKNOWN_CRITICAL: 'permanent',
  // proxy
  PROXY_FILE_MALFORMED: 'permanent',
  PROXY_KEY_MISMATCH: 'permanent',
  PROXY_KIND_REFUSED: 'permanent',
  PROXY_RULE_BROKEN: 'permanent',
  PROXY_LIMITED: 'permanent',
  PROXY_TOO_DEEP: 'permanent',
  NOT_A_PROXY: 'permanent',
  // files
  FILE_MISSING: 'permanent',
  FILE_UNSAFE: 'permanent',
  FILE_TOO_LARGE: 'permanent',
  FILE_UNREADABLE: 'permanent',
  FILE_UNWRITABLE: 'transient',
  LOCK_TIMEOUT: 'transient',
  // gsi, myproxy
  DEADLINE_EXCEEDED: 'transient',
  CANCELLED: 'transient',
  NAME_NOT_RESOLVED: 'transient',
  CONNECTION_FAILED: 'transient',
  CONNECTION_CLOSED: 'transient',
  TLS_FAILED: 'transient',
  PEER_UNTRUSTED: 'permanent',
  PEER_NAME_MISMATCH: 'permanent',
  PROTOCOL_VIOLATION: 'transient',
  MESSAGE_TOO_LARGE: 'permanent',
  SERVER_LIST_INVALID: 'permanent',
  ALL_SERVERS_FAILED: 'transient',
  OUTCOME_UNKNOWN: 'permanent',
  MYPROXY_VALUE_INVALID: 'permanent',
  MYPROXY_REFUSED: 'transient',
  MYPROXY_NO_CREDENTIAL: 'permanent',
  MYPROXY_CREDENTIAL_EXPIRED: 'permanent',
  MYPROXY_CREDENTIAL_LOCKED: 'permanent',
  MYPROXY_CREDENTIAL_UNUSABLE: 'permanent',
  MYPROXY_LIFETIME_REFUSED: 'permanent',
  MYPROXY_NOT_AUTHORISED_RENEWER: 'permanent',
  MYPROXY_PASS_PHRASE_REQUIRED: 'permanent',
  MYPROXY_PASS_PHRASE_WRONG: 'permanent',
  MYPROXY_NOT_AUTHORISED_RETRIEVER: 'permanent',
  MYPROXY_CHALLENGE_REFUSED: 'permanent',
  MYPROXY_AUTHORISATION_REFUSED: 'permanent',
  MYPROXY_NOT_AUTHORISED: 'permanent',
  MYPROXY_NOT_OWNER: 'permanent',
  MYPROXY_STORE_MALFORMED: 'permanent',
  PROGRAM_FAILED: 'permanent',
  SERIAL_FILE_UNUSABLE: 'permanent',
  // voms
  FQAN_INVALID: 'permanent',
  VOMS_AC_MALFORMED: 'permanent',
  VOMS_AC_UNTRUSTED: 'permanent',
  VOMS_AC_EXPIRED: 'permanent',
  VOMS_AC_NOT_YET_VALID: 'permanent',
  VOMS_AC_HOLDER_DIFFERS: 'permanent',
  VOMS_TRUST_MISSING: 'permanent',
  VOMSES_INVALID: 'permanent',
  VOMS_VO_UNKNOWN: 'permanent',
  VOMS_SERVERS_FAILED: 'transient',
  VOMS_REFUSED: 'permanent',
  VOMS_NO_SUCH_USER: 'permanent',
  VOMS_USER_SUSPENDED: 'permanent',
  VOMS_ATTRIBUTE_NOT_GRANTED: 'permanent',
  // registry, repository
  REGISTRY_MALFORMED: 'permanent',
  REGISTRY_VERSION_UNKNOWN: 'permanent',
  NOT_REGISTERED: 'permanent',
  REGISTRATION_AMBIGUOUS: 'permanent',
  REGISTRATION_INVALID: 'permanent',
  VO_UNKNOWN: 'permanent',
  VO_NAME_INVALID: 'permanent',
  VO_DIRECTORY_UNSAFE: 'permanent',
  // registering
  PROXY_NOT_OWNED: 'permanent',
  PROXY_EXPIRED: 'permanent',
  PROXY_LIFE_TOO_SHORT: 'permanent',
  CREDENTIAL_UNDER_LOGIN_NAME: 'permanent',
  CREDENTIAL_HAS_PASS_PHRASE: 'permanent',
  CREDENTIAL_HAS_NO_PASS_PHRASE: 'permanent',
  CREDENTIAL_HAS_NO_RENEWER: 'permanent',
  CREDENTIAL_RENEWER_NOT_US: 'permanent',
  ATTRIBUTES_MISSING: 'permanent',
  CREDENTIAL_CARRIES_ATTRIBUTES: 'permanent',
  // making a proxy
  PASS_PHRASE_REQUIRED: 'permanent',
  PASS_PHRASE_WRONG: 'permanent',
  PASS_PHRASE_UNSUITABLE: 'permanent',
  PKCS12_MALFORMED: 'permanent',
  // renewal
  MACHINE_PROXY_MISSING: 'permanent',
  MACHINE_PROXY_EXPIRED: 'permanent',
  PASS_PHRASE_FILE_UNUSABLE: 'permanent',
  RENEWED_IDENTITY_DIFFERS: 'permanent',
  RENEWED_KIND_DIFFERS: 'permanent',
  RENEWED_LIMITED: 'permanent',
  RENEWED_ATTRIBUTES_DIFFER: 'permanent',
  SERVICE_ALREADY_RUNNING: 'permanent',
  AGENT_FAILED: 'permanent',
  HOOK_FAILED: 'permanent',
  NO_VALID_PROXY: 'permanent',
  // setting up
  SETUP_STEP_FAILED: 'permanent',
  // jobs
  JOB_REQUEST_REFUSED: 'permanent',
  JOB_REQUEST_INVALID: 'permanent',
  JOB_SERVICE_UNREACHABLE: 'transient',
  SOCKET_TAKEN: 'permanent',
  // mail, configuration, command line
  MAIL_REFUSED: 'transient',
  MAIL_ADDRESS_INVALID: 'permanent',
  CONFIG_INVALID: 'permanent',
  USAGE: 'permanent',
  NOT_PERMITTED: 'permanent',
  INTERNAL: 'permanent',
} as const satisfies Record<string, Persistence>

/** The codes by which programs tell failures apart: those of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES

/** What a failure may carry besides its sentence. */
export interface FailureDetails {
  /** What to do next, as a sentence or a command; shown below the message. */
  hint?: string | undefined
  /** Facts for programs and tests: names, paths, sizes. Never a secret. */
  data?: Readonly<Record<string, unknown>> | undefined
  cause?: unknown
  /** Only where it differs from the table. */
  persistence?: Persistence | undefined
}

/** The one error class. `message` is one sentence without a final full stop, safe to show and log. */
export class VoboxError extends Error {
  override readonly name = 'VoboxError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly data: Readonly<Record<string, unknown>>
  readonly persistence: Persistence

  constructor(code: ErrorCode, message: string, details: FailureDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.hint = details.hint
    this.data = details.data ?? {}
    this.persistence = details.persistence ?? ERROR_CODES[code]
  }
}

/** Whether `error` is ours, and, when given, has one of `codes`. */
export function isVoboxError(error: unknown, ...codes: ErrorCode[]): error is VoboxError {
  return error instanceof VoboxError && (codes.length === 0 || codes.includes(error.code))
}

const ANEW = 'Make it anew from the certificate of its owner'
const OTHER_CERTIFICATE = 'Another certificate is needed, made for this use: ask its CA'
const CA_DIRECTORY = 'Install or update the CA certificates of this machine'
const FETCH_CRL = 'Run fetch-crl as root, and look at what it says'
const NETWORK = 'Check name and port, and that no firewall is in the way; then call again'
const WRONG_PEER = 'Check host and port; if they are right, ask whoever manages that server'
const MYPROXY_MANAGER = 'Ask the manager of the MyProxy server, whose log says more'
const STORE_AGAIN = 'Its owner stores the credential again, from the user certificate'
const VOMS_AGAIN = 'Ask for the attributes again: make the proxy anew, or renew it'
const VOMS_DIRECTORY = 'Install what the VO publishes for vomsdir, and update the CA certificates'
const VO_MANAGER = 'Ask whoever manages the VO'
const SAID_IN_LOG = 'log/agents.log in the VO directory has what it said'
const DAMAGED = 'Make or fetch the file anew'

/**
 * What can be done, by code, where the place that raised it knew no better. Only what holds wherever
 * the code is raised; a code without a line needs none, or is always raised with its own.
 */
export const GENERAL_CURES: Readonly<Partial<Record<ErrorCode, string>>> = {
  ASN1_MALFORMED: DAMAGED,
  PEM_MALFORMED: DAMAGED,
  CERTIFICATE_MALFORMED: DAMAGED,
  REQUEST_MALFORMED: DAMAGED,
  KEY_MALFORMED: DAMAGED,
  KEY_ENCRYPTED: 'A key without a pass phrase is needed here',
  KEY_TOO_WEAK: 'A new certificate is needed, with an RSA key of 2048 bits or more',
  CRL_MALFORMED: FETCH_CRL,
  CRL_EXPIRED: FETCH_CRL,
  CRL_UNREADABLE: FETCH_CRL,
  TRUST_ANCHORS_UNREADABLE: CA_DIRECTORY,
  CHAIN_UNTRUSTED: CA_DIRECTORY,
  SIGNATURE_INVALID:
    'Make it anew; if that does not help, update the CA certificates of this machine',
  SIGNING_POLICY_MALFORMED: CA_DIRECTORY,
  SIGNING_POLICY_MISSING: CA_DIRECTORY,
  SIGNING_POLICY_FORBIDS: CA_DIRECTORY,
  NAME_CONSTRAINTS_FORBID: CA_DIRECTORY,
  CHAIN_BROKEN: ANEW,
  CHAIN_TOO_LONG: ANEW,
  CHAIN_EXPIRED: 'Its owner gets a new certificate, and makes anew what was made from the old one',
  CHAIN_NOT_YET_VALID: 'Compare the clock of this machine with that of the one that made it',
  CERTIFICATE_REVOKED: 'Its owner gets a new certificate',
  KEY_USAGE_FORBIDS: OTHER_CERTIFICATE,
  EXTENSION_UNKNOWN_CRITICAL: OTHER_CERTIFICATE,
  PROXY_FILE_MALFORMED: ANEW,
  PROXY_KEY_MISMATCH: ANEW,
  PROXY_KIND_REFUSED: `${ANEW}, as a proxy of RFC 3820 with all its rights`,
  PROXY_RULE_BROKEN: ANEW,
  PROXY_LIMITED: `${ANEW}, as a proxy with all its rights`,
  PROXY_TOO_DEEP: ANEW,
  FILE_UNSAFE: 'ls -l shows its owner and its mode',
  FILE_TOO_LARGE: 'Look at what wrote it: nothing of ours is that large',
  FILE_UNREADABLE: 'Call it as the user whose file it is',
  FILE_UNWRITABLE: 'df shows whether the disk is full, and ls -ld whose the directory is',
  LOCK_TIMEOUT: 'Call again; fuser shows which process holds it',
  DEADLINE_EXCEEDED: NETWORK,
  NAME_NOT_RESOLVED: NETWORK,
  CONNECTION_FAILED: NETWORK,
  CONNECTION_CLOSED: NETWORK,
  TLS_FAILED: WRONG_PEER,
  PEER_UNTRUSTED: WRONG_PEER,
  PROTOCOL_VIOLATION: WRONG_PEER,
  MESSAGE_TOO_LARGE: WRONG_PEER,
  OUTCOME_UNKNOWN: 'Look with `vobox-proxy myproxy info` before you do it again',
  MYPROXY_VALUE_INVALID: 'Write it on one line, and shorter',
  MYPROXY_NO_CREDENTIAL: STORE_AGAIN,
  MYPROXY_CREDENTIAL_EXPIRED: STORE_AGAIN,
  MYPROXY_PASS_PHRASE_REQUIRED: STORE_AGAIN,
  MYPROXY_PASS_PHRASE_WRONG:
    'Give the one with which it was stored; only its owner can set another',
  MYPROXY_NOT_AUTHORISED_RETRIEVER: MYPROXY_MANAGER,
  MYPROXY_REFUSED: MYPROXY_MANAGER,
  MYPROXY_CREDENTIAL_LOCKED: MYPROXY_MANAGER,
  MYPROXY_CREDENTIAL_UNUSABLE: STORE_AGAIN,
  MYPROXY_LIFETIME_REFUSED: 'Store it for a shorter time',
  MYPROXY_CHALLENGE_REFUSED: MYPROXY_MANAGER,
  MYPROXY_AUTHORISATION_REFUSED: MYPROXY_MANAGER,
  MYPROXY_NOT_AUTHORISED: MYPROXY_MANAGER,
  MYPROXY_NOT_OWNER: MYPROXY_MANAGER,
  MYPROXY_STORE_MALFORMED: STORE_AGAIN,
  VOMS_AC_MALFORMED: VOMS_AGAIN,
  VOMS_AC_EXPIRED: VOMS_AGAIN,
  VOMS_AC_NOT_YET_VALID: 'Compare the clock of this machine with that of the VOMS server',
  VOMS_AC_HOLDER_DIFFERS: VOMS_AGAIN,
  VOMS_AC_UNTRUSTED: VOMS_DIRECTORY,
  VOMS_TRUST_MISSING: VOMS_DIRECTORY,
  AGENT_FAILED: SAID_IN_LOG,
  HOOK_FAILED: SAID_IN_LOG,
  JOB_REQUEST_REFUSED: 'The journal of the service says which request it was, and why',
  SOCKET_TAKEN: 'Look with ls -l at what lies there, and stop or remove it',
  JOB_SERVICE_UNREACHABLE: 'Start the service, with jobs.enabled in its configuration',
  JOB_REQUEST_INVALID: 'Job id, path and server are one line of text each, under 2 kB',
  VOMS_REFUSED: VO_MANAGER,
  VOMS_NO_SUCH_USER: VO_MANAGER,
  VOMS_USER_SUSPENDED: VO_MANAGER,
  VOMS_ATTRIBUTE_NOT_GRANTED: VO_MANAGER,
  ATTRIBUTES_MISSING: 'vobox-proxy proxy-init --voms VO makes a proxy that carries them',
  PASS_PHRASE_REQUIRED: 'Give it on a terminal, or by a file descriptor',
  PASS_PHRASE_UNSUITABLE: 'Choose another one; --generate-pass-phrase makes a strong one',
  REGISTRY_MALFORMED: 'The guide says how to begin anew: "registry.json is damaged"',
  REGISTRATION_INVALID: 'Register it again, with the setting that is named put right',
  NOT_REGISTERED: 'vobox-proxy register registers a login proxy',
  PROXY_EXPIRED: 'Log in with a fresh proxy and register it',
  PROXY_LIFE_TOO_SHORT: 'Its owner stores a credential that lives longer',
  RENEWED_IDENTITY_DIFFERS: 'Each owner stores a credential under the own DN',
  RENEWED_KIND_DIFFERS: STORE_AGAIN,
  RENEWED_LIMITED: STORE_AGAIN,
  NO_VALID_PROXY: 'Make a fresh proxy, or register one',
  MAIL_REFUSED: 'See the section [mail] of the configuration',
  CONFIG_INVALID: 'man 5 vobox-proxy.config lists every setting',
  USAGE: '--help shows what it takes',
  NOT_PERMITTED: 'Call it as the VO admin, or as root',
  INTERNAL: 'This is a bug: report it, with what the service has logged',
}

/** What to do about a failure: what the place that raised it said, else what its code says. */
export function cureOf({ hint, code }: Pick<VoboxError, 'hint' | 'code'>): string | undefined {
  return hint ?? GENERAL_CURES[code]
}

/** Ours as it is; anything else wrapped as `INTERNAL`, so that callers handle one type. */
export function toVoboxError(error: unknown): VoboxError {
  if (error instanceof VoboxError) return error
  const text = error instanceof Error ? error.message : String(error)
  return new VoboxError('INTERNAL', printable(text), { cause: error, persistence: 'transient' })
}

/**
 * Text from outside (a server's error, a DN, an address) made safe for a terminal, a log or a mail:
 * control characters (C0, DEL, C1), line separators and marks that turn the direction of what follows
 * become one space, then cut to `maxLength` characters (default 1000).
 */
export function printable(text: string, maxLength = 1000): string {
  const clean = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ')
  return clean.length <= maxLength ? clean : `${clean.slice(0, maxLength - 1)}…`
}
