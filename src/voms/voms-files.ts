/** Reads and parses the files of a `vomsdir`; what cannot be used becomes a problem. */
import { isVoboxError, printable, VoboxError } from '../errors.js'
import type { Files, ReadRules } from '../ports/files.js'
import type { Certificate } from '../x509/certificate.js'
import { mapBounded, parseCertificates } from '../x509/trust-files.js'
import { type Lsc, parseLsc } from './lsc.js'
import type { VomsTrustMaterial, VomsTrustProblem } from './voms-trust.js'

export interface VomsDirectoryRules {
  /** Whose files are believed. Default: anybody's, since on CVMFS they belong to its own user. */
  owners?: readonly number[]
}

/** A server has a few names, or a certificate; nobody needs more. */
const MAX_BYTES = { lsc: 64 * 1024, certificate: 256 * 1024 } as const

const VO_NAME = /^\w[\w.-]{0,254}$/
const LSC_NAME = /^([^.\s]\S{0,254})\.lsc$/
const CERTIFICATE_NAME = /^(?:[0-9a-f]{8}\.\d{1,3}|[^.].*\.pem)$/

/** A file that means something. */
type Entry = { path: string } & (
  | { kind: 'lsc'; vo: string; host: string }
  | { kind: 'certificate'; vo: string | undefined }
)

type Content =
  | { vo: string; host: string; lsc: Lsc }
  | { vo: string | undefined; certificates: readonly Certificate[] }

/** Everything that `directory` holds. Never rejects for what is or is not there. */
export async function readVomsDirectory(
  files: Files,
  directory: string,
  rules: VomsDirectoryRules,
): Promise<VomsTrustMaterial> {
  const problems: VomsTrustProblem[] = []
  const entries = await findEntries(files, directory, problems)
  const contents = await mapBounded(entries, (entry) =>
    orProblem(problems, entry, () => readEntry(files, entry, rules)),
  )
  const read = contents.filter((content) => content !== undefined)
  return {
    directory,
    lscs: read.flatMap((content) => ('lsc' in content ? [content] : [])),
    certificates: read.flatMap((content) =>
      'lsc' in content
        ? []
        : content.certificates.map((certificate) => ({ vo: content.vo, certificate })),
    ),
    problems,
  }
}

async function findEntries(
  files: Files,
  directory: string,
  problems: VomsTrustProblem[],
): Promise<Entry[]> {
  const top = { path: directory, kind: 'directory', vo: undefined } as const
  const names = (await orProblem(problems, top, () => listSafely(files, directory))) ?? []
  const isCertificate = (name: string) => CERTIFICATE_NAME.test(name)
  const vos = names.filter((name) => VO_NAME.test(name) && !isCertificate(name))
  const ofVos = await mapBounded(vos, async (vo) => {
    const path = `${directory}/${vo}`
    const inside = await orProblem(problems, { path, kind: 'directory', vo }, () =>
      listVo(files, path),
    )
    return (inside ?? []).flatMap((name) => entryOf(`${path}/${name}`, name, vo))
  })
  const beside = names
    .filter(isCertificate)
    .flatMap((name) => entryOf(`${directory}/${name}`, name))
  return [...ofVos.flat(), ...beside]
}

function entryOf(path: string, name: string, vo?: string): Entry[] {
  const host = LSC_NAME.exec(name)?.[1]
  if (host !== undefined && vo !== undefined) return [{ path, kind: 'lsc', vo, host }]
  return CERTIFICATE_NAME.test(name) ? [{ path, kind: 'certificate', vo }] : []
}

/** Names in the directory of a VO; none where it is something else, such as a README. */
async function listVo(files: Files, path: string): Promise<string[]> {
  const kind = (await files.facts(path))?.kind
  if (kind === 'directory') return listSafely(files, path)
  if (kind !== 'symlink') return []
  return files.list(path).catch((error) => {
    if (isVoboxError(error, 'FILE_MISSING')) return []
    throw error
  })
}

/** Sorted names, unless everybody could put a server of his own there. */
async function listSafely(files: Files, path: string): Promise<string[]> {
  const facts = await files.facts(path)
  if (facts?.kind === 'directory' && (facts.mode & 0o002) !== 0) {
    const message = `${printable(path)} may be written by everybody`
    throw new VoboxError('FILE_UNSAFE', message, { data: { path, mode: facts.mode } })
  }
  return (await files.list(path)).toSorted()
}

async function readEntry(files: Files, entry: Entry, rules: VomsDirectoryRules): Promise<Content> {
  const readRules: ReadRules = {
    maxBytes: MAX_BYTES[entry.kind],
    forbiddenMode: 0o022,
    // Often links to a central copy, made by whoever may write the directory.
    followLinks: true,
    ...(rules.owners && { owners: rules.owners }),
  }
  const { bytes } = await files.read(entry.path, readRules)
  if (entry.kind === 'certificate') return { vo: entry.vo, certificates: parseCertificates(bytes) }
  const { vo, host, path } = entry
  return { vo, host, lsc: parseLsc(bytes.toString('latin1'), path) }
}

/** Runs `work`; a failure of ours is noted, and undefined is the answer. */
async function orProblem<T>(
  problems: VomsTrustProblem[],
  of: { path: string; kind: 'lsc' | 'certificate' | 'directory'; vo: string | undefined },
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!isVoboxError(error)) throw error
    // A file system that does not answer may do so soon; anything else a person has to mend.
    const transient = error.code === 'FILE_UNREADABLE'
    const message = `${printable(of.path)} cannot be used: ${error.message}`
    problems.push({ kind: `${of.kind}-unusable`, file: of.path, vo: of.vo, transient, message })
    return undefined
  }
}
