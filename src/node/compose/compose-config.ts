/** The configuration of a program: its file, the environment and flags. */

import type { Config } from '../../config/config.js'
import { type ConfigFileChoice, readConfigFile } from '../../config/config-file.js'
import type { EffectiveSetting } from '../../config/effective-settings.js'
import { SETTINGS } from '../../config/settings.js'
import type { Files } from '../../ports/files.js'
import { requireRootOnly } from './root-only.js'

type Environment = Readonly<Record<string, string | undefined>>

/** @param flag value of `--config`. Rejects with `CONFIG_INVALID`, or as `readConfigFile` does. */
export async function readEffectiveConfig(
  files: Files,
  environment: Environment,
  uid: number,
  flag?: string,
): Promise<Config> {
  const file = await readConfigFile(files, { ...choiceOf(environment, uid), flag })
  const { readConfig } = await import('../../config/read-config.js')
  return readConfig({ file, environment })
}

/** The same, with where each value came from, and the file that was read. */
export async function explainEffectiveConfig(
  files: Files,
  environment: Environment,
  uid: number,
  flag?: string,
): Promise<{ settings: EffectiveSetting[]; file: string | undefined }> {
  const file = await readConfigFile(files, { ...choiceOf(environment, uid), flag })
  const { effectiveSettings } = await import('../../config/effective-settings.js')
  return { settings: effectiveSettings({ file, environment }), file: file?.path }
}

/** What a quick answer needs of the configuration. */
export type QuickConfig = Pick<Config, 'root'> & {
  mail: Pick<Config['mail'], 'transport' | 'sendmail'>
}

/**
 * Those few settings alone, for who must answer quickly: TOML is parsed only where there is any.
 */
export async function readQuickConfig(
  files: Files,
  environment: Environment,
  uid: number,
): Promise<QuickConfig> {
  const file = await readConfigFile(files, choiceOf(environment, uid))
  const { root, mail } = SETTINGS
  if (file === undefined) {
    const named = environment[root.environment ?? '']
    return {
      root: named ? root.parse(named) : root.default,
      mail: { transport: mail.transport.default, sendmail: mail.sendmail.default },
    }
  }
  const { readConfig } = await import('../../config/read-config.js')
  return readConfig({ file, environment })
}

/** What root reads names programs that it runs: whoever could exchange the file would be root. */
function choiceOf(environment: Environment, uid: number): ConfigFileChoice {
  return { environment, uid, checkPath: uid === 0 ? requireRootOnly : undefined }
}
