import { describe, expect, it } from 'vitest'
import { parseServerConfig } from '../../../../src/myproxy/server/config/parse-server-config.js'
import { failureOf } from '../../../support/failure.js'

const PATH = '/etc/myproxy-server.config'
const parse = (text: string) => parseServerConfig(Buffer.from(text), PATH)

describe('parseServerConfig', () => {
  it("has the C server's defaults where the file says nothing", () => {
    expect(parse('# nothing\n')).toMatchObject({
      acceptedCredentials: [],
      defaultTrustedRetrievers: [],
      maxProxyLifetimeSeconds: 0,
      maxCredentialLifetimeSeconds: 0,
      requestTimeoutSeconds: 120,
      requestSizeLimitBytes: 1_048_576,
      allowSelfAuthorization: false,
      syslogIdent: 'myproxy-server',
      syslogFacility: 'daemon',
      secondaryServers: [],
      authority: {
        hash: 'sha256',
        serialPath: '/var/lib/myproxy/serial',
        serialSkip: 1,
        maxLifetimeSeconds: 12 * 3600,
        minKeyBits: 0,
        mapPath: '/etc/grid-security/grid-mapfile',
      },
    })
  })

  it.each([
    ['max_proxy_lifetime 12', { maxProxyLifetimeSeconds: 43_200 }],
    ['max_cred_lifetime "168"', { maxCredentialLifetimeSeconds: 604_800 }],
    ['request_timeout 30', { requestTimeoutSeconds: 30 }],
    ['request_timeout 0', { requestTimeoutSeconds: 120 }],
    ['request_timeout -1', { requestTimeoutSeconds: Number.POSITIVE_INFINITY }],
    ['request_size_limit 4096', { requestSizeLimitBytes: 4096 }],
    ['request_size_limit 0', { requestSizeLimitBytes: Number.POSITIVE_INFINITY }],
    ['request_size_limit -1', { requestSizeLimitBytes: Number.POSITIVE_INFINITY }],
    ['ignore_globus_limited_proxy_flag true', { ignoreLimitedProxyFlag: true }],
    ['check_multiple_credentials YES', { checkMultipleCredentials: true }],
    ['allow_voms_attribute_requests 1', { allowVomsAttributeRequests: true }],
    ['allow_self_authorization Enabled', { allowSelfAuthorization: true }],
    ['allow_self_authorization off', { allowSelfAuthorization: false }],
    ['cert_dir /etc/grid-security/certificates', { trustRootsDirectory: expect.any(String) }],
    ['passphrase_policy_program /usr/bin/p', { passPhrasePolicyProgram: '/usr/bin/p' }],
    ['voms_userconf /etc/vomses', { vomsUserConfPath: '/etc/vomses' }],
    ['accepted_credentials_mapfile /etc/m', { acceptedMapPath: '/etc/m' }],
    ['accepted_credentials_mapapp /usr/bin/m', { acceptedMapProgram: '/usr/bin/m' }],
    ['proxy_extfile /etc/x', { proxyExtensionPath: '/etc/x' }],
    ['proxy_extapp /usr/bin/x', { proxyExtensionProgram: '/usr/bin/x' }],
    ['syslog_ident px', { syslogIdent: 'px' }],
    ['syslog_facility LOCAL0', { syslogFacility: 'local0' }],
    ['syslog_facility security', { syslogFacility: 'auth' }],
    ['syslog_facility 24', { syslogFacility: 'daemon' }],
    ['syslog_facility 184', { syslogFacility: 'local7' }],
    ['pam "disabled"', { notices: [] }],
    ['sasl disabled', { notices: [] }],
  ])('reads %s', (line, expected) => {
    expect(parse(line)).toMatchObject(expected)
  })

  it.each([
    ['max_cert_lifetime 24', { maxLifetimeSeconds: 86_400 }],
    ['max_cert_lifetime 0', { maxLifetimeSeconds: 43_200 }],
    ['min_keylen 2048', { minKeyBits: 2048 }],
    ['certificate_serialfile /s', { serialPath: '/s' }],
    ['certificate_serial_skip 2', { serialSkip: 2 }],
    ['certificate_out_dir /o', { archiveDirectory: '/o' }],
    ['certificate_issuer_hashalg SHA512', { hash: 'sha512' }],
    ['certificate_issuer_subca_certfile /c', { subCaPath: '/c' }],
    ['certificate_issuer_email_domain example.org', { emailDomain: 'example.org' }],
    ['certificate_issuer_program /p', { program: '/p' }],
    ['certificate_extfile /e', { extensionPath: '/e' }],
    ['certificate_extapp /e', { extensionProgram: '/e' }],
    ['certificate_mapfile /m', { mapPath: '/m' }],
    ['certificate_mapapp /m', { mapProgram: '/m' }],
    ['certificate_request_checker /c', { requestChecker: '/c' }],
    ['certificate_issuer_checker /c', { issuedChecker: '/c' }],
    [
      'certificate_issuer_cert /c\ncertificate_issuer_key /k\ncertificate_issuer_key_passphrase "a b"',
      { certificatePath: '/c', keyPath: '/k', keyPassPhrase: 'a b' },
    ],
  ])('reads %s for the certificate authority', (line, expected) => {
    expect(parse(line).authority).toMatchObject(expected)
  })

  it('adds up lists over lines, words of a line, and the older names', () => {
    const config = parse(`accepted_credentials "/CN=a" "/CN=b c"
allowed_clients /CN=d
authorized_retrievers "*"
allowed_services "none"
slave_servers one.example.org:7513;two.example.org
slave_servers "[::1]:7514"; three.example.org;Two.example.org:7512`)
    expect(config.acceptedCredentials).toEqual(['/CN=a', '/CN=b c', '/CN=d'])
    expect(config.authorizedRetrievers).toEqual(['*', 'none'])
    expect(config.secondaryServers).toEqual([
      { host: 'one.example.org', port: 7513 },
      { host: 'Two.example.org', port: 7512 },
      { host: '::1', port: 7514 },
      { host: 'three.example.org', port: 7512 },
    ])
  })

  it('takes the last of two lines, and says so; two alike are one', () => {
    const config = parse(
      'syslog_ident a\nsyslog_ident a\nmax_proxy_lifetime 5\nmax_proxy_lifetime 6',
    )
    expect(config.maxProxyLifetimeSeconds).toBe(6 * 3600)
    expect(config.lines.get('max_proxy_lifetime')).toBe(4)
    expect(config.notices).toEqual([
      {
        line: 4,
        directive: 'max_proxy_lifetime',
        message: 'max_proxy_lifetime replaces what line 3 said',
      },
    ])
  })

  it.each(['disable_usage_stats true', 'usage_stats_target default'])(
    'says of %s that it has no effect',
    (line) => {
      const [directive] = line.split(' ')
      expect(parse(line).notices).toMatchObject([{ line: 1, directive }])
    },
  )

  it('freezes what it returns, lists and all', () => {
    const config = parse('accepted_credentials *\nslave_servers a')
    for (const part of [
      config,
      config.authority,
      config.acceptedCredentials,
      config.secondaryServers,
      config.secondaryServers[0],
      config.notices,
    ]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })
})

describe('parseServerConfig refuses', () => {
  it.each([
    ['pam required', 'PAM'],
    ['pam_id login', 'PAM'],
    ['sasl sufficient', 'SASL'],
    ['sasl_mech GSSAPI', 'SASL'],
    ['sasl_serverFQDN a', 'SASL'],
    ['sasl_user_realm a', 'SASL'],
    ['ocsp_policy aia', 'OCSP'],
    ['ocsp_responder_url http://a', 'OCSP'],
    ['ocsp_responder_cert /c', 'OCSP'],
    ['ca_ldap_server "ldap://a"', 'LDAP'],
    ['ca_ldap_searchbase a', 'LDAP'],
    ['ca_ldap_uid_attribute a', 'LDAP'],
    ['ca_ldap_dn_attribute a', 'LDAP'],
    ['ca_ldap_connect_dn a', 'LDAP'],
    ['ca_ldap_connect_passphrase a', 'LDAP'],
    ['ca_ldap_start_tls true', 'LDAP'],
    ['certificate_openssl_engine_id a', 'OpenSSL engines'],
    ['certificate_openssl_engine_pre a b', 'OpenSSL engines'],
    ['certificate_openssl_engine_post a', 'OpenSSL engines'],
    ['certificate_openssl_engine_lockfile /l', 'OpenSSL engines'],
    ['pubcookie_granting_cert /c', 'Pubcookie'],
    ['pubcookie_app_server_key /k', 'Pubcookie'],
  ])('%s, which needs %s, with directive, file and line', (line, needs) => {
    const [directive] = line.split(' ')
    const { code, message, data } = failureOf(() => parse(`# one\n\n${line}\n`))
    expect({ code, data }).toEqual({
      code: 'CONFIG_INVALID',
      data: { path: PATH, line: 3, directive },
    })
    expect(message).toBe(
      `${PATH}:3: ${directive} is not supported: this server does without ${needs}`,
    )
  })

  it.each([
    ['what is no directive', 'frobnicate 1', 'frobnicate is no directive'],
    ['a directive in another case', 'MAX_PROXY_LIFETIME 1', 'MAX_PROXY_LIFETIME is no directive'],
    ['a name of Object', 'constructor 1', 'constructor is no directive'],
    ['a mark of byte order', '\ufeffcert_dir /c', 'is no directive'],
    ['a list of nothing', 'accepted_credentials', 'has nothing behind it'],
    ['no value', 'cert_dir', 'takes one value, and has 0'],
    ['two values', 'cert_dir /a /b', 'takes one value, and has 2'],
    ['hours with a unit', 'max_proxy_lifetime 12h', 'is "12h", and not a whole number'],
    ['hours with a fraction', 'max_proxy_lifetime 1.5', 'is "1.5", and not a whole number'],
    ['hours below 0', 'max_cred_lifetime -1', 'is "-1", and not a whole number'],
    ['hours beyond 32 bits', 'max_proxy_lifetime 596524', 'whole number from 0 to 596523'],
    ['no hours at all', 'max_proxy_lifetime ""', 'is "", and not a whole number'],
    ['a step of 0', 'certificate_serial_skip 0', 'is "0", and not a whole number from 1'],
    ['a word for a number', 'request_timeout never', 'is "never", and not a whole number'],
    ['neither true nor false', 'allow_self_authorization y', 'is "y", and not true or false'],
    ['a relative path', 'cert_dir certs', 'is "certs", and not an absolute path'],
    ['a program by its name', 'certificate_mapapp map', 'is "map", and not an absolute path'],
    ['signatures with SHA-1', 'certificate_issuer_hashalg sha1', 'is "sha1", and not sha256'],
    ['no facility', 'syslog_facility local8', 'is "local8", and not a facility of syslog'],
    ['a level', 'syslog_facility debug', 'is "debug", and not a facility of syslog'],
    ['a number between facilities', 'syslog_facility 3', 'is "3", and not a facility'],
    ['control characters in a name', 'syslog_ident "a\u0007"', 'and not a text of 1 to 256'],
    ['no domain', 'certificate_issuer_email_domain @a', 'is "@a", and not a domain name'],
    ['servers with commas', 'slave_servers a,b', 'is "a,b", and not a server'],
    ['a server with a port of 0', 'slave_servers a:0', 'is no list of servers'],
    ['no server at all', 'slave_servers ";"', 'is no list of servers'],
    ['what is no expression', 'default_renewers "/CN=(a"', 'is "/CN=(a", and not an expression'],
    ['VOMS attributes', 'authorized_renewers FQAN:/atlas/*', 'VOMS attributes are not looked at'],
  ])('%s', (_what, line, problem) => {
    const { code, message, data } = failureOf(() => parse(line))
    expect({ code, data }).toMatchObject({ code: 'CONFIG_INVALID', data: { line: 1 } })
    expect(message).toContain(problem)
    expect(message.startsWith(`${PATH}:1: `)).toBe(true)
  })

  it.each([
    ['certificate_issuer_cert /c\ncertificate_issuer_program /p', 'certificate_issuer_program', 2],
    ['certificate_extapp /a\n\ncertificate_extfile /f', 'certificate_extapp', 1],
    ['proxy_extfile /f\nproxy_extapp /a', 'proxy_extapp', 2],
    ['certificate_issuer_cert /c', 'certificate_issuer_cert', 1],
    ['certificate_issuer_key /k', 'certificate_issuer_key', 1],
    ['certificate_issuer_key_passphrase p', 'certificate_issuer_key_passphrase', 1],
    [
      'check_multiple_credentials true\ncheck_multiple_credentials 0',
      'check_multiple_credentials',
      2,
    ],
    ['trusted_retrievers *', 'trusted_retrievers', 1],
    ['trusted_retrievers "/CN=a" SUBJECT:**', 'trusted_retrievers', 1],
    ['trusted_retrievers /*', 'trusted_retrievers', 1],
    ['trusted_retrievers none|(*)', 'trusted_retrievers', 1],
    ['trusted_retrievers *\ndefault_trusted_retrievers *', 'trusted_retrievers', 1],
    ['trusted_retrievers *\ndefault_trusted_retrievers none *', 'trusted_retrievers', 1],
  ])('what cannot stand together: %s', (text, directive, line) => {
    const { code, data } = failureOf(() => parse(text))
    expect({ code, data }).toEqual({
      code: 'CONFIG_INVALID',
      data: { path: PATH, line, directive },
    })
  })

  it.each([
    'trusted_retrievers *\ndefault_trusted_retrievers none',
    'trusted_retrievers */CN=portal.example.org',
    'trusted_retrievers none\ndefault_trusted_retrievers *',
  ])('not %s, which is open on one side only', (text) => {
    expect(parse(text).trustedRetrievers).toHaveLength(1)
  })

  it('a pass phrase without showing it', () => {
    const { message } = failureOf(() => parse('certificate_issuer_key_passphrase swordfish 1'))
    expect(message).toContain('takes one value, and has 2')
    expect(message).not.toContain('swordfish')
  })
})
