/** From the configuration file to what the server takes. */
import type { MyProxyPolicy } from '../policy/policy.js'
import type { ServerSettings } from '../server-context.js'
import type { ServerConfig } from './server-config.js'

export type ConfiguredOptions = Required<
  Pick<
    ServerSettings,
    | 'policy'
    | 'maxProxyLifetimeSeconds'
    | 'maxCredentialLifetimeSeconds'
    | 'requestMs'
    | 'requestSizeLimitBytes'
  >
>

/** The longest that a timer can wait, in milliseconds: 24 days. */
const LONGEST_WAIT_MS = 2_147_483_647

/** Everybody, those without a certificate too. */
const ANYBODY = ['*']

export function optionsOf(config: ServerConfig): ConfiguredOptions {
  return {
    policy: policyOf(config),
    maxProxyLifetimeSeconds: config.maxProxyLifetimeSeconds,
    maxCredentialLifetimeSeconds: config.maxCredentialLifetimeSeconds,
    requestMs: Math.min(config.requestTimeoutSeconds * 1000, LONGEST_WAIT_MS),
    requestSizeLimitBytes: config.requestSizeLimitBytes,
  }
}

function policyOf(config: ServerConfig): Required<MyProxyPolicy> {
  const { defaultTrustedRetrievers } = config
  return {
    acceptedCredentials: config.acceptedCredentials,
    authorizedRetrievers: config.authorizedRetrievers,
    defaultRetrievers: config.defaultRetrievers,
    authorizedRenewers: config.authorizedRenewers,
    defaultRenewers: config.defaultRenewers,
    authorizedKeyRetrievers: config.authorizedKeyRetrievers,
    defaultKeyRetrievers: config.defaultKeyRetrievers,
    trustedRetrievers: config.trustedRetrievers,
    // "If no default_trusted_retrievers policy is set, then only the trusted_retrievers policy is
    // applied"; that this opens nothing to everybody was checked when the file was read.
    defaultTrustedRetrievers:
      defaultTrustedRetrievers.length === 0 ? ANYBODY : defaultTrustedRetrievers,
    allowSelfAuthorization: config.allowSelfAuthorization,
    ignoreLimitedProxyFlag: config.ignoreLimitedProxyFlag,
    checkMultipleCredentials: config.checkMultipleCredentials,
  }
}
