/** How much one depositor may store, which no directive says. */
import type { ServerConfig } from './server-config.js'

/** Whatever may match more than one name; a dot is a letter in these patterns. */
const OF_SEVERAL = /[*?|+()[\]{}]/

/**
 * On a server for many, one client must not fill the disk: absent, for the repository's own limit. On
 * a secondary all is its primary's, whatever the users of that store: where `accepted_credentials`
 * names each depositor by a whole DN, 0, for any number.
 */
export function mostPerOwner({
  acceptedCredentials: depositors,
}: Pick<ServerConfig, 'acceptedCredentials'>): number | undefined {
  const named = depositors.length > 0 && depositors.every((pattern) => !OF_SEVERAL.test(pattern))
  return named ? 0 : undefined
}
