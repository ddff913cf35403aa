/** Who judges attributes in a quick answer: of hundreds of CAs, those that lead to them are read. */
import { hostname } from 'node:os'
import type { AttributeJudge } from '../../renewal/query/look-at-attributes.js'
import { VomsDirectory } from '../../voms/voms-directory.js'
import { TrustOnDemand } from '../../x509/trust-on-demand.js'
import { readEffectiveConfig } from '../compose/compose-config.js'
import { currentUid } from '../compose/compose-login.js'
import { systemClock } from '../ports/clock.js'
import { quickFiles } from './quick-disk.js'

export async function quickJudge(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<AttributeJudge> {
  const config = await readEffectiveConfig(quickFiles, environment, currentUid())
  const { directory, allowLegacyProxies } = config.trust
  const trust = new TrustOnDemand(quickFiles, systemClock, directory, config.trust)
  const vomsDirectory = new VomsDirectory(quickFiles, systemClock, config.voms.directory)
  return {
    anchorsFor: (certificates) => trust.anchorsFor(certificates),
    vomsTrust: () => vomsDirectory.current(),
    host: hostname(),
    allowLegacyProxies,
    maxDelegationDepth: config.limits.maxDelegationDepth,
  }
}
