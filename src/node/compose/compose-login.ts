/** The login proxy of whoever calls: where it is, and a glance at it. */
import { resolve } from 'node:path'
import { isVoboxError } from '../../errors.js'
import type { FileFacts, FileRead, Files } from '../../ports/files.js'
import { describeChain } from '../../proxy/chain-facts.js'
import { MAX_CREDENTIAL_BYTES } from '../../proxy/credential.js'
import { glanceAtChain, glanceAtProxy, type ProxyGlance } from '../../renewal/query/query-glance.js'
import { namingFile } from '../../repository/naming-file.js'
import { attributesOfChain } from '../../voms/chain-attributes.js'
import { isRoot } from './become-owner.js'
import { requireRootOnly } from './root-only.js'

/** Whose rights we act with at this moment. */
export function currentUid(): number {
  return process.geteuid?.() ?? 0
}

export interface LoginProxyPlace {
  path: string
  /** Named in `$X509_USER_PROXY`; else it is the usual place, where often none is. */
  named: boolean
}

/** `$X509_USER_PROXY`, or `/tmp/x509up_u<uid>` where that is unset, as all grid tools have it. */
export function placeOfLoginProxy(
  environment: Readonly<Record<string, string | undefined>>,
  uid: number,
): LoginProxyPlace {
  const named = environment.X509_USER_PROXY
  return named ? { path: named, named: true } : { path: `/tmp/x509up_u${uid}`, named: false }
}

/** Rejects as `Files.read` and `parseCredential` do. */
export async function glanceAtFile(files: Files, place: LoginProxyPlace): Promise<ProxyGlance> {
  const { bytes } = await readForLooking(files, place)
  return namingFile(place.path, () => glanceAtProxy(bytes))
}

/**
 * A proxy file that is only looked at: anybody's, in any mode. Root reads it as its
 * owner, for good, since the way to it may lead through directories of theirs; one of its own only
 * where nobody else can change the way, or `FILE_UNSAFE`.
 */
export async function readForLooking(
  files: Files,
  { path, named }: LoginProxyPlace,
): Promise<FileRead> {
  const wasRoot = isRoot()
  if (wasRoot) becomeReader(path, await files.facts(path))
  // Callers may link to their proxy; in the usual place, which anybody can write to, nobody may.
  const rules = { maxBytes: MAX_CREDENTIAL_BYTES, followLinks: named && !wasRoot }
  return files.read(path, rules)
}

function becomeReader(path: string, facts: FileFacts | undefined): void {
  if (facts === undefined) return
  if (facts.uid === 0) {
    requireRootOnly(resolve(path))
    return
  }
  process.setgroups?.([facts.gid])
  process.setgid?.(facts.gid)
  process.setuid?.(facts.uid)
}

/**
 * The VO that the login proxy names first, in attributes that nobody has verified; undefined where
 * there is no such proxy. Root becomes nobody for that: it looks at a proxy of its own alone.
 */
export async function voOfLogin(files: Files, place: LoginProxyPlace): Promise<string | undefined> {
  try {
    if (isRoot() && (await files.facts(place.path))?.uid !== 0) return undefined
    const { bytes } = await readForLooking(files, place)
    const facts = describeChain(glanceAtChain(bytes))
    return attributesOfChain(facts).outermost[0]?.vo
  } catch (error) {
    if (isVoboxError(error)) return undefined
    throw error
  }
}

/**
 * DER of the login proxy's identity in base64; undefined when there is no such proxy. One that was
 * named and cannot be understood is an error: the caller meant it.
 */
export async function loginIdentity(
  files: Files,
  place: LoginProxyPlace,
): Promise<string | undefined> {
  try {
    return (await glanceAtFile(files, place)).identityDer
  } catch (error) {
    if (isVoboxError(error, 'FILE_MISSING')) return undefined
    if (!place.named && isVoboxError(error)) return undefined
    throw error
  }
}
