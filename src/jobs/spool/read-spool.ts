/**
 * Reads the spool of a `glite-proxy-renewd` that has ended: `<hash>.data` with a line for each proxy,
 * `<hash>.<n>` with the proxy, `<hash>.<n>.jobs` with the ids of its jobs. Nothing is changed.
 */
import { join } from 'node:path'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { FileFacts, Files } from '../../ports/files.js'
import { parseSlotLine, type SpoolSlot } from './slot-line.js'

/** A proxy that jobs share. */
export interface SpoolProxy {
  /** What its jobs read. */
  path: string
  /** `host` or `host:port`. */
  server: string
  /** In the order in which they came; one that stands twice is registered twice. */
  jobIds: readonly string[]
  /** Of what is at `path`; undefined: nothing is. */
  facts: FileFacts | undefined
}

/** What cannot be taken over because it cannot be read. */
export interface SpoolProblem {
  path: string
  reason: string
}

export interface Spool {
  proxies: readonly SpoolProxy[]
  problems: readonly SpoolProblem[]
  /** Names of files with keys that no job reads: what expired registrations and crashes left. */
  strays: readonly string[]
}

export interface SpoolDependencies {
  files: Files
  /** Absolute. */
  directory: string
  /** Whose it must be: the account that the daemon ran as. */
  uid: number
}

const DATA = /^([0-9a-f]{32})\.data$/
const PROXY = /^[0-9a-f]{32}\.\d+$/
const TEMPORARY = /^[0-9a-f]{32}\.(data|\d+(\.myproxy|\.voms)?)\.[A-Za-z0-9]{6}$/

/** Ten thousand jobs with ids of 511 bytes, and as many lines with long lists of FQANs. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024

const WRITABLE_BY_OTHERS = 0o022

/** @throws VoboxError `FILE_MISSING`; `FILE_UNSAFE` when it is not the account's own directory. */
export async function readSpool(deps: SpoolDependencies): Promise<Spool> {
  const { files, directory } = deps
  await checkDirectory(deps)
  const names = await files.list(directory)
  const proxies: SpoolProxy[] = []
  const problems: SpoolProblem[] = []
  for (const name of names.sort()) {
    const [, hash] = DATA.exec(name) ?? []
    if (hash !== undefined) await readSlots(deps, hash, { proxies, problems })
  }
  const known = new Set(proxies.map(({ path }) => path))
  const isStray = (name: string) =>
    TEMPORARY.test(name) || (PROXY.test(name) && !known.has(join(directory, name)))
  return { proxies, problems, strays: names.filter(isStray) }
}

async function checkDirectory({ files, directory, uid }: SpoolDependencies): Promise<void> {
  const facts = await files.facts(directory)
  const shown = printable(directory)
  const data = { path: directory, uid: facts?.uid, mode: facts?.mode }
  if (facts === undefined) {
    throw new VoboxError('FILE_MISSING', `there is no directory ${shown}`, {
      hint: 'It is the one that glite-proxy-renewd was started with: -r, or /var/spool/glite-renewd',
      data,
    })
  }
  if (facts.kind !== 'directory' || facts.uid !== uid) {
    throw new VoboxError('FILE_UNSAFE', `${shown} is no directory of the VO admin`, {
      hint: 'The VO admin must be the account that glite-proxy-renewd ran as, and its clients do',
      data: { ...data, reason: facts.kind === 'directory' ? 'owner' : 'kind' },
    })
  }
  if ((facts.mode & WRITABLE_BY_OTHERS) === 0) return
  throw new VoboxError('FILE_UNSAFE', `${shown} can be written by others than its owner`, {
    hint: `chmod go-w ${shown}, and look at what is in it`,
    data: { ...data, reason: 'mode' },
  })
}

interface Found {
  proxies: SpoolProxy[]
  problems: SpoolProblem[]
}

async function readSlots(deps: SpoolDependencies, hash: string, found: Found): Promise<void> {
  const path = join(deps.directory, `${hash}.data`)
  const text = await readText(deps, path)
  if (typeof text !== 'string') {
    found.problems.push(text ?? { path, reason: 'it is gone' })
    return
  }
  const seen = new Set<number>()
  for (const [at, line] of text.split('\n').entries()) {
    if (line === '') continue
    const slot = parseSlotLine(line)
    if (slot === undefined || seen.has(slot.suffix)) {
      const why = slot === undefined ? 'is damaged' : `is another one of suffix ${slot.suffix}`
      found.problems.push({ path, reason: `line ${at + 1} ${why}` })
      continue
    }
    seen.add(slot.suffix)
    await readSlot(deps, join(deps.directory, `${hash}.${slot.suffix}`), slot, found)
  }
}

async function readSlot(
  deps: SpoolDependencies,
  path: string,
  { server, isEmpty, jobIds }: SpoolSlot,
  { proxies, problems }: Found,
): Promise<void> {
  const text = await readText(deps, `${path}.jobs`)
  if (text !== undefined && typeof text !== 'string') {
    problems.push(text)
    return
  }
  const ids = text?.split('\n').filter((line) => line !== '') ?? jobIds
  if (ids.length > 0) {
    proxies.push({ path, server, jobIds: ids, facts: await deps.files.facts(path) })
  } else if (!isEmpty) {
    problems.push({ path: `${path}.jobs`, reason: 'it names no job, and the proxy has some' })
  }
}

/** Undefined: there is none. */
async function readText(
  { files, uid }: SpoolDependencies,
  path: string,
): Promise<string | SpoolProblem | undefined> {
  try {
    const { bytes } = await files.read(path, { maxBytes: MAX_TEXT_BYTES, owners: [uid] })
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    if (isVoboxError(error, 'FILE_MISSING')) return undefined
    if (isVoboxError(error)) return { path, reason: error.message }
    if (error instanceof TypeError) return { path, reason: 'it is not UTF-8' }
    throw error
  }
}
