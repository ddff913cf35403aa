/**
 * The credential with which a caller speaks to a MyProxy server: the login proxy where there is one,
 * else the user's certificate and key. So the C tools have it from Globus.
 */
import { resolve } from 'node:path'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import { describeChain } from '../../proxy/chain-facts.js'
import { type Credential, MAX_CREDENTIAL_BYTES, parseCredential } from '../../proxy/credential.js'
import { namingFile } from '../../repository/naming-file.js'
import { isRoot } from '../compose/become-owner.js'
import { currentUid, placeOfLoginProxy } from '../compose/compose-login.js'
import { requireRootOnly } from '../compose/root-only.js'
import { readUserCredential } from '../compose/user-files.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'

type Environment = Readonly<Record<string, string | undefined>>

export interface OwnCredentialOptions {
  /** `X509_USER_PROXY`, `X509_USER_CERT`, `X509_USER_KEY`, `HOME`. */
  environment: Environment
  /** Certificate and key instead of those of the environment, and instead of any proxy. */
  certificateFile?: string | undefined
  keyFile?: string | undefined
  /** Asks for the pass phrase of a file; only where one is needed. */
  passPhrase(file: string): Promise<Buffer>
}

export interface OwnCredential {
  credential: Credential
  /** Where it came from. */
  files: readonly string[]
  /** A proxy, or the user's certificate. */
  kind: 'proxy' | 'certificate'
}

/** As for every proxy file: for its owner alone. */
const PROXY_FORBIDS = 0o177

/**
 * @throws VoboxError `FILE_MISSING` where there is neither, `PROXY_EXPIRED` for a proxy that was named
 *   and has ended, `FILE_UNSAFE`, and what the codecs say, with the file's name.
 */
export async function readOwnCredential(options: OwnCredentialOptions): Promise<OwnCredential> {
  const named = options.certificateFile !== undefined || options.keyFile !== undefined
  const proxy = named ? undefined : await readLoginProxy(options.environment)
  return proxy ?? readOwnCertificate(options).catch((error: unknown) => neither(error, options))
}

/** Who has no files of their own there may have forgotten where the proxy is, or that it has ended. */
function neither(error: unknown, { environment }: OwnCredentialOptions): never {
  if (!isVoboxError(error, 'FILE_MISSING') || error.data.bundle === undefined) throw error
  const proxy = placeOfLoginProxy(environment, currentUid()).path
  throw new VoboxError(error.code, `no valid proxy in ${printable(proxy)}, and ${error.message}`, {
    hint: 'vobox-proxy proxy-init makes a proxy; $X509_USER_PROXY names one that is elsewhere',
    data: { ...error.data, proxy },
    cause: error,
  })
}

/**
 * The login proxy; undefined where there is none. One in the usual place that has ended, or is
 * nobody's business, counts as none; one that `$X509_USER_PROXY` names is an error then.
 */
export async function readLoginProxy(environment: Environment): Promise<OwnCredential | undefined> {
  const place = placeOfLoginProxy(environment, currentUid())
  const path = resolve(place.path)
  try {
    const credential = await readProxyFile(path, place.named)
    const { effectiveEnd: end } = describeChain(credential.chain)
    if (end > systemClock.now()) return { credential, files: [path], kind: 'proxy' }
    throw new VoboxError('PROXY_EXPIRED', `the proxy in ${printable(path)} has expired`, {
      hint: 'make a new one: vobox-proxy proxy-init',
      data: { path, end },
    })
  } catch (error) {
    if (isVoboxError(error, 'FILE_MISSING')) return undefined
    if (!place.named && isVoboxError(error)) return undefined
    throw error
  }
}

/**
 * A file that holds a key without a pass phrase, read as every proxy of the caller's own.
 *
 * @param named by the caller, who may link to it; in a place that anybody can write to, nobody may.
 */
export async function readProxyFile(path: string, named = true): Promise<Credential> {
  if (isRoot()) requireRootOnly(path)
  const { bytes } = await nodeFiles.read(path, {
    maxBytes: MAX_CREDENTIAL_BYTES,
    owners: [currentUid()],
    forbiddenMode: PROXY_FORBIDS,
    followLinks: named,
  })
  return namingFile(path, () => parseCredential(bytes))
}

/** The user's certificate and key, or a proxy where `X509_USER_CERT` and `X509_USER_KEY` name one. */
export async function readOwnCertificate(options: OwnCredentialOptions): Promise<OwnCredential> {
  const uid = currentUid()
  const { credential, places } = await readUserCredential(nodeFiles, { ...options, uid })
  const { certificate, key } = places
  return {
    credential,
    files: [certificate, ...(key === undefined || key === certificate ? [] : [key])],
    kind: describeChain(credential.chain).depth > 0 ? 'proxy' : 'certificate',
  }
}
