/**
 * What `myproxy-server.config(5)` can say, with units in the names and the C server's defaults. Paths
 * are absolute; whether anything is there is for those to find out who open it.
 */
import type { MyProxyServer } from '../../server-list.js'

export type SyslogFacility = (typeof SYSLOG_FACILITIES)[number]

/** In the order of their numbers, those without a name left out. */
export const SYSLOG_FACILITIES = [
  'kern',
  'user',
  'mail',
  'daemon',
  'auth',
  'syslog',
  'lpr',
  'news',
  'uucp',
  'cron',
  'authpriv',
  'ftp',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const

export type IssuerHash = (typeof ISSUER_HASHES)[number]

/** With which the certificate authority signs: SHA-256 or better, whatever OpenSSL has besides. */
export const ISSUER_HASHES = ['sha256', 'sha384', 'sha512'] as const

/** Lists of DN patterns, one or more a line, added up over all lines; empty by default. */
export interface ConfiguredPatterns {
  /** `accepted_credentials`, `allowed_clients`. */
  acceptedCredentials: readonly string[]
  /** `authorized_retrievers`, `allowed_services`. */
  authorizedRetrievers: readonly string[]
  defaultRetrievers: readonly string[]
  authorizedRenewers: readonly string[]
  defaultRenewers: readonly string[]
  authorizedKeyRetrievers: readonly string[]
  defaultKeyRetrievers: readonly string[]
  trustedRetrievers: readonly string[]
  defaultTrustedRetrievers: readonly string[]
}

/** The certificate authority; there is one when `certificatePath` or `program` is set. */
export interface ConfiguredAuthority {
  /** `certificate_issuer_cert`; then there is a `keyPath` too. */
  certificatePath?: string
  /** `certificate_issuer_key`. */
  keyPath?: string
  /** `certificate_issuer_key_passphrase`: the file must then be its owner's alone. */
  keyPassPhrase?: string
  /** `certificate_issuer_subca_certfile`: what is sent behind an issued certificate, in PEM. */
  subCaPath?: string
  /** `certificate_issuer_hashalg`; default `sha256`. */
  hash: IssuerHash
  /** `certificate_issuer_email_domain`: domain of the e-mail address in what is issued. */
  emailDomain?: string
  /** `certificate_issuer_program`: issues instead of `certificatePath`. */
  program?: string
  /** `certificate_serialfile`; default `/var/lib/myproxy/serial`. */
  serialPath: string
  /** `certificate_serial_skip`: how far apart serial numbers are; default 1. */
  serialSkip: number
  /** `certificate_out_dir`: where a copy of what was issued is kept. */
  archiveDirectory?: string
  /** `max_cert_lifetime`, in seconds; default 43,200 (12 h). */
  maxLifetimeSeconds: number
  /** `min_keylen`: least RSA key, in bits; default 0: no limit of its own. */
  minKeyBits: number
  /** `certificate_extfile` or `certificate_extapp`, never both. */
  extensionPath?: string
  extensionProgram?: string
  /** `certificate_mapfile`; default `/etc/grid-security/grid-mapfile`. */
  mapPath: string
  /** `certificate_mapapp`: asked instead of the file. */
  mapProgram?: string
  requestChecker?: string
  issuedChecker?: string
}

export interface ServerConfig extends ConfiguredPatterns {
  authority: ConfiguredAuthority
  passPhrasePolicyProgram?: string
  /** `cert_dir`: the CA files that clients are given; none: they are given none. */
  trustRootsDirectory?: string
  /** `max_proxy_lifetime`, in seconds; default 0: no cap. */
  maxProxyLifetimeSeconds: number
  /** `max_cred_lifetime`, in seconds; default 0: no cap. */
  maxCredentialLifetimeSeconds: number
  /** `ignore_globus_limited_proxy_flag`; default false. */
  ignoreLimitedProxyFlag: boolean
  /** Default false. */
  allowSelfAuthorization: boolean
  /** Default false. */
  checkMultipleCredentials: boolean
  /** Default false. */
  allowVomsAttributeRequests: boolean
  /** `voms_userconf`: where the VOMS servers are listed. */
  vomsUserConfPath?: string
  /** `accepted_credentials_mapfile` and `accepted_credentials_mapapp`. */
  acceptedMapPath?: string
  acceptedMapProgram?: string
  /** `proxy_extfile` or `proxy_extapp`, never both. */
  proxyExtensionPath?: string
  proxyExtensionProgram?: string
  /** `request_timeout`, in seconds; default 120; `Infinity` where the file switches it off. */
  requestTimeoutSeconds: number
  /** `request_size_limit`, in bytes; default 1,048,576; `Infinity` where it is switched off. */
  requestSizeLimitBytes: number
  /** Default `myproxy-server`. */
  syslogIdent: string
  /** Default `daemon`. */
  syslogFacility: SyslogFacility
  /** `slave_servers`: the secondaries; port 7512 where none is named. */
  secondaryServers: readonly MyProxyServer[]
  /** Which line each directive stood on, the last one where it stood on several. */
  lines: ReadonlyMap<string, number>
  /** What the administrator should know, in the order of the lines. */
  notices: readonly ConfigNotice[]
}

export interface ConfigNotice {
  line: number
  directive: string
  message: string
}

/** Where the C server looks for it. */
export const DEFAULT_SERVER_CONFIG_FILE = '/etc/myproxy-server.config'

/** Of an empty file. */
export const SERVER_CONFIG_DEFAULTS = {
  acceptedCredentials: [],
  authorizedRetrievers: [],
  defaultRetrievers: [],
  authorizedRenewers: [],
  defaultRenewers: [],
  authorizedKeyRetrievers: [],
  defaultKeyRetrievers: [],
  trustedRetrievers: [],
  defaultTrustedRetrievers: [],
  maxProxyLifetimeSeconds: 0,
  maxCredentialLifetimeSeconds: 0,
  ignoreLimitedProxyFlag: false,
  allowSelfAuthorization: false,
  checkMultipleCredentials: false,
  allowVomsAttributeRequests: false,
  requestTimeoutSeconds: 120,
  requestSizeLimitBytes: 1_048_576,
  syslogIdent: 'myproxy-server',
  syslogFacility: 'daemon',
  secondaryServers: [],
} as const satisfies Omit<ServerConfig, 'authority' | 'lines' | 'notices'>

export const AUTHORITY_DEFAULTS = {
  hash: 'sha256',
  serialPath: '/var/lib/myproxy/serial',
  serialSkip: 1,
  maxLifetimeSeconds: 43_200,
  minKeyBits: 0,
  mapPath: '/etc/grid-security/grid-mapfile',
} as const satisfies ConfiguredAuthority
