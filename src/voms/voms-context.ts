/** What speaking VOMS needs, from the composition root. */
import type { GsiContext } from '../gsi/context.js'
import type { KeyGenerator, KeyKind } from '../ports/key-generator.js'
import type { Random } from '../ports/random.js'
import type { VomsesFiles } from './vomses-files.js'

/** Where the servers of a VO are. */
export type VomsesSource = Pick<VomsesFiles, 'paths' | 'serversOf'>

/** `connectMs` and `answerMs` are those of the VOMS servers. */
export interface VomsContext extends GsiContext {
  /** The order of servers, and serial numbers. */
  random: Random
  /** Of the proxies that carry the attributes. */
  keys: KeyGenerator
  keyKind: KeyKind
  vomses: VomsesSource
}
