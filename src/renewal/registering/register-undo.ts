/** A proxy file as it was before a change of two steps, so that the first can be undone. */
import { isVoboxError, toVoboxError } from '../../errors.js'
import type { FileRead } from '../../ports/files.js'
import type { RegisterContext } from './register-request.js'

export interface Snapshot {
  /** Undefined: there was none, or none that may be believed. */
  file: FileRead | undefined
  /** Puts it back. Never rejects: what made it necessary is what must be told. */
  restore(): Promise<void>
}

export async function snapshotOf(
  { files, journal, repository }: RegisterContext,
  fileName: string,
): Promise<Snapshot> {
  const file = await repository.readBytes(fileName).catch((error: unknown) => {
    if (isVoboxError(error)) return undefined
    throw error
  })
  return {
    file,
    async restore() {
      try {
        if (file === undefined) await repository.remove(fileName)
        else await files.replace(repository.path(fileName), file.bytes, { mode: file.facts.mode })
      } catch (error) {
        const { code, message } = toVoboxError(error)
        const fields = { code, file: fileName }
        journal.write('error', 'proxy-file-not-restored', message, fields)
      }
    },
  }
}
