/** Codecs and rules know no paths; a person who reads what they found wrong needs one. */
import { isVoboxError, printable, VoboxError } from '../errors.js'

/** Runs `work`, and puts the file in front of whatever of ours it fails with. */
export function namingFile<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!isVoboxError(error)) throw error
    const { code, message, hint, data, persistence } = error
    throw new VoboxError(code, `${printable(path)}: ${message}`, {
      hint,
      data: { ...data, path },
      cause: error,
      persistence,
    })
  }
}
