/** From the configuration to what speaking VOMS needs: whom to ask, and whom to believe. */
import { join } from 'node:path'
import type { Config } from '../../config/config.js'
import type { Clock } from '../../ports/clock.js'
import type { Journal } from '../../ports/journal.js'
import type { KeyGenerator } from '../../ports/key-generator.js'
import type { VomsContext } from '../../voms/voms-context.js'
import { VomsDirectory } from '../../voms/voms-directory.js'
import { VomsesFiles } from '../../voms/vomses-files.js'
import type { TrustAnchors } from '../../x509/trust-anchors.js'
import { systemClock } from '../ports/clock.js'
import { nodeDialer } from '../ports/dialer.js'
import { nodeFiles } from '../ports/files.js'
import { systemRandom } from '../ports/random.js'

/** Where packages and configuration tools put them; a file, or a directory of them. */
const SYSTEM_VOMSES = '/etc/vomses'

export interface VomsParts {
  journal: Journal
  keys: KeyGenerator
  anchors(): Promise<TrustAnchors>
  /**
   * Home of the person who makes a login proxy, whose own `~/.voms/vomses` then counts first. Never
   * for the service: it believes what the machine believes.
   */
  home?: string | undefined
}

export function vomsContextOf(
  config: Config,
  parts: VomsParts,
): VomsContext & { vomses: VomsesFiles } {
  const { journal, keys, anchors, home } = parts
  return {
    dialer: nodeDialer,
    clock: systemClock,
    random: systemRandom,
    journal,
    keys,
    keyKind: config.keys.kind,
    anchors,
    connectMs: config.voms.connectSeconds * 1000,
    answerMs: config.voms.answerSeconds * 1000,
    tlsMaxVersion: config.myproxy.tlsMaxVersion,
    maxDelegationDepth: config.limits.maxDelegationDepth,
    allowLegacyProxies: config.trust.allowLegacyProxies,
    vomses: new VomsesFiles(nodeFiles, systemClock, vomsesPathsOf(config, home)),
  }
}

/** The configured places alone, where any are; else the person's own and the machine's. */
export function vomsesPathsOf({ voms }: Config, home?: string): readonly string[] {
  if (voms.vomses.length > 0) return voms.vomses
  return home === undefined ? [SYSTEM_VOMSES] : [join(home, '.voms', 'vomses'), SYSTEM_VOMSES]
}

export function vomsDirectoryOf(config: Config, clock: Clock = systemClock): VomsDirectory {
  return new VomsDirectory(nodeFiles, clock, config.voms.directory)
}
