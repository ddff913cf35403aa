/** Which VO a command is about. */
import { join } from 'node:path'
import { checkVoName } from '../../config/vo-name.js'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { Files } from '../../ports/files.js'
import { checkVoDirectory } from './become-owner.js'

export interface VoDirectory {
  vo: string
  /** `ROOT/VO`. */
  path: string
  /** Its owner, the VO admin. */
  uid: number
}

/**
 * The directory of the VO that was named; else, where several have one below `root`, of the VO whose
 * attributes the caller's login proxy carries; else of the only one that has.
 *
 * @param voOfLogin asked only where that decides. What it says is not verified: it chooses between
 *   directories that the caller may or may not write in.
 * @throws VoboxError `VO_NAME_INVALID`; `VO_UNKNOWN` when there is no such directory, or none or
 *   several to choose from; `VO_DIRECTORY_UNSAFE` when others than its owner can change it.
 */
export async function chooseVoDirectory(
  files: Files,
  root: string,
  named: string | undefined,
  voOfLogin?: () => Promise<string | undefined>,
): Promise<VoDirectory> {
  const vo = named === undefined ? await impliedVo(files, root, voOfLogin) : checkVoName(named)
  const path = join(root, vo)
  const { uid } = await checkVoDirectory(files, path)
  return { vo, path, uid }
}

async function impliedVo(
  files: Files,
  root: string,
  voOfLogin: () => Promise<string | undefined> = async () => undefined,
): Promise<string> {
  const vos: string[] = []
  for (const name of await voNamesBelow(files, root)) {
    if ((await files.facts(join(root, name)))?.kind === 'directory') vos.push(name)
  }
  const [only, another] = vos
  if (only === undefined) {
    throw new VoboxError('VO_UNKNOWN', `there is no VO directory below ${printable(root)}`, {
      hint: 'As root: vobox-proxy setup --vo VO --admin ACCOUNT; or $VOBOX_PROXY_ROOT names another root',
      data: { root, vos },
    })
  }
  if (another === undefined) return only
  const ofLogin = await voOfLogin()
  if (ofLogin !== undefined && vos.includes(ofLogin)) return ofLogin
  throw new VoboxError('VO_UNKNOWN', `which VO is meant: ${vos.join(', ')}?`, {
    hint: 'say it with --vo',
    data: { root, vos },
  })
}

/** The only VO whose directory is `uid`'s: whoever runs one VO on a machine means that. */
export async function voOfOwner(
  files: Files,
  root: string,
  uid: number,
): Promise<string | undefined> {
  const own: string[] = []
  for (const name of await voNamesBelow(files, root)) {
    const facts = await files.facts(join(root, name))
    if (facts?.kind === 'directory' && facts.uid === uid) own.push(name)
  }
  return own.length === 1 ? own[0] : undefined
}

async function voNamesBelow(files: Files, root: string): Promise<string[]> {
  try {
    return (await files.list(root)).filter(isVoName).sort()
  } catch (error) {
    if (isVoboxError(error, 'FILE_MISSING')) return []
    throw error
  }
}

function isVoName(name: string): boolean {
  try {
    return checkVoName(name) === name
  } catch {
    return false
  }
}
