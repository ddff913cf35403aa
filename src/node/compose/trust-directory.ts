/** The configured trust anchors. */
import type { Config } from '../../config/config.js'
import type { Clock } from '../../ports/clock.js'
import { TrustDirectory } from '../../x509/trust-anchors.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'

/** For who asks several times, or about peers that have not yet shown their chain. */
export function trustDirectoryOf(
  { trust }: Pick<Config, 'trust'>,
  clock: Clock = systemClock,
): TrustDirectory {
  const { directory, allowMissingSigningPolicy } = trust
  return new TrustDirectory(nodeFiles, clock, directory, { allowMissingSigningPolicy })
}
