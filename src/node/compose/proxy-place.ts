/** Where a login proxy is about to be put: looked at before anybody is asked for anything. */
import { dirname } from 'node:path'
import { printable, VoboxError } from '../../errors.js'
import { nodeFiles } from '../ports/files.js'
import { isRoot } from './become-owner.js'
import { currentUid } from './compose-login.js'
import { requireRootOnly } from './root-only.js'

/**
 * Whether a proxy may be put there, and can be.
 *
 * @throws VoboxError `FILE_UNSAFE` where the place is a link, no regular file or somebody else's, or,
 *   for root, where others can change the way to it; `FILE_UNWRITABLE`.
 */
export async function checkProxyPlace(file: string): Promise<void> {
  if (isRoot()) requireRootOnly(dirname(file), true)
  const facts = await nodeFiles.facts(file)
  if (facts !== undefined && (facts.kind !== 'file' || facts.uid !== currentUid())) {
    const what = facts.kind === 'file' ? 'belongs to another user' : 'is not a regular file'
    throw new VoboxError('FILE_UNSAFE', `${printable(file)} ${what}`, {
      hint: 'remove it, or name another place with --out',
      data: { path: file, kind: facts.kind, uid: facts.uid },
    })
  }
  await nodeFiles.probeWritable(dirname(file))
}
