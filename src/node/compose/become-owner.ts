/**
 * Whose the VO directory is, and becoming that user.
 *
 * Root runs cron, the init script and sometimes the commands, but never opens anything below a
 * directory that another user can write: a link planted there would be followed with all rights. So
 * whoever is root here looks at the directory itself, without opening it, and gives its rights up
 * before the first file is touched.
 */
import { execFileSync } from 'node:child_process'
import { basename, dirname } from 'node:path'
import { voPaths } from '../../config/vo-paths.js'
import { printable, VoboxError } from '../../errors.js'
import type { FileFacts, Files } from '../../ports/files.js'
import { requireRootOnly } from './root-only.js'

/** Writing by anybody but the owner. */
const WRITABLE_BY_OTHERS = 0o022

export interface VoOwner {
  uid: number
  gid: number
}

/**
 * Returns the owner of a VO directory and, when we are root, becomes it for good: its groups, its
 * group, its user. To be called before anything in the directory is opened.
 *
 * Rejects with `VO_UNKNOWN` when there is no such directory and with `VO_DIRECTORY_UNSAFE` when it
 * is a link or no directory, or when its group or others can write it. Where root stays root, because
 * the directory is its own, also when a directory inside is not, and with `FILE_UNSAFE` when one above
 * is not.
 */
export async function becomeVoOwner(files: Files, directory: string): Promise<VoOwner> {
  const facts = await checkVoDirectory(files, directory)
  const { uid } = facts
  if (!isRoot()) return { uid, gid: facts.gid }
  if (uid === 0) {
    await refuseForeign(files, directory)
    return { uid, gid: facts.gid }
  }
  const gid = primaryGroup(uid, facts.gid, directory)
  dropTo(uid, gid)
  return { uid, gid }
}

/** A VO directory that was made by root and given away only inside: root would work in what is theirs. */
async function refuseForeign(files: Files, directory: string): Promise<void> {
  requireRootOnly(directory)
  const paths = voPaths(dirname(directory), basename(directory))
  for (const path of [paths.repository, paths.state, paths.locks, paths.spool, paths.log]) {
    const facts = await files.facts(path)
    if (facts === undefined) continue
    if (facts.uid === 0 && (facts.mode & WRITABLE_BY_OTHERS) === 0) continue
    const { uid, kind, mode } = facts
    throw new VoboxError(
      'VO_DIRECTORY_UNSAFE',
      `root does not work in ${printable(path)}, which others can write`,
      {
        hint: `Give the VO admin the directory itself: chown -h ADMIN ${printable(directory)}`,
        data: { directory: path, uid, kind, mode },
      },
    )
  }
}

/** The same look at the directory, without becoming anybody. */
export async function checkVoDirectory(files: Files, directory: string): Promise<FileFacts> {
  const facts = await files.facts(directory)
  if (facts === undefined) {
    throw new VoboxError('VO_UNKNOWN', `There is no VO directory ${printable(directory)}`, {
      hint: 'As root: vobox-proxy setup --vo VO --admin ACCOUNT; or name another VO with --vo',
      data: { directory },
    })
  }
  if (facts.kind !== 'directory') throw unsafeDirectory(directory, 'is not a directory', facts)
  if ((facts.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw unsafeDirectory(directory, 'can be written by others than its owner', facts)
  }
  return facts
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0 || process.getuid?.() === 0
}

/**
 * The owner's own group, not the directory's: a directory that root made for the VO admin often
 * still has root's.
 */
function primaryGroup(uid: number, directoryGid: number, directory: string): number {
  try {
    // By the system's own tool, since accounts may come from LDAP.
    const output = execFileSync('/usr/bin/id', ['-g', '--', String(uid)], {
      env: { PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10_000,
    })
    return Number.parseInt(output.toString(), 10)
  } catch (error) {
    if (directoryGid !== 0) return directoryGid
    throw new VoboxError(
      'VO_DIRECTORY_UNSAFE',
      `${printable(directory)} belongs to uid ${uid}, which has no account`,
      {
        hint: 'Make an account with this uid, or a new directory for the VO admin',
        data: { directory, uid },
        cause: error,
      },
    )
  }
}

/**
 * What to do about a directory that is not `admin`'s. Where it is root's, nobody can have put a link
 * into it; of one that another user can write, root must change nothing by a path below it.
 */
export function ownerHint(admin: string, owner: number, directory: string): string {
  if (owner === 0) return `As root: chown -hR ${admin} ${printable(directory)}`
  return `Name the account with uid ${owner} as VO admin, or make a new directory for ${admin}`
}

/** Node has it, its types do not. */
interface GroupInitialiser {
  initgroups?(user: number, extraGroup: number): void
}

/** Groups first, while we still may; then nothing leads back. */
function dropTo(uid: number, gid: number): void {
  const { initgroups, setgroups, setgid, setuid } = process as NodeJS.Process & GroupInitialiser
  if (!initgroups || !setgroups || !setgid || !setuid) {
    throw new TypeError('this platform has no users')
  }
  try {
    initgroups(uid, gid)
  } catch {
    // No account of that number: it has no further groups.
    setgroups([gid])
  }
  setgid(gid)
  setuid(uid)
  if (isRoot() || process.getegid?.() !== gid || process.getgroups?.().includes(0)) {
    throw new VoboxError('INTERNAL', `Could not give up root's rights for uid ${uid}`)
  }
}

function unsafeDirectory(directory: string, what: string, facts: FileFacts): VoboxError {
  const { kind, mode } = facts
  return new VoboxError('VO_DIRECTORY_UNSAFE', `${printable(directory)} ${what}`, {
    hint: kind === 'directory' ? `chmod go-w ${printable(directory)}` : undefined,
    data: { directory, kind, mode },
  })
}
