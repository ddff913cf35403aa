/** Which files of `start/` and `stop/` are agents, and why the others are not. */
import { printable, VoboxError } from '../errors.js'
import type { FileFacts, Files } from '../ports/files.js'

export interface Agent {
  /** Its file name, printable or not. */
  name: string
  path: string
}

/** Something that lies there and is not run. */
export interface SkippedAgent {
  name: string
  reason: string
}

export interface FoundAgents {
  agents: readonly Agent[]
  skipped: readonly SkippedAgent[]
}

/** What editors and package managers leave beside the file that they change. */
const BACKUP = /~$|\.(bak|orig|rej|swp|rpmsave|rpmnew|rpmorig|dpkg-[a-z]+|ucf-[a-z]+)$/

const WRITABLE_BY_OTHERS = 0o022
const EXECUTABLE = 0o111

/**
 * The agents in `directory` in C-locale order, that is of the bytes of their names. Hidden files are
 * passed over without a word; a directory that is not there has none.
 *
 * @param owners who may have put an agent there: the VO admin and root.
 * @throws VoboxError `VO_DIRECTORY_UNSAFE` when others can exchange what lies in the directory.
 */
export async function findAgents(
  files: Files,
  directory: string,
  owners: readonly number[],
): Promise<FoundAgents> {
  const there = await files.facts(directory)
  if (there === undefined) return { agents: [], skipped: [] }
  checkDirectory(directory, there, owners)
  const agents: Agent[] = []
  const skipped: SkippedAgent[] = []
  for (const name of (await files.list(directory)).sort(byBytes)) {
    if (name.startsWith('.')) continue
    const path = `${directory}/${name}`
    const reason = whyNot(name, await files.facts(path), owners)
    if (reason === undefined) agents.push({ name, path })
    else skipped.push({ name, reason })
  }
  return { agents, skipped }
}

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

function whyNot(
  name: string,
  facts: FileFacts | undefined,
  owners: readonly number[],
): string | undefined {
  if (BACKUP.test(name)) return 'it is named like a backup'
  if (/\p{Cc}/u.test(name)) return 'its name holds control characters'
  if (facts === undefined) return 'it is gone'
  if (facts.kind === 'symlink') return 'it is a link; put the program itself there'
  if (facts.kind !== 'file')
    return `it is ${facts.kind === 'directory' ? 'a directory' : 'no file'}`
  if (!owners.includes(facts.uid)) {
    return `it belongs to uid ${facts.uid}, neither the VO admin nor root`
  }
  if ((facts.mode & WRITABLE_BY_OTHERS) !== 0) return 'others can write it; chmod go-w'
  if ((facts.mode & EXECUTABLE) === 0) return 'it is not executable; chmod u+x'
  return undefined
}

function checkDirectory(path: string, facts: FileFacts, owners: readonly number[]): void {
  const { kind, uid, mode } = facts
  const safe = kind === 'directory' && owners.includes(uid) && (mode & WRITABLE_BY_OTHERS) === 0
  if (safe) return
  throw new VoboxError(
    'VO_DIRECTORY_UNSAFE',
    `no agent of ${printable(path)} is run: it is not a directory of the VO admin's alone`,
    { hint: `ls -ld ${printable(path)}`, data: { directory: path, kind, uid, mode } },
  )
}
