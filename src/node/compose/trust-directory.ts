/** The configured trust anchors. */
import type { Config } from '../../config/config.js'
import type { Clock } from '../../ports/clock.js'
import type { Certificate } from '../../x509/certificate.js'
import { type TrustAnchors, TrustDirectory } from '../../x509/trust-anchors.js'
import { TrustOnDemand } from '../../x509/trust-on-demand.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'

/** As `TrustDirectory` keeps what it read. */
const KEEP_MS = 60_000

/**
 * For who asks about few peers and has their chains: of hundreds of CAs, those that lead to them are
 * read, and read anew after a minute, so that a program that goes on sees new CRLs.
 */
export function trustFor(
  { trust }: Pick<Config, 'trust'>,
  clock: Clock = systemClock,
): (chain: readonly Certificate[]) => Promise<TrustAnchors> {
  let readMs = 0
  let reading: TrustOnDemand | undefined
  return (chain) => {
    const nowMs = clock.monotonicMs()
    if (reading === undefined || nowMs - readMs > KEEP_MS) {
      reading = new TrustOnDemand(nodeFiles, clock, trust.directory, trust)
      readMs = nowMs
    }
    return reading.anchorsFor(chain)
  }
}

/** For who asks several times, or about peers that have not yet shown their chain. */
export function trustDirectoryOf(
  { trust }: Pick<Config, 'trust'>,
  clock: Clock = systemClock,
): TrustDirectory {
  const { directory, allowMissingSigningPolicy } = trust
  return new TrustDirectory(nodeFiles, clock, directory, { allowMissingSigningPolicy })
}
