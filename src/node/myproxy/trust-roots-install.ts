/**
 * Putting a server's CA files into a CA directory: each one atomically, none that is the same already,
 * no revocation list older than the one that is there.
 */
import { realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { TrustRootFile } from '../../myproxy/trust-roots.js'
import type { UnixSeconds } from '../../ports/clock.js'
import type { Files } from '../../ports/files.js'
import { parseCrl } from '../../x509/crl.js'
import { readTrustMaterial, trustFileNames } from '../../x509/trust-files.js'
import { isRoot } from '../compose/become-owner.js'
import { currentUid } from '../compose/compose-login.js'
import { requireRootOnly } from '../compose/root-only.js'
import { requireRootOnlyAbove } from './root-place.js'
import { judgeTrustRoots, type RefusedTrustRoot, type TrustRootEntry } from './trust-roots-files.js'

type Environment = Readonly<Record<string, string | undefined>>

/** A CA that this machine did not know before. */
export interface NewAuthority {
  /** DN in one-line form. */
  subject: string
  /** SHA-256, lower-case hexadecimal, no colons. */
  fingerprint: string
  notAfter: UnixSeconds
}

export interface InstalledTrustRoots {
  directory: string
  /** Names of files, sorted. */
  added: readonly string[]
  replaced: readonly string[]
  unchanged: readonly string[]
  /** Revocation lists that are newer here than on the server, and stay. */
  newerHere: readonly string[]
  refused: readonly RefusedTrustRoot[]
  newAuthorities: readonly NewAuthority[]
}

/** Everybody reads CA certificates; nobody but the owner writes them. */
const FILE_MODE = 0o644
const DIRECTORY_MODE = 0o755
const WRITABLE_BY_OTHERS = 0o022

/** The largest grid CRLs have a few megabytes. */
const MAX_BYTES = 32 * 1024 * 1024

/** `$X509_CERT_DIR`; else root's is the machine's, and anybody else's in `~/.globus`, as GSI has it. */
export function trustRootsDirectoryOf(environment: Environment): string {
  const named = environment.X509_CERT_DIR
  if (named) return resolve(named)
  return isRoot()
    ? '/etc/grid-security/certificates'
    : join(environment.HOME || homedir(), '.globus', 'certificates')
}

/**
 * Whether the directory is one that the caller may fill: root's own where nobody else could have
 * changed the way to it, or the user's. One that is missing is judged by
 * where it would be made.
 *
 * @returns its real path: what is installed must not move with a link.
 * @throws VoboxError `FILE_UNSAFE`.
 */
export async function requireOwnDirectory(files: Files, directory: string): Promise<string> {
  const path = await realpath(directory).catch(() => directory)
  const facts = await files.facts(path)
  if (facts === undefined) {
    await requireRootOnlyAbove(files, path)
    return path
  }
  if (isRoot()) requireRootOnly(path, true)
  const writable = (facts.mode & WRITABLE_BY_OTHERS) !== 0
  if (facts.kind === 'directory' && facts.uid === currentUid() && !writable) return path
  const what = facts.kind !== 'directory' ? 'is no directory' : writable ? OPEN : 'is not yours'
  throw new VoboxError('FILE_UNSAFE', `no CA goes into ${printable(path)}, which ${what}`, {
    hint: 'name a directory of your own in X509_CERT_DIR',
    data: { path, kind: facts.kind, uid: facts.uid, mode: facts.mode },
  })
}

const OPEN = 'others can write to as well'

/**
 * Installs what may be installed.
 *
 * @throws VoboxError `FILE_UNSAFE`, `FILE_UNWRITABLE`, and `PROTOCOL_VIOLATION` where nothing of what
 *   was sent is of any use; files that are written by then are whole.
 */
export async function installTrustRoots(
  files: Files,
  directory: string,
  received: readonly TrustRootFile[],
): Promise<InstalledTrustRoots> {
  const path = await requireOwnDirectory(files, directory)
  const { entries, refused } = judgeTrustRoots(received)
  if (entries.length === 0) throw nothingUsable(refused)
  await makeDirectories(files, path)
  const before = await contentsOf(files, path, entries)
  const known = await knownAuthorities(files, path)
  const names = { added: [], replaced: [], unchanged: [], newerHere: [] } as Names
  for (const entry of entries) {
    const outcome = outcomeOf(entry, before.get(entry.name))
    if (outcome === 'added' || outcome === 'replaced') {
      await files.replace(join(path, entry.name), entry.content, { mode: FILE_MODE })
    }
    names[outcome].push(entry.name)
  }
  for (const list of Object.values(names)) list.sort()
  return { directory: path, ...names, refused, newAuthorities: newAmong(entries, known) }
}

type Outcome = 'added' | 'replaced' | 'unchanged' | 'newerHere'
type Names = Record<Outcome, string[]>

/** A list that a server has not updated must not take revocations back. */
function outcomeOf({ content, crl }: TrustRootEntry, there: Buffer | undefined): Outcome {
  if (there === undefined) return 'added'
  if (there.equals(content)) return 'unchanged'
  if (crl !== undefined && (thisUpdateOf(there) ?? 0) > crl.thisUpdate) return 'newerHere'
  return 'replaced'
}

/** Undefined for what is no list: then anything is better. */
function thisUpdateOf(bytes: Buffer): UnixSeconds | undefined {
  try {
    return parseCrl(bytes).thisUpdate
  } catch (error) {
    if (isVoboxError(error)) return undefined
    throw error
  }
}

/** What stands under these names now. Entries are often links within the directory. */
async function contentsOf(
  files: Files,
  directory: string,
  entries: readonly TrustRootEntry[],
): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>()
  for (const { name } of entries) {
    const bytes = await readIfThere(files, join(directory, name))
    if (bytes !== undefined) contents.set(name, bytes)
  }
  return contents
}

/** Fingerprints of the CAs that the directory holds, under whatever name. */
async function knownAuthorities(files: Files, directory: string): Promise<Set<string>> {
  const names = trustFileNames(await files.list(directory))
  const certificates = names.filter(({ kind }) => kind === 'certificate')
  const { material } = await readTrustMaterial(files, directory, certificates, new Map())
  return new Set(material.certificates.map(({ fingerprintSha256 }) => fingerprintSha256))
}

async function readIfThere(files: Files, path: string): Promise<Buffer | undefined> {
  try {
    return (await files.read(path, { maxBytes: MAX_BYTES, followLinks: true })).bytes
  } catch (error) {
    if (isVoboxError(error, 'FILE_MISSING', 'FILE_TOO_LARGE')) return undefined
    throw error
  }
}

function newAmong(entries: readonly TrustRootEntry[], known: ReadonlySet<string>): NewAuthority[] {
  const found = new Map<string, NewAuthority>()
  for (const { authorities } of entries) {
    for (const { fingerprintSha256: fingerprint, subject, notAfter } of authorities) {
      if (!known.has(fingerprint)) {
        found.set(fingerprint, { subject: subject.oneLine, fingerprint, notAfter })
      }
    }
  }
  return [...found.values()]
}

/** `~/.globus` may be missing as well; nothing further up is made. */
async function makeDirectories(files: Files, path: string): Promise<void> {
  const parent = dirname(path)
  if ((await files.facts(parent)) === undefined) await files.makeDirectory(parent, DIRECTORY_MODE)
  await files.makeDirectory(path, DIRECTORY_MODE)
}

function nothingUsable(refused: readonly RefusedTrustRoot[]): VoboxError {
  const [first] = refused
  const why = first === undefined ? '' : `; of ${printable(first.name)}: ${first.reason}`
  return new VoboxError('PROTOCOL_VIOLATION', `the server sent no CA file that can be used${why}`, {
    hint: 'ask the manager of the MyProxy server for its CA directory (cert_dir)',
    data: { refused: refused.length },
    persistence: 'permanent',
  })
}
