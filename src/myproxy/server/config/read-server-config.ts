/** The configuration file on disk: whose it is, who can read it, and what is in it. */
import { isVoboxError, VoboxError } from '../../../errors.js'
import type { Files } from '../../../ports/files.js'
import { parseServerConfig } from './parse-server-config.js'
import { DEFAULT_SERVER_CONFIG_FILE, type ServerConfig } from './server-config.js'

const MAX_BYTES = 4 * 1024 * 1024

/** Whoever can write it decides who is given whose credentials. */
const WRITABLE_BY_OTHERS = 0o022
const OPEN_TO_OTHERS = 0o077

/**
 * @param path default `/etc/myproxy-server.config`, as the C server's.
 * @param uid of this process; the file must be its, or root's.
 * @throws VoboxError `CONFIG_INVALID` when it is not there or cannot be taken as it stands;
 *   `FILE_UNSAFE` when others can write it, or read a pass phrase in it.
 */
export async function readServerConfig(
  files: Files,
  { path = DEFAULT_SERVER_CONFIG_FILE, uid }: { path?: string; uid: number },
): Promise<ServerConfig> {
  const { bytes, facts } = await readFile(files, path, uid)
  const config = parseServerConfig(bytes, path)
  if (config.authority.keyPassPhrase !== undefined && (facts.mode & OPEN_TO_OTHERS) !== 0) {
    throw new VoboxError('FILE_UNSAFE', `${path} holds a pass phrase, and others can read it`, {
      hint: `chmod 600 ${path}`,
      data: { path, mode: facts.mode, directive: 'certificate_issuer_key_passphrase' },
    })
  }
  return config
}

async function readFile(files: Files, path: string, uid: number) {
  try {
    return await files.read(path, {
      maxBytes: MAX_BYTES,
      owners: [0, uid],
      forbiddenMode: WRITABLE_BY_OTHERS,
      // Configuration management tools like to link it; owner and mode of the target still count.
      followLinks: true,
    })
  } catch (error) {
    if (!isVoboxError(error, 'FILE_MISSING')) throw error
    throw new VoboxError('CONFIG_INVALID', `${path} is not there`, {
      hint: 'Name another with -c; the administrator’s guide of vobox-proxy has one to begin with',
      data: { path },
      cause: error,
    })
  }
}
