/** Our VOMS client on the real servers of {@link RealVoms}: real sockets, files, time and RSA keys. */
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeDialer } from '../../src/node/ports/dialer.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { KeyPool } from '../../src/node/ports/key-pool.js'
import { systemRandom } from '../../src/node/ports/random.js'
import type { VomsContext } from '../../src/voms/voms-context.js'
import { VomsesFiles } from '../../src/voms/vomses-files.js'
import { myproxyContext } from './myproxy-context.js'
import type { RealGrid } from './real-peers.js'
import type { RealVoms } from './real-voms.js'

export function realVomsContext(
  grid: RealGrid,
  voms: RealVoms,
  changes: Partial<VomsContext> = {},
): VomsContext {
  return {
    ...myproxyContext(grid.ca),
    dialer: nodeDialer,
    random: systemRandom,
    keys: new KeyPool({ kind: 'rsa2048', size: 0 }),
    keyKind: 'rsa2048',
    vomses: new VomsesFiles(nodeFiles, systemClock, [voms.vomses], { reloadMs: 0 }),
    ...changes,
  }
}
