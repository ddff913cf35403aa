/** From the configuration file to what the server takes. */
import type { MyProxyPolicy } from '../policy.js'
import type { ServerSettings } from '../server-context.js'
import { configInvalid } from './config-lines.js'
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

/**
 * Directives that are understood and that the server does not serve. A server that started without
 * what its administrator wrote down would be another one than the file says.
 */
const NOT_SERVED: Readonly<Record<string, (config: ServerConfig) => boolean>> = {
  allow_voms_attribute_requests: ({ allowVomsAttributeRequests }) => allowVomsAttributeRequests,
}

/**
 * @param path for messages only.
 * @throws `CONFIG_INVALID` for a directive that the server does not serve.
 */
export function optionsOf(config: ServerConfig, path: string): ConfiguredOptions {
  for (const [directive, isWanted] of Object.entries(NOT_SERVED)) {
    if (!isWanted(config)) continue
    const line = config.lines.get(directive) ?? 0
    const hint = 'Leave the line away, if the site can do without'
    throw configInvalid(path, { line, directive }, 'is not served', hint)
  }
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
