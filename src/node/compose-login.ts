/** The login proxy of whoever calls: where it is, and a glance at it. */
import { isVoboxError } from '../errors.js'
import type { Files } from '../ports/files.js'
import { MAX_CREDENTIAL_BYTES } from '../proxy/credential.js'
import { glanceAtProxy, type ProxyGlance } from '../renewal/query-glance.js'

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

/** Rejects as `Files.read` and `parseCredential` do. Others' files are looked at too: only looked at. */
export async function glanceAtFile(
  files: Files,
  { path, named }: LoginProxyPlace,
): Promise<ProxyGlance> {
  // Callers may link to their proxy; in the usual place, which anybody can write to, nobody may.
  const rules = { maxBytes: MAX_CREDENTIAL_BYTES, followLinks: named }
  return glanceAtProxy((await files.read(path, rules)).bytes)
}

/**
 * DER of the login proxy's identity in base64; undefined when there is no such proxy. One that was
 * named and cannot be read is an error: the caller meant it.
 */
export async function loginIdentity(
  files: Files,
  place: LoginProxyPlace,
): Promise<string | undefined> {
  try {
    return (await glanceAtFile(files, place)).identityDer
  } catch (error) {
    if (!place.named && isVoboxError(error)) return undefined
    throw error
  }
}
