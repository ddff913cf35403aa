/** Where a user's certificate and key are, and reading them as safely as other tools want it. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { Files } from '../../ports/files.js'
import type { Credential } from '../../proxy/credential.js'
import {
  holdsPrivateKey,
  parseUserCertificates,
  parseUserKey,
  parseUserPkcs12,
  userCredential,
} from '../../proxy/user-credential.js'
import { namingFile } from '../../repository/naming-file.js'
import { looksLikePkcs12 } from '../../x509/pkcs12.js'
import { isRoot } from './become-owner.js'
import { requireRootOnly } from './root-only.js'

type Environment = Readonly<Record<string, string | undefined>>

export interface UserPlaces {
  /** PEM, or PKCS#12 with both in one. */
  certificate: string
  /** Undefined: in the same file. */
  key: string | undefined
}

export interface UserPlacesOptions {
  environment: Environment
  /** `--cert`, `--key`. */
  certificateFile?: string | undefined
  keyFile?: string | undefined
  uid: number
}

export interface UserFilesOptions extends UserPlacesOptions {
  /** Asks for the pass phrase of a file. */
  passPhrase(file: string): Promise<Buffer>
}

const MAX_BYTES = 512 * 1024

/** 0600 or 0400, as Globus and VOMS tools want it; nobody executes a key. */
const KEY_FORBIDS = 0o177
const CERTIFICATE_FORBIDS = 0o022

/**
 * Reads whatever the options, `$X509_USER_CERT` and `$X509_USER_KEY`, or `~/.globus` name.
 *
 * @throws VoboxError `FILE_MISSING`, `FILE_UNSAFE` for a key that others can read or that is not the
 *   caller's, `PASS_PHRASE_WRONG`, and what the codecs of user credentials say, with the file's name.
 */
export async function readUserCredential(
  files: Files,
  options: UserFilesOptions,
): Promise<{ credential: Credential; places: UserPlaces }> {
  const named = await placesOf(files, options)
  const read = (path: string, secret: boolean) => readOwn(files, path, options.uid, secret)
  const ask = (path: string) => () => options.passPhrase(path)
  const first = await read(named.certificate, named.key === undefined)
  if (looksLikePkcs12(first)) {
    const places = { certificate: named.certificate, key: undefined }
    const bytes = await read(places.certificate, true)
    const credential = await namingFileOf(places.certificate, () =>
      parseUserPkcs12(bytes, ask(places.certificate)),
    )
    return { credential, places }
  }
  const keyFile = named.key ?? named.certificate
  const certificates = namingFile(named.certificate, () => parseUserCertificates(first))
  const keyBytes = await read(keyFile, true)
  const key = await namingFileOf(keyFile, () => parseUserKey(keyBytes, ask(keyFile)))
  const both = keyFile === named.certificate ? keyFile : `${named.certificate} and ${keyFile}`
  return { credential: namingFile(both, () => userCredential(key, certificates)), places: named }
}

/** A file's name, and what is in it. */
export interface NamedBytes {
  path: string
  bytes: Buffer
}

/**
 * The same two files as they are: nothing is parsed, and nobody is asked. PKCS#12 is both at once.
 *
 * @throws VoboxError `FILE_MISSING`, `FILE_UNSAFE`.
 */
export async function readUserFiles(
  files: Files,
  options: UserPlacesOptions,
): Promise<{ certificate: NamedBytes; key: NamedBytes }> {
  const { certificate, key = certificate } = await placesOf(files, options)
  const read = async (path: string, secret: boolean) => ({
    path,
    bytes: await readOwn(files, path, options.uid, secret),
  })
  return { certificate: await read(certificate, key === certificate), key: await read(key, true) }
}

async function placesOf(files: Files, options: UserPlacesOptions): Promise<UserPlaces> {
  const { environment, uid } = options
  const globus = join(environment.HOME || homedir(), '.globus')
  const certificate = options.certificateFile ?? (environment.X509_USER_CERT || undefined)
  const key = options.keyFile ?? (environment.X509_USER_KEY || undefined)
  const usual = { certificate: join(globus, 'usercert.pem'), key: join(globus, 'userkey.pem') }
  if (certificate !== undefined) {
    const path = resolve(certificate)
    if (key !== undefined) return { certificate: path, key: resolve(key) }
    const bytes = await readOwn(files, path, uid, false)
    const alone = looksLikePkcs12(bytes) || holdsPrivateKey(bytes)
    return { certificate: path, key: alone ? undefined : usual.key }
  }
  if (key !== undefined) return { certificate: usual.certificate, key: resolve(key) }
  if (await isThere(files, usual.certificate)) return usual
  const bundle = join(globus, 'usercred.p12')
  if (await isThere(files, bundle)) return { certificate: bundle, key: undefined }
  throw new VoboxError('FILE_MISSING', `there is no user certificate in ${printable(globus)}`, {
    hint:
      'put usercert.pem and userkey.pem there, or usercred.p12, or name them with --cert and --key; ' +
      '--noregen uses a proxy instead',
    data: { path: usual.certificate, bundle },
  })
}

async function isThere(files: Files, path: string): Promise<boolean> {
  return (await files.facts(path)) !== undefined
}

/** Users like to link these to where they keep them; what counts is the file that is opened. */
async function readOwn(files: Files, path: string, uid: number, secret: boolean): Promise<Buffer> {
  if (isRoot()) requireRootOnly(path)
  const owners = secret ? [uid] : [0, uid]
  const forbiddenMode = secret ? KEY_FORBIDS : CERTIFICATE_FORBIDS
  const rules = { maxBytes: MAX_BYTES, owners, forbiddenMode, followLinks: true }
  return (await files.read(path, rules)).bytes
}

/** As `namingFile`, for what takes its time. */
async function namingFileOf<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isVoboxError(error) || error.code === 'CANCELLED') throw error
    return namingFile(path, () => {
      throw error
    })
  }
}
