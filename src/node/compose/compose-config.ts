/** The configuration of a program: its file, the environment and flags. */

import type { Config } from '../../config/config.js'
import { readConfigFile } from '../../config/config-file.js'
import { SETTINGS } from '../../config/settings.js'
import type { Files } from '../../ports/files.js'

type Environment = Readonly<Record<string, string | undefined>>

/** @param flag value of `--config`. Rejects with `CONFIG_INVALID`, or as `readConfigFile` does. */
export async function readEffectiveConfig(
  files: Files,
  environment: Environment,
  uid: number,
  flag?: string,
): Promise<Config> {
  const file = await readConfigFile(files, { flag, environment, uid })
  const { readConfig } = await import('../../config/read-config.js')
  return readConfig({ file, environment })
}

/**
 * The root of the VO directories alone, for who needs nothing else and must answer quickly: TOML is
 * parsed only where there is any.
 */
export async function readRoot(
  files: Files,
  environment: Environment,
  uid: number,
): Promise<string> {
  const file = await readConfigFile(files, { environment, uid })
  const { root } = SETTINGS
  if (file === undefined) {
    const named = environment[root.environment ?? '']
    return named ? root.parse(named) : root.default
  }
  const { readConfig } = await import('../../config/read-config.js')
  return readConfig({ file, environment }).root
}
