/**
 * Every directive that the C server's parser knows: those of `myproxy-server.config(5)` and the few
 * that the page leaves out. What the server of ours does not do is refused by name, since a line
 * that is passed over is a policy that does not hold.
 */
import {
  readBoolean,
  readCount,
  readDomain,
  readFacility,
  readHash,
  readHours,
  readPath,
  readSecret,
  readSizeLimit,
  readText,
  readTimeout,
} from './config-values.js'
import type { ConfiguredAuthority, ConfiguredPatterns, ServerConfig } from './server-config.js'

type Scalars = Omit<
  ServerConfig,
  keyof ConfiguredPatterns | 'authority' | 'secondaryServers' | 'lines' | 'notices'
>

export type Directive =
  /** One word or more, added to what earlier lines said. */
  | { kind: 'patterns'; field: keyof ConfiguredPatterns }
  | { kind: 'servers' }
  /** One word; the last line counts. */
  | Scalar<'server', Scalars>
  | Scalar<'authority', ConfiguredAuthority>
  /** Without effect in the C server too. */
  | { kind: 'obsolete' }
  /** Except for `unless`, which says that it is not wanted. */
  | { kind: 'refused'; needs: string; unless?: string }

type Scalar<Kind extends string, Fields> = {
  [Field in keyof Fields]-?: {
    kind: Kind
    field: Field
    read: (word: string) => NonNullable<Fields[Field]>
  }
}[keyof Fields]

const patterns = (field: keyof ConfiguredPatterns): Directive => ({ kind: 'patterns', field })
const refused = (needs: string, unless?: string): Directive => ({
  kind: 'refused',
  needs,
  ...(unless !== undefined && { unless }),
})
const program = readPath

const PAM = refused('PAM')
const SASL = refused('SASL')
const OCSP = refused('OCSP')
const LDAP = refused('LDAP')
const ENGINE = refused('OpenSSL engines')
const PUBCOOKIE = refused('Pubcookie')
const OBSOLETE: Directive = { kind: 'obsolete' }

/** By name; the page `vobox-myproxy-server.config(5)` has a line for each. */
export const DIRECTIVES: Readonly<Record<string, Directive>> = {
  accepted_credentials: patterns('acceptedCredentials'),
  allowed_clients: patterns('acceptedCredentials'),
  authorized_retrievers: patterns('authorizedRetrievers'),
  allowed_services: patterns('authorizedRetrievers'),
  default_retrievers: patterns('defaultRetrievers'),
  authorized_renewers: patterns('authorizedRenewers'),
  default_renewers: patterns('defaultRenewers'),
  authorized_key_retrievers: patterns('authorizedKeyRetrievers'),
  default_key_retrievers: patterns('defaultKeyRetrievers'),
  trusted_retrievers: patterns('trustedRetrievers'),
  default_trusted_retrievers: patterns('defaultTrustedRetrievers'),
  passphrase_policy_program: { kind: 'server', field: 'passPhrasePolicyProgram', read: program },
  cert_dir: { kind: 'server', field: 'trustRootsDirectory', read: readPath },
  max_proxy_lifetime: { kind: 'server', field: 'maxProxyLifetimeSeconds', read: readHours },
  max_cred_lifetime: { kind: 'server', field: 'maxCredentialLifetimeSeconds', read: readHours },
  ignore_globus_limited_proxy_flag: {
    kind: 'server',
    field: 'ignoreLimitedProxyFlag',
    read: readBoolean,
  },
  allow_self_authorization: { kind: 'server', field: 'allowSelfAuthorization', read: readBoolean },
  check_multiple_credentials: {
    kind: 'server',
    field: 'checkMultipleCredentials',
    read: readBoolean,
  },
  allow_voms_attribute_requests: {
    kind: 'server',
    field: 'allowVomsAttributeRequests',
    read: readBoolean,
  },
  voms_userconf: { kind: 'server', field: 'vomsUserConfPath', read: readPath },
  accepted_credentials_mapfile: { kind: 'server', field: 'acceptedMapPath', read: readPath },
  accepted_credentials_mapapp: { kind: 'server', field: 'acceptedMapProgram', read: program },
  proxy_extfile: { kind: 'server', field: 'proxyExtensionPath', read: readPath },
  proxy_extapp: { kind: 'server', field: 'proxyExtensionProgram', read: program },
  request_timeout: { kind: 'server', field: 'requestTimeoutSeconds', read: readTimeout },
  request_size_limit: { kind: 'server', field: 'requestSizeLimitBytes', read: readSizeLimit },
  syslog_ident: { kind: 'server', field: 'syslogIdent', read: readText },
  syslog_facility: { kind: 'server', field: 'syslogFacility', read: readFacility },
  slave_servers: { kind: 'servers' },
  certificate_issuer_cert: { kind: 'authority', field: 'certificatePath', read: readPath },
  certificate_issuer_key: { kind: 'authority', field: 'keyPath', read: readPath },
  certificate_issuer_key_passphrase: {
    kind: 'authority',
    field: 'keyPassPhrase',
    read: readSecret,
  },
  certificate_issuer_subca_certfile: { kind: 'authority', field: 'subCaPath', read: readPath },
  certificate_issuer_hashalg: { kind: 'authority', field: 'hash', read: readHash },
  certificate_issuer_email_domain: { kind: 'authority', field: 'emailDomain', read: readDomain },
  certificate_issuer_program: { kind: 'authority', field: 'program', read: program },
  certificate_serialfile: { kind: 'authority', field: 'serialPath', read: readPath },
  certificate_serial_skip: {
    kind: 'authority',
    field: 'serialSkip',
    read: (word) => readCount(word, 1),
  },
  certificate_out_dir: { kind: 'authority', field: 'archiveDirectory', read: readPath },
  max_cert_lifetime: {
    kind: 'authority',
    field: 'maxLifetimeSeconds',
    // 0 is the default, as in the C server.
    read: (word) => readHours(word) || 43_200,
  },
  min_keylen: {
    kind: 'authority',
    field: 'minKeyBits',
    read: (word) => readCount(word, 0, 16_384),
  },
  certificate_extfile: { kind: 'authority', field: 'extensionPath', read: readPath },
  certificate_extapp: { kind: 'authority', field: 'extensionProgram', read: program },
  certificate_mapfile: { kind: 'authority', field: 'mapPath', read: readPath },
  certificate_mapapp: { kind: 'authority', field: 'mapProgram', read: program },
  certificate_request_checker: { kind: 'authority', field: 'requestChecker', read: program },
  certificate_issuer_checker: { kind: 'authority', field: 'issuedChecker', read: program },
  certificate_openssl_engine_id: ENGINE,
  certificate_openssl_engine_pre: ENGINE,
  certificate_openssl_engine_post: ENGINE,
  certificate_openssl_engine_lockfile: ENGINE,
  pam: refused('PAM', 'disabled'),
  pam_id: PAM,
  sasl: refused('SASL', 'disabled'),
  sasl_mech: SASL,
  sasl_serverFQDN: SASL,
  sasl_user_realm: SASL,
  ocsp_policy: OCSP,
  ocsp_responder_url: OCSP,
  ocsp_responder_cert: OCSP,
  ca_ldap_server: LDAP,
  ca_ldap_searchbase: LDAP,
  ca_ldap_uid_attribute: LDAP,
  ca_ldap_dn_attribute: LDAP,
  ca_ldap_connect_dn: LDAP,
  ca_ldap_connect_passphrase: LDAP,
  ca_ldap_start_tls: LDAP,
  pubcookie_granting_cert: PUBCOOKIE,
  pubcookie_app_server_key: PUBCOOKIE,
  disable_usage_stats: OBSOLETE,
  usage_stats_target: OBSOLETE,
}

/** Names are compared in their case, as the C server does. */
export function findDirective(name: string): Directive | undefined {
  return Object.hasOwn(DIRECTIVES, name) ? DIRECTIVES[name] : undefined
}
