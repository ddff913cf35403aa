/** The directory of a repository: 0700, and of nobody but the server. */
import { isVoboxError, VoboxError } from '../../../errors.js'
import type { FileFacts, Files } from '../../../ports/files.js'

/**
 * Makes the directory or checks it.
 *
 * @param owners who may own it.
 * @throws `FILE_UNSAFE`, `FILE_UNWRITABLE`.
 */
export async function prepareStoreDirectory(
  files: Files,
  directory: string,
  owners: readonly number[],
): Promise<void> {
  await makeDirectory(files, directory)
  const facts = await files.facts(directory)
  const isSafe =
    facts?.kind === 'directory' && (facts.mode & 0o077) === 0 && owners.includes(facts.uid)
  if (!isSafe) throw notOurs(directory, facts, owners)
}

async function makeDirectory(files: Files, path: string): Promise<void> {
  try {
    await files.makeDirectory(path, 0o700)
  } catch (error) {
    if (!isVoboxError(error, 'FILE_UNWRITABLE')) throw error
    const { message, data, cause } = error
    if (data.errno !== 'ENOENT' && data.errno !== 'EACCES') throw error
    const hint = `Make it as root, for the account of the server: install -d -m 0700 -o ACCOUNT ${path}`
    throw new VoboxError('FILE_UNWRITABLE', message, { hint, data, cause })
  }
}

function notOurs(
  path: string,
  facts: FileFacts | undefined,
  owners: readonly number[],
): VoboxError {
  const foreign = facts !== undefined && !owners.includes(facts.uid)
  return new VoboxError('FILE_UNSAFE', `${path} is not a directory of ours, 0700`, {
    data: { path, kind: facts?.kind, mode: facts?.mode, uid: facts?.uid },
    hint: foreign
      ? `It belongs to uid ${facts.uid}: run the server as that account, or chown -R what is there`
      : `Run: chmod 700 ${path}`,
  })
}
