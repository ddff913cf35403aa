/** The account that a VO's service runs as: named by its caller, and the owner of the VO directory. */
import { execFileSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { VoboxError } from '../../errors.js'
import type { Files } from '../../ports/files.js'
import { becomeVoOwner, ownerHint } from './become-owner.js'

/**
 * Becomes the VO admin for good when root calls; whoever else calls must be the VO admin already,
 * unless they only look.
 *
 * @returns the admin's uid.
 * @throws VoboxError `NOT_PERMITTED` when there is no such account, when we are somebody else, or when
 *   the directory is somebody else's; and what `becomeVoOwner` throws.
 */
export async function becomeAdmin(
  files: Files,
  directory: string,
  admin: string,
  { onlyLooks = false } = {},
): Promise<number> {
  const { uid: owner } = await becomeVoOwner(files, directory)
  const { uid, username } = userInfo()
  const adminUid = username === admin ? uid : uidOfAccount(admin)
  if (owner !== adminUid) {
    throw new VoboxError('NOT_PERMITTED', `${directory} does not belong to ${admin}`, {
      hint: ownerHint(admin, owner, directory),
      data: { directory, admin, adminUid, owner },
    })
  }
  if (uid !== adminUid && !onlyLooks) {
    throw new VoboxError('NOT_PERMITTED', `only root and ${admin} may do this`, {
      hint: `You are ${username}`,
      data: { admin, adminUid, uid },
    })
  }
  return adminUid
}

/** Asked of `id`, which knows every directory service; Node knows uids by name of none. */
export function uidOfAccount(account: string): number {
  try {
    const output = execFileSync('/usr/bin/id', ['-u', '--', account], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10_000,
    })
    if (/^\d+\s*$/.test(output)) return Number(output)
  } catch {
    // All that `id` says is that there is none.
  }
  throw new VoboxError('NOT_PERMITTED', `there is no account ${account} on this machine`, {
    hint: 'Name the account that owns the VO directory (VO_ADMIN in /etc/vobox-proxy/vo/VO.sh)',
    data: { account },
  })
}
