/** Which configuration file counts, and whether it may be believed. */
import { isVoboxError, VoboxError } from '../errors.js'
import type { Files } from '../ports/files.js'
import type { ConfigSources } from './read-config.js'

export const DEFAULT_CONFIG_FILE = '/etc/vobox-proxy/config.toml'

const MAX_BYTES = 1024 * 1024

export interface ConfigFileChoice {
  /** `--config`. */
  flag?: string | undefined
  /** `VOBOX_PROXY_CONFIG` is looked up in it. */
  environment: Readonly<Record<string, string | undefined>>
  /**
   * The user we run as. The file must be root's or that user's own: it names programs to run and
   * authorities to trust.
   */
  uid: number
  /** Throws for a path that must not be followed: root goes only where nobody else can lead it. */
  checkPath?: ((path: string) => void) | undefined
}

/**
 * Reads the file named by `--config`, else by `VOBOX_PROXY_CONFIG`, else the default one.
 *
 * Only the default one may be missing. Rejects with `CONFIG_INVALID` when a named file is not
 * there, and with `FILE_UNSAFE` when others could have written it or `checkPath` refuses its path.
 */
export async function readConfigFile(
  files: Files,
  { flag, environment, uid, checkPath }: ConfigFileChoice,
): Promise<ConfigSources['file']> {
  const named = flag || environment.VOBOX_PROXY_CONFIG || undefined
  const path = named ?? DEFAULT_CONFIG_FILE
  try {
    checkPath?.(path)
    const { bytes } = await files.read(path, {
      maxBytes: MAX_BYTES,
      owners: [0, uid],
      forbiddenMode: 0o022,
      // Configuration management tools like to link it; owner and mode of the target still count.
      followLinks: true,
    })
    return { path, text: bytes.toString('utf8') }
  } catch (error) {
    if (!isVoboxError(error, 'FILE_MISSING')) throw error
    if (named === undefined) return undefined
    const source = flag ? '--config' : '$VOBOX_PROXY_CONFIG'
    throw new VoboxError('CONFIG_INVALID', `${path}, named by ${source}, is not there`, {
      data: { path },
      cause: error,
    })
  }
}
