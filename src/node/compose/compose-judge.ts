/**
 * Who judges attributes for a program that answers and ends: of hundreds of CAs, those that lead to
 * them are read.
 */
import { hostname } from 'node:os'
import type { Config } from '../../config/config.js'
import type { Files } from '../../ports/files.js'
import type { AttributeJudge } from '../../renewal/query/look-at-attributes.js'
import { VomsDirectory } from '../../voms/voms-directory.js'
import { TrustOnDemand } from '../../x509/trust-on-demand.js'
import { systemClock } from '../ports/clock.js'

export function judgeOnDemand(
  { trust, voms, limits }: Pick<Config, 'trust' | 'voms' | 'limits'>,
  files: Files,
): AttributeJudge {
  const anchors = new TrustOnDemand(files, systemClock, trust.directory, trust)
  const vomsDirectory = new VomsDirectory(files, systemClock, voms.directory)
  return {
    anchorsFor: (certificates) => anchors.anchorsFor(certificates),
    vomsTrust: () => vomsDirectory.current(),
    host: hostname(),
    allowLegacyProxies: trust.allowLegacyProxies,
    maxDelegationDepth: limits.maxDelegationDepth,
  }
}
