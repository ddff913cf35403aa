import { describe, expect, it } from 'vitest'
import { optionsOf } from '../../../../src/myproxy/server/config/options-of.js'
import { parseServerConfig } from '../../../../src/myproxy/server/config/parse-server-config.js'
import { plainDn } from '../../../../src/myproxy/server/policy/dn-pattern.js'
import { decideAccess } from '../../../../src/myproxy/server/policy/policy.js'

const PATH = '/etc/myproxy-server.config'
const options = (text: string) => optionsOf(parseServerConfig(Buffer.from(text), PATH))

describe('optionsOf', () => {
  it('turns hours and seconds of the file into what the server takes', () => {
    expect(
      options(
        'max_proxy_lifetime 12\nmax_cred_lifetime 168\nrequest_timeout 30\nrequest_size_limit 4096',
      ),
    ).toMatchObject({
      maxProxyLifetimeSeconds: 43_200,
      maxCredentialLifetimeSeconds: 604_800,
      requestMs: 30_000,
      requestSizeLimitBytes: 4096,
    })
  })

  it('lets a request without a limit take the 24 days that a timer can wait', () => {
    expect(options('request_timeout -1').requestMs).toBe(2 ** 31 - 1)
  })

  it('hands every list and flag over', () => {
    const { policy } = options(`accepted_credentials /CN=1
authorized_retrievers /CN=2
default_retrievers /CN=3
authorized_renewers /CN=4
default_renewers /CN=5
authorized_key_retrievers /CN=6
default_key_retrievers /CN=7
trusted_retrievers /CN=8
default_trusted_retrievers /CN=9
allow_self_authorization true
ignore_globus_limited_proxy_flag true
check_multiple_credentials true`)
    expect(policy).toEqual({
      acceptedCredentials: ['/CN=1'],
      authorizedRetrievers: ['/CN=2'],
      defaultRetrievers: ['/CN=3'],
      authorizedRenewers: ['/CN=4'],
      defaultRenewers: ['/CN=5'],
      authorizedKeyRetrievers: ['/CN=6'],
      defaultKeyRetrievers: ['/CN=7'],
      trustedRetrievers: ['/CN=8'],
      defaultTrustedRetrievers: ['/CN=9'],
      allowSelfAuthorization: true,
      ignoreLimitedProxyFlag: true,
      checkMultipleCredentials: true,
    })
  })

  it.each([
    ['trusted_retrievers', 'trusted_retrievers'],
    ['authorized_retrievers', 'authorized_retrievers'],
    ['authorized_renewers', 'authorized_renewers'],
    ['authorized_key_retrievers', 'authorized_key_retrievers'],
  ] as const)(
    'lets those of %s pass where no default is written, and nobody else',
    (line, access) => {
      const { policy } = options(`${line} /CN=a`)
      expect(decideAccess(policy, access, plainDn('/CN=a'), {}).allowed).toBe(true)
      expect(decideAccess(policy, access, plainDn('/CN=b'), {}).allowed).toBe(false)
    },
  )
})
