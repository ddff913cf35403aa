/** Who judges attributes in a quick answer; loaded only where there are any. */
import type { AttributeJudge } from '../../renewal/query/look-at-attributes.js'
import { readEffectiveConfig } from '../compose/compose-config.js'
import { judgeOnDemand } from '../compose/compose-judge.js'
import { currentUid } from '../compose/compose-login.js'
import { quickFiles } from './quick-disk.js'

export async function quickJudge(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<AttributeJudge> {
  return judgeOnDemand(await readEffectiveConfig(quickFiles, environment, currentUid()), quickFiles)
}
